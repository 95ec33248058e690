"""Close refuses the key or its renewal: what is due waits, and Close is left alone for a minute."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connection as database
from django.utils import timezone

from dashboard import close, tasks
from dashboard.models import Connection, Notice, PhoneNumber, Standing, SyncRun
from dashboard.services import connecting, credentials, sync

from .granted import FIELD_KEY, SECRET, actor, bare, code_of, connected, let_it_end, refreshes, token

__all__ = ["actor", "bare", "connected"]


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
