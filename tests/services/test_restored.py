"""A backup is put back a day later: what was due then is not sent before an ops admin has seen it (promise P9)."""

import subprocess
import sys
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from dashboard.services import health, holding, sync

from .copies import Restored, environment
from .planned import approve, draft, some

# The worker's clock and its queues while there is work; then what an ops admin sees and does, and the worker again.
WORK = """
import re, sys, threading, django; django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from dashboard.management.commands.worker import Command

def one_beat():
    stop = threading.Event()
    stop.wait = lambda seconds: stop.set()
    Command().clock(stop)
    call_command("db_worker", queue_name="*", batch=True, startup_delay=False, verbosity=0)

def say(*words):
    print(*words, flush=True)
    sys.stdin.readline()

one_beat()
client = Client()
client.force_login(get_user_model().objects.get(username="marta"), "dashboard.signin.local.AuthenticationBackend")
say(" ".join(re.sub("<[^>]+>", " ", client.get("/plans/").content.decode()).split()))
answer = client.post("/plans/held/", {"do": "run"})
one_beat()
say(answer.status_code)
"""


@pytest.fixture
def yesterdays_copy(synced, ops, tmp_path):
    """Of a database with a plan for the evening of that day."""
    with time_machine.travel(timezone.now() - timedelta(days=1)):
        sync.sync()
        assert holding.look() is False
        health.worker_lives()
        plan = draft(ops, some(2), label="For that evening")
        approve(plan, ops, run_at=timezone.now() + timedelta(hours=3), drift="anyway")
        call_command("backup", folder=tmp_path / "copies", stdout=StringIO())
    [file] = [path for path in (tmp_path / "copies").iterdir() if path.suffix != ".json"]
    synced.journal.clear()
    return file


def test_a_copy_of_yesterday_sends_nothing_before_somebody_has_seen_it(synced, yesterdays_copy, tmp_path):
    restored = Restored(yesterdays_copy, tmp_path)
    close = {"CLOSE_API_URL": synced.url, "CLOSE_API_KEY": "api_demo", "WRITES": "on", "MIN_FREE_MB": "1"}
    # The files of pages are not collected here.
    told = environment(restored.url, **close, DEBUG="on")
    command = [sys.executable, "-W", "ignore", "-c", WORK]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=settings.BASE_DIR, env=told, **pipes) as process:

        def next_words():
            # The history is told on standard output too.
            return next((line for line in process.stdout if not line.startswith("{")), "").strip()

        def go_on():
            process.stdin.write("\n")
            process.stdin.flush()

        try:
            page = next_words()
            # It was at work: Close was read anew.
            assert {call.method for call in synced.journal} == {"GET"}
            assert "What was due is held The worker was silent for 24 hours." in page
            assert "Changes 2 numbers all of it Run Drop" in page
            go_on()
            assert next_words() == "303"
            assert [sent for _, sent in synced.puts()] == [{"label": "For that evening"}] * 2
            go_on()
            assert process.wait(20) == 0
        finally:
            process.kill()
            restored.drop()
