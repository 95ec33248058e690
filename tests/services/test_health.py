"""/healthz and /readyz: what watches over the service, and who reads how much of it."""

from datetime import timedelta

import pytest
import time_machine
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from dashboard import access
from dashboard.models import Change, Connection, Plan
from dashboard.services import health, running, sync
from tests.services.planned import approve, draft, some

HERE, ELSEWHERE = "127.0.0.1", "203.0.113.9"


@pytest.fixture
def ready(synced, settings):
    """Everything is as it should be."""
    settings.SECURE_PROXY_SSL_HEADER = None
    Connection.note(worker_seen_at=timezone.now())


@pytest.fixture
def ask():
    """What /readyz answers to somebody at this address."""
    return lambda address=HERE, client=None: (client or Client()).get("/readyz", REMOTE_ADDR=address)


def bad(answer):
    """The names of what is not as it should be."""
    assert answer.status_code == 503
    return {name: fact["words"] for name, fact in answer.json()["details"].items() if not fact["good"]}


def test_alive(db):
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")


def test_ready(ready, ask):
    answer = ask()
    assert answer.status_code == 200
    assert answer.json()["ready"] is True
    assert set(answer.json()["details"]) == {
        "database", "migrations", "close", "sync", "worker", "changes", "disk", "writes",
    }  # fmt: skip
    assert "Meridian Supply" in answer.json()["details"]["close"]["words"]


def test_strangers_read_one_word(ready, ask, settings):
    answer = ask(ELSEWHERE)
    assert (answer.status_code, answer.content) == (200, b"ok")
    settings.MIN_FREE_MB = 10**9
    answer = ask(ELSEWHERE)
    assert (answer.status_code, answer.content) == (503, b"not ready")


def test_behind_a_proxy_this_machine_is_everybody(ready, ask, settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert ask(HERE).content == b"ok"


def test_ops_admins_read_the_details_and_others_do_not(ready, ask, ops_client, lead_client, viewer_client):
    assert ask(ELSEWHERE, ops_client).json()["ready"] is True
    assert ask(ELSEWHERE, lead_client).content == b"ok"
    assert ask(ELSEWHERE, viewer_client).content == b"ok"


def test_the_worker_is_silent(ready, ask):
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert set(bad(ask())) == {"worker"}


def test_the_last_walk_is_old(ready, ask, settings):
    settings.SYNC_INTERVAL = 10
    Connection.note(synced_at=timezone.now() - timedelta(seconds=31))
    assert set(bad(ask())) == {"sync"}


def test_the_disk_is_nearly_full(ready, ask, settings):
    settings.MIN_FREE_MB = 10**9
    assert set(bad(ask())) == {"disk"}


def test_close_is_away(ready, ask, synced, number, hasty):
    synced.fault("no-answer", method="GET")
    with pytest.raises(Exception, match="GET phone_number"):
        sync.refresh_number(number=number)
    assert bad(ask())["close"].startswith("no answer since ")


def test_the_key_is_refused(ready, ask, synced, number):
    synced.fault("401", times=1)
    with pytest.raises(Exception, match="401"):
        sync.refresh_number(number=number)
    assert bad(ask())["close"].startswith("Close refused the key")


def test_the_permission_is_missing(ready, ask, synced):
    synced.permissions(manage=False)
    sync.sync()
    assert bad(ask()) == {"close": "Marta Klein lacks the permission “Manage Team Phone Numbers” in Close."}


def test_a_change_that_is_open_for_long(ready, ask, synced, edit, number, hasty):
    synced.fault("504", method="PUT")
    edit(number, label="Nights")
    long_ago = timezone.now() - timedelta(minutes=16)
    Change.objects.update(created_at=long_ago, lease_until=None)
    Plan.objects.update(approved_at=long_ago, lease_until=None)
    assert set(bad(ask())) == {"changes"}


def test_a_plan_is_late_only_when_it_should_have_run(ready, ask, ops, settings):
    """What is scheduled, paused, held or stopped waits because somebody wants it to."""
    now = timezone.now()
    plan = approve(draft(ops, some(2), label="Later"), ops, run_at=now + timedelta(hours=1))

    def at(minutes):
        Connection.note(worker_seen_at=now + timedelta(minutes=minutes), synced_at=now + timedelta(minutes=minutes))
        return time_machine.travel(now + timedelta(minutes=minutes), tick=False)

    for minutes in (0, 59, 74):
        with at(minutes):
            assert ask().status_code == 200
    with at(77):
        assert bad(ask()) == {"changes": f"oldest due: {plan.run_at.isoformat(timespec='seconds')}"}
        Connection.note(held_since=timezone.now(), held_why="The worker was silent for 13 hours.")
        assert ask().status_code == 200
        Connection.note(held_since=None, writes_stopped_at=timezone.now())
        assert ask().status_code == 200
        Connection.note(writes_stopped_at=None)
        running.pause(plan, access.person(ops))
        assert ask().status_code == 200
        # A worker that is at it for long has begun in time.
        Plan.objects.update(state=Plan.State.RUNNING, lease_until=timezone.now() + timedelta(seconds=30))
        assert ask().status_code == 200


def test_writes_that_are_held_are_told_and_no_fault(ready, ask, settings):
    settings.WRITES = "off"
    assert ask().status_code == 200
    assert "WRITES=off" in ask().json()["details"]["writes"]["words"]


def test_a_database_that_cannot_be_written(ready, ask, monkeypatch):
    def refuse(**fields):
        raise DatabaseError("attempt to write a readonly database")

    monkeypatch.setattr(Connection, "note", refuse)
    assert bad(ask()) == {"database": "cannot be written: attempt to write a readonly database"}


def test_it_takes_no_sign_of_life_back(ready):
    """Readiness is asked while the worker writes: what it tests with is not an older moment."""
    later = timezone.now() + timedelta(minutes=1)
    load = Connection.load.__func__

    def slow(cls):
        row = load(cls)
        Connection.objects.update(worker_seen_at=later)
        return row

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "load", classmethod(slow))
        health.facts()
    assert Connection.load().worker_seen_at == later
