"""The key to Close that was given on the page: stored encrypted, renewed once however many want it, and given up."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import requests
import time_machine
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.utils import timezone

from dashboard import access, close, tasks
from dashboard.models import Connection, Credential, Event, Notice, PhoneNumber, Standing, SyncRun
from dashboard.models.credentials import SecretsError
from dashboard.services import connecting, connection, credentials, sync
from dashboard.simulator import DEMO_CLIENT, DEMO_KEY, Simulator

from .conftest import beside, database_url

ROOT = Path(__file__).parents[2]
FIELD_KEY = Fernet.generate_key().decode()
((CLIENT, SECRET),) = DEMO_CLIENT.items()

ANOTHER_PROCESS = """
import json, sys
import django
django.setup()
from django.conf import settings
for name, value in json.loads(sys.argv[1]).items():
    setattr(settings, name, value)
from dashboard.services import credentials
print("ready", flush=True)
sys.stdin.readline()
print(credentials.current().access_token)
"""


@pytest.fixture
def bare(transactional_db, sim, settings):
    """Nothing in the environment: the way to Close is what is given on the page."""
    settings.CLOSE_API_KEY = ""
    settings.FIELD_KEYS = [FIELD_KEY]
    settings.CLOSE_OAUTH_CLIENT_ID, settings.CLOSE_OAUTH_CLIENT_SECRET = CLIENT, SECRET
    return sim


@pytest.fixture
def actor(bare, ops):
    return access.person(ops)


def code_of(sim):
    """Allow closephones in Close, as a person does; the code with which they come back."""
    url = connecting.ask_for_leave(state="s")
    answer = requests.post(url, data={"decision": "allow"}, timeout=5, allow_redirects=False)
    return re.search("code=([^&]+)", answer.headers["Location"])[1]


@pytest.fixture
def connected(bare, actor):
    """Connected by OAuth; what was asked until then is not in the journal any more."""
    connecting.by_oauth(actor=actor, code=code_of(bare))
    bare.journal.clear()
    return bare


def refreshes(sim):
    return [entry for entry in sim.journal if entry.path == "/oauth2/token/"]


def let_it_end():
    """The access token is about to end, as far as we know."""
    Credential.objects.update(access_ends_at=timezone.now())


def token():
    return credentials.current().access_token


# --- what is stored --------------------------------------------------------------------------------


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


# --- connecting ------------------------------------------------------------------------------------


def test_connected_by_oauth_numbers_can_be_read(connected):
    here = Connection.load()
    assert (here.acting_name, here.problem, here.may_change_team_numbers) == ("Marta Klein", "", True)
    assert here.organization_name == connected.organisation.name
    sync.sync()
    assert {entry.key for entry in connected.journal} == {token()}
    assert credentials.stored_credential().given_by == "Marta Klein"
    entry = Event.objects.get(kind="connection")
    assert (entry.who, entry.about) == ("Marta Klein", connected.organisation.name)
    assert entry.words == "connected by OAuth, as Marta Klein"


def test_another_key_in_the_environment_is_in_the_history_by_its_end(synced, settings, organisation):
    settings.CLOSE_API_KEY = "api_another_1234"
    with Simulator(organisation, keys=("api_another_1234",)) as there:
        settings.CLOSE_API_URL = there.url
        sync.sync()
        sync.sync()
        settings.CLOSE_API_KEY = ""
        with pytest.raises(connection.NotConnectedError):
            sync.sync()
        settings.CLOSE_API_KEY = "api_another_1234"
        sync.sync()
    entries = Event.objects.filter(kind="connection").order_by("position")
    assert [entry.words.removeprefix("The key of the environment (CLOSE_API_KEY) ") for entry in entries] == [
        "was changed: it ended in demo, and ends in 1234 now.",
        "was taken out; it ended in 1234.",
        "counts now; it ends in 1234.",
    ]
    assert "api_another" not in "".join(entry.line() for entry in entries)


def test_the_environment_goes_first(connected, actor, settings):
    settings.CLOSE_API_KEY = DEMO_KEY
    assert credentials.current() == credentials.Key(api_key=DEMO_KEY)
    for connect in (
        lambda: connecting.by_key(actor=actor, api_key="api_other"),
        lambda: connecting.by_oauth(actor=actor, code="code"),
        lambda: connecting.ask_for_leave(state="s"),
    ):
        with pytest.raises(connecting.RefusedError, match="CLOSE_API_KEY"):
            connect()
    assert connected.journal == []


@pytest.mark.parametrize("name", ["other-organisation", "401", "503"])
def test_a_key_that_does_not_open_this_organisation_is_not_stored(connected, actor, name, hasty):
    before = Credential.objects.values().get()
    connected.fault(name)
    with pytest.raises(connecting.RefusedError, match="Nothing was stored"):
        connecting.by_key(actor=actor, api_key=DEMO_KEY)
    assert Credential.objects.values().get() == before
    assert Connection.load().problem == ""


def test_a_grant_for_another_organisation_is_refused_in_words_and_given_back(bare, actor):
    Connection.note(organization_id="orga_ours", organization_name="Ours Ltd")
    with pytest.raises(connecting.RefusedError, match="this database holds Ours Ltd"):
        connecting.by_oauth(actor=actor, code=code_of(bare))
    assert not Credential.objects.exists()
    assert bare.grants.grants == []


def test_a_code_is_good_once(bare, actor):
    code = code_of(bare)
    connecting.by_oauth(actor=actor, code=code)
    with pytest.raises(connecting.RefusedError, match="Connect once more"):
        connecting.by_oauth(actor=actor, code=code)


def test_a_wrong_secret_is_whoever_runs_closephones_to_set_right(bare, actor, settings):
    code = code_of(bare)
    settings.CLOSE_OAUTH_CLIENT_SECRET = "wrong"
    with pytest.raises(connecting.RefusedError, match="CLOSE_OAUTH_CLIENT_SECRET"):
        connecting.by_oauth(actor=actor, code=code)


def test_a_key_in_place_of_a_grant_gives_the_grant_back(connected, actor):
    connecting.by_key(actor=actor, api_key=DEMO_KEY)
    assert connected.grants.grants == []
    assert Credential.objects.get().refresh_token == ""


def test_disconnecting_revokes_and_forgets(connected, actor):
    assert connecting.disconnect(actor=actor)
    assert connected.grants.grants == []
    assert credentials.current() is None
    assert Event.objects.filter(kind="connection").latest("position").words == "disconnected"
    with pytest.raises(connection.NotConnectedError):
        sync.sync()


def test_disconnecting_while_close_is_away_forgets_all_the_same(connected, actor):
    connected.fault("503")
    assert not connecting.disconnect(actor=actor)
    assert not Credential.objects.exists()


# --- renewing --------------------------------------------------------------------------------------


def test_a_token_that_lasts_is_used_as_it_is(connected):
    first = token()
    assert token() == first
    assert refreshes(connected) == []


def test_a_token_that_ends_is_renewed_before_it_is_used(connected):
    first = token()
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        assert token() != first
        sync.sync()
    assert len(refreshes(connected)) == 1
    assert SyncRun.objects.get().complete


def test_background_work_renews_early_so_that_people_need_not_wait(connected):
    with time_machine.travel(timezone.now() + timedelta(minutes=50)):
        first = token()
        assert refreshes(connected) == []
        assert credentials.current(background=True).access_token != first


def test_threads_at_once_renew_once(connected):
    let_it_end()
    with ThreadPoolExecutor(12) as pool:

        def ask():
            try:
                return token()
            finally:
                database.close()

        connected.hold("POST", "/oauth2/")
        asked = [pool.submit(ask) for _ in range(12)]
        connected.wait_until_held()
        connected.release()
        tokens = {one.result() for one in asked}
    assert len(tokens) == 1
    assert len(refreshes(connected)) == 1
    assert tokens <= connected.grants.access_tokens()


def test_processes_at_once_renew_once(connected):
    let_it_end()
    given = {"CLOSE_API_URL": connected.url, "CLOSE_API_KEY": "", "FIELD_KEYS": [FIELD_KEY]}
    given |= {"CLOSE_OAUTH_CLIENT_ID": CLIENT, "CLOSE_OAUTH_CLIENT_SECRET": SECRET}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ANOTHER_PROCESS, json.dumps(given)],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database_url()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    try:
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * 4
        connected.hold("POST", "/oauth2/")
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        connected.wait_until_held()
        connected.release()
        tokens = {process.communicate(timeout=30)[0].strip() for process in processes}
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert len(tokens) == 1
    assert len(refreshes(connected)) == 1
    assert tokens <= connected.grants.access_tokens()


def test_a_token_that_close_ended_early_is_replaced_in_the_middle_of_a_walk(connected):
    """All four connections of the walk meet the end of the token; one of them renews it."""
    Credential.objects.update(renewed_at=timezone.now() - timedelta(minutes=5))
    connected.end_access_tokens()
    sync.sync()
    assert len(refreshes(connected)) == 1
    assert SyncRun.objects.get().complete
    assert Connection.load().problem == ""


def test_a_save_goes_on_with_the_token_that_another_process_has_fetched(connected):
    sync.sync()
    client, number = connection.client(), PhoneNumber.objects.filter(type="internal")[0]
    let_it_end()
    token()
    connected.journal.clear()
    close.update_phone_number(client, number.close_id, {"label": "Mine"})
    assert [entry.status for entry in connected.journal] == [401, 200]
    assert connected.puts(committed=True) == [(number.close_id, {"label": "Mine"})]


def test_a_save_fetches_no_token_itself(connected):
    sync.sync()
    number = PhoneNumber.objects.filter(type="internal")[0]
    Credential.objects.update(renewed_at=timezone.now() - timedelta(minutes=5))
    connected.end_access_tokens()
    with pytest.raises(close.AuthenticationError):
        close.update_phone_number(connection.client(), number.close_id, {"label": "Mine"})
    assert refreshes(connected) == []
    assert connected.puts(committed=True) == []


def test_while_close_is_away_a_token_is_used_to_its_end(connected, hasty):
    connected.fault("503", path="/oauth2/")
    with time_machine.travel(timezone.now() + timedelta(minutes=59)):
        assert token()
    with time_machine.travel(timezone.now() + timedelta(minutes=61)), pytest.raises(close.ServerError) as caught:
        token()
    assert not caught.value.sent
    assert Connection.load().problem == ""
    connected.clear_faults()
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert token()


def test_whoever_died_while_renewing_is_waited_for_no_longer_than_the_lease(connected, settings):
    settings.CLOSE_TIMEOUT = 0.1
    Credential.objects.update(renewing_until=timezone.now() + timedelta(minutes=1), access_ends_at=timezone.now())
    with pytest.raises(close.ConnectionFailedError) as caught:
        token()
    assert not caught.value.sent
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        assert token()


def test_connecting_anew_while_a_token_is_renewed_wins(connected, actor):
    let_it_end()
    connected.hold("POST", "/oauth2/")
    with beside(token) as renewing:
        connected.wait_until_held()
        credentials.store(actor=actor, api_key=DEMO_KEY)
        connected.release()
    assert renewing.result() == ""
    assert credentials.current() == credentials.Key(api_key=DEMO_KEY)
    assert connected.grants.grants == []


def test_tokens_are_renewed_daily_by_the_sweep_though_nobody_needs_them(connected):
    refresh_token = credentials.stored_credential().refresh_token
    tasks.sweep.func()
    assert refreshes(connected) == []
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        tasks.sweep.func()
        tasks.sweep.func()
    assert len(refreshes(connected)) == 1
    assert credentials.stored_credential().refresh_token != refresh_token


# --- refused ---------------------------------------------------------------------------------------


def test_a_refused_renewal_stops_the_connection_and_close_is_asked_once_a_minute(connected):
    sync.sync()
    number = PhoneNumber.objects.all()[0]
    connected.forget_grants()
    connected.journal.clear()
    now = timezone.now() + timedelta(hours=2)
    with time_machine.travel(now) as clock:
        for _ in range(5):
            with pytest.raises(close.AuthenticationError):
                sync.sync()
            with pytest.raises(close.AuthenticationError):
                sync.refresh_number(number=number)
            tasks.sweep.func()
        assert len(connected.journal) == 1
        here = Connection.load()
        assert here.problem == "refused"
        assert "An ops admin can reconnect on the page Connection." in here.problem_text
        assert [(one.user.first_name, one.words) for one in Notice.objects.all()] == [("Marta", here.problem_text)]
        clock.shift(61)
        for _ in range(3):
            with pytest.raises(close.AuthenticationError):
                sync.sync()
        assert len(connected.journal) == 2


def test_many_waiting_for_a_renewal_that_is_refused_ask_once(connected):
    let_it_end()
    connected.forget_grants()
    connected.hold("POST", "/oauth2/")
    with ThreadPoolExecutor(8) as pool:

        def ask():
            try:
                return token()
            except close.AuthenticationError:
                return "refused"
            finally:
                database.close()

        asked = [pool.submit(ask) for _ in range(8)]
        connected.wait_until_held()
        connected.release()
        assert {one.result() for one in asked} == {"refused"}
    assert len(refreshes(connected)) == 1


def test_a_refused_key_is_left_alone_for_a_minute_and_what_is_due_waits(synced, number, edit):
    synced.fault("done-later", method="PUT", delay=60)
    change = edit(number, label="Mine")
    assert change.state == "unknown"
    synced.clear_faults()
    synced.fault("401")
    with pytest.raises(close.AuthenticationError):
        sync.sync()
    synced.journal.clear()
    for _ in range(3):
        tasks.sweep.func()
        with pytest.raises(close.AuthenticationError):
            sync.sync()
    assert synced.journal == []
    change.refresh_from_db()
    assert change.state == "unknown"
    assert [(one.plan, one.count) for one in connecting.waiting()] == [(change.plan, 1)]

    synced.clear_faults()
    synced.do_later()
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        sync.sync()
        tasks.sweep.func()
    change.refresh_from_db()
    assert change.state == "applied"
    assert connecting.waiting() == []


def test_reconnecting_after_a_refused_renewal_goes_on_at_once(connected, actor):
    sync.sync()
    connected.forget_grants()
    let_it_end()
    with pytest.raises(close.AuthenticationError):
        token()
    assert Connection.load().problem == "refused"

    connecting.by_oauth(actor=actor, code=code_of(connected))

    assert Connection.load().problem == ""
    sync.sync()
    assert SyncRun.objects.first().complete


def test_the_limit_last_seen_is_kept(connected):
    connected.limit(20, window=60)
    Connection.note(last_answer_at=None)
    sync.sync()
    seen = Standing.objects.get()
    assert seen.limit == 20
    assert seen.remaining < 20
    assert seen.group.startswith("GET ")


def test_nothing_secret_is_in_the_log(connected, actor, caplog):
    caplog.set_level("DEBUG")
    stored = credentials.stored_credential()
    let_it_end()
    connected.fault("503", path="/oauth2/", times=1)
    with pytest.raises(close.CloseError):
        token()
    token()
    connected.forget_grants()
    let_it_end()
    with pytest.raises(close.AuthenticationError):
        token()
    with pytest.raises(connecting.RefusedError):
        connecting.by_key(actor=actor, api_key="api_canary_of_somebody")
    connecting.disconnect(actor=actor)
    assert "access: refused by Close" in caplog.text
    for secret in (stored.access_token, stored.refresh_token, SECRET, FIELD_KEY, "api_canary"):
        assert secret not in caplog.text
