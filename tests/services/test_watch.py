"""What wakes somebody up: said by the command, e-mailed to ops admins once."""

import json
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.utils import timezone

from dashboard.models import Connection
from dashboard.services import watch


@pytest.fixture
def well(synced, ops, lead, settings, tmp_path):
    """Everything is as it should be, and mail can be sent."""
    settings.EMAIL_URL, settings.EMAIL_FROM = "smtp://mail.example.com", "closephones@example.com"
    settings.VAR_DIR, settings.BASE_URL = tmp_path, "https://phones.example.com"
    Connection.note(worker_seen_at=timezone.now(), synced_at=timezone.now())


def look():
    """Whether all is well, and what was said."""
    out = StringIO()
    try:
        call_command("watch", stdout=out)
    except CommandError as error:
        return False, out.getvalue() + str(error)
    return True, out.getvalue()


def test_all_is_well(well, mailoutbox):
    assert look() == (True, "All is well.\n")
    assert mailoutbox == []


def test_a_silent_worker_is_told_to_ops_admins_once_and_that_it_is_over(well, mailoutbox):
    Connection.note(worker_seen_at=timezone.now() - timedelta(minutes=6))
    good, said = look()
    assert not good
    assert "Told marta@example.com.\nworker: last sign of life: " in said
    assert "Nothing scheduled runs. Start the worker again." in said
    [mail] = mailoutbox
    assert (mail.to, mail.from_email) == (["marta@example.com"], "closephones@example.com")
    assert mail.subject == "closephones needs somebody: worker"
    assert mail.body.endswith("Start the worker again.\n\nhttps://phones.example.com\n")

    assert not look()[0]
    assert len(mailoutbox) == 1
    Connection.note(synced_at=timezone.now() - timedelta(days=1))
    look()
    assert [mail.subject for mail in mailoutbox[1:]] == ["closephones needs somebody: sync, worker"]

    Connection.note(worker_seen_at=timezone.now(), synced_at=timezone.now())
    assert look()[0]
    assert [mail.subject for mail in mailoutbox[2:]] == ["closephones is well again"]
    assert look() == (True, "All is well.\n")
    assert len(mailoutbox) == 3


def test_after_a_day_it_is_told_again(well, mailoutbox):
    Connection.note(worker_seen_at=None)
    look()
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        Connection.note(synced_at=timezone.now())
        look()
    assert len(mailoutbox) == 2


def test_a_disk_is_told_of_before_it_is_full(well, settings, mailoutbox, monkeypatch):
    settings.MIN_FREE_MB = 200
    monkeypatch.setattr("dashboard.services.connection.free_mb", lambda: 999)
    assert "disk: 999 MB free. Free some space" in look()[1]
    assert len(mailoutbox) == 1
    monkeypatch.setattr("dashboard.services.connection.free_mb", lambda: 1000)
    assert look()[0]


def test_without_a_way_to_send_mail_the_command_alone_says_it(well, settings, mailoutbox):
    settings.EMAIL_URL = ""
    Connection.note(worker_seen_at=None)
    assert "worker: last sign of life: none." in look()[1]
    assert mailoutbox == []


def test_mail_that_is_not_taken_is_said_and_tried_again(well, mailoutbox, monkeypatch):
    Connection.note(worker_seen_at=None)
    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "send_messages", lambda *_: (_ for _ in ()).throw(OSError("connection refused")))
        assert "The ops admins could not be told: connection refused" in look()[1]
    look()
    assert len(mailoutbox) == 1


def test_a_database_that_does_not_answer_is_told_where_ops_admins_were_last_reached(well, mailoutbox, monkeypatch):
    Connection.note(worker_seen_at=None)
    look()

    def away(*args, **kwargs):
        raise DatabaseError("the server closed the connection")

    monkeypatch.setattr(Connection, "load", away)
    monkeypatch.setattr("dashboard.access.ops_admins", away)
    assert "database: cannot be written: the server closed the connection." in look()[1]
    assert [mail.to for mail in mailoutbox] == [["marta@example.com"]] * 2


def test_what_was_told_may_be_lost(well, mailoutbox, settings):
    Connection.note(worker_seen_at=None)
    for text in ("", "[]", json.dumps({"names": ["worker"]}), "{"):
        (settings.VAR_DIR / "watch.json").write_text(text)
        look()
    assert len(mailoutbox) == 4
    assert watch.tell([], memory=settings.VAR_DIR / "nothing" / "watch.json") == []
