"""The key to Close that was given on the page: stored encrypted, and its keys rotated."""

import sqlite3

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.core.management import CommandError, call_command
from django.db import connection as database

from dashboard.models import Connection, Credential
from dashboard.models.credentials import SecretsError
from dashboard.services import connecting, connection, credentials, sync
from dashboard.simulator import DEMO_KEY

from .granted import FIELD_KEY, SECRET, actor, bare, connected

__all__ = ["actor", "bare", "connected"]


def everything_stored():
    """The whole database as bytes, as somebody who stole it would have it."""
    if database.vendor == "sqlite":
        with sqlite3.connect(database.settings_dict["NAME"]) as file:
            return "\n".join(file.iterdump())
    with database.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        names = [name for (name,) in cursor.fetchall()]
        rows = []
        for name in names:
            cursor.execute(f'SELECT t::text FROM "{name}" t')
            rows += [row for (row,) in cursor.fetchall()]
    return "\n".join(rows)


def test_nothing_secret_is_in_the_database(connected):
    stored = credentials.stored_credential()
    secrets = [stored.access_token, stored.refresh_token, SECRET, FIELD_KEY]
    found = everything_stored()
    assert str(stored.stamp).replace("-", "") in found.replace("-", "")
    assert [secret for secret in secrets if secret in found] == []


def test_a_key_is_not_in_the_database_either(bare, actor):
    connecting.by_key(actor=actor, api_key=DEMO_KEY)
    assert credentials.current() == credentials.Key(api_key=DEMO_KEY)
    assert DEMO_KEY not in everything_stored()


def test_nobody_looks_up_by_a_secret(bare):
    with pytest.raises(FieldError):
        Credential.objects.filter(api_key="x").exists()


def test_without_field_keys_nothing_is_stored(bare, actor, settings):
    settings.FIELD_KEYS = []
    with pytest.raises(connecting.RefusedError, match="FIELD_KEYS is not set"):
        connecting.by_key(actor=actor, api_key=DEMO_KEY)
    with pytest.raises(SecretsError):
        credentials.store(actor=actor, api_key=DEMO_KEY)
    assert not Credential.objects.exists()


@pytest.mark.parametrize("keys", [[], [Fernet.generate_key().decode()]])
def test_a_lost_field_key_is_said_in_words_and_can_be_got_over(connected, actor, settings, keys):
    settings.FIELD_KEYS = keys
    with pytest.raises(connection.NotConnectedError, match="Put the key back into FIELD_KEYS"):
        sync.sync()
    assert Connection.load().problem == "no_key"
    assert connected.journal == []
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    connecting.by_key(actor=actor, api_key=DEMO_KEY)
    sync.sync()
    assert Connection.load().problem == ""


def test_keys_are_rotated_by_command(connected, settings, capsys):
    before, new = credentials.stored_credential(), Fernet.generate_key().decode()
    settings.FIELD_KEYS = [new, FIELD_KEY]
    call_command("rotate_keys")
    assert capsys.readouterr().out.startswith("2 secrets are encrypted with the first key of FIELD_KEYS.")
    settings.FIELD_KEYS = [new]
    assert credentials.stored_credential().refresh_token == before.refresh_token
    settings.FIELD_KEYS = [FIELD_KEY]
    assert credentials.stored_credential() is None


def test_a_rotation_that_cannot_read_changes_nothing(connected, settings):
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match="What is stored cannot be read"):
        call_command("rotate_keys")
    settings.FIELD_KEYS = [FIELD_KEY]
    assert credentials.stored_credential().refresh_token
