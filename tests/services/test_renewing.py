"""The access token is renewed once however many want it, before it ends or when Close has ended it."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connection as database
from django.utils import timezone

from dashboard import close, tasks
from dashboard.models import Connection, Credential, PhoneNumber, SyncRun
from dashboard.services import connection, credentials, sync
from dashboard.simulator import DEMO_KEY

from .conftest import beside, database_url
from .granted import CLIENT, FIELD_KEY, SECRET, actor, bare, connected, let_it_end, refreshes, token

__all__ = ["actor", "bare", "connected"]

ROOT = Path(__file__).parents[2]

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
