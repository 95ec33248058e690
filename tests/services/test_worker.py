"""The worker as a process of its own: it reads Close, settles, gives signs of life, and ends when it is told to."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from dashboard import tasks
from dashboard.management.commands import worker as worker_command
from dashboard.models import Connection, SyncRun
from dashboard.services import sync

from . import child
from .conftest import eventually

ROOT = Path(__file__).parents[2]


class Installation:
    """A database file of its own, and the commands of the product beside it."""

    def __init__(self, path, url):
        self.file = path / "closephones.sqlite3"
        self.env = {
            "PATH": os.environ["PATH"],
            "DOTENV": "",
            "SECRET_KEY": "only-for-this-test",
            "DATABASE_URL": f"sqlite:///{self.file}",
            "CLOSE_API_URL": url,
            "CLOSE_API_KEY": "api_demo",
            "MIN_FREE_MB": "1",
        }

    def command(self, *words):
        return child.command(*words)

    def run(self, *words):
        return subprocess.run(
            self.command(*words), env=self.env, capture_output=True, text=True, timeout=60, check=False
        )

    def ask(self, sql):
        with sqlite3.connect(self.file) as database:
            row = database.execute(sql).fetchone()
        database.close()
        return row

    def do(self, sql):
        with sqlite3.connect(self.file) as database:
            database.execute(sql)
        database.close()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """A database file as `manage.py migrate` leaves it, with one superuser."""
    installed = Installation(tmp_path_factory.mktemp("installation"), "http://127.0.0.1:9/api/v1")
    assert installed.run("migrate", "--verbosity", "0").stderr == ""
    installed.env |= {"DJANGO_SUPERUSER_USERNAME": "marta", "DJANGO_SUPERUSER_PASSWORD": "correct horse battery"}
    installed.run("createsuperuser", "--noinput", "--email", "marta@example.com")
    return installed.file


@pytest.fixture
def installation(migrated, tmp_path, sim):
    installed = Installation(tmp_path, sim.url)
    shutil.copy(migrated, installed.file)
    return installed


@pytest.fixture
def worker(installation, tmp_path):
    with (tmp_path / "worker.log").open("w") as log:
        process = subprocess.Popen(installation.command("worker"), env=installation.env, stdout=log, stderr=log)
        yield process
        process.kill()
        process.wait()


def test_it_reads_settles_lives_and_ends(installation, worker, sim):
    eventually(lambda: installation.ask("SELECT synced_at FROM dashboard_connection") not in (None, (None,)), 30)

    assert installation.ask("SELECT count(*) FROM dashboard_phonenumber") == (40,)
    assert installation.ask("SELECT worker_seen_at FROM dashboard_connection")[0]
    assert installation.ask("SELECT count(*) FROM dashboard_syncrun WHERE complete") == (1,)
    eventually(
        lambda: installation.ask(
            f"SELECT count(*) FROM {DBTaskResult._meta.db_table} WHERE task_path LIKE '%sweep' "
            "AND status = 'SUCCESSFUL'"
        )[0],
        10,
    )
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=10) == 0


def test_a_change_that_was_left_behind_is_settled_by_it(installation, sim, request):
    """The web process is killed between Close's answer and its own record; the worker asks Close."""
    installation.run("sync_numbers")
    pk, label = installation.ask("SELECT id, label FROM dashboard_phonenumber WHERE label > '' LIMIT 1")
    task = {"close": sim.url, "user": 1, "number": pk, "was": {"label": label}, "after": {"label": "Nights"}}
    task |= {"intent": str(uuid4()), "dies_at": "answered"}
    subprocess.run(
        [sys.executable, "-m", "tests.services.mortal", json.dumps(task)],
        cwd=ROOT,
        env={**installation.env, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        timeout=60,
        check=False,
    )
    assert installation.ask("SELECT state FROM dashboard_change") == ("sending",)
    installation.do("UPDATE dashboard_change SET lease_until = '2026-01-01'")

    request.getfixturevalue("worker")

    eventually(lambda: installation.ask("SELECT state FROM dashboard_change") == ("applied",), 30)
    assert len(sim.puts()) == 1


def test_sync_numbers_says_what_it_read(installation, sim):
    done = installation.run("sync_numbers")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Read 40 numbers: 40 new, 0 changed, 0 gone.\n", "")

    one, other = list(sim.organisation.numbers)[:2]
    sim.change_as_somebody_else(one, label="Theirs")
    sim.hide(other)
    installation.run("sync_numbers")
    *history, words = installation.run("sync_numbers").stdout.splitlines()
    assert words == "Read 39 numbers: 0 new, 0 changed, 1 gone."
    assert [json.loads(line)["words"] for line in history] == ["Made in Close"]


def test_sync_numbers_says_why_not(installation, sim):
    sim.fault("401")
    done = installation.run("sync_numbers")
    assert done.returncode == 1
    assert "CommandError: Close refused the key, so nothing can be read or changed until it" in done.stderr

    installation.env["CLOSE_API_KEY"] = ""
    done = installation.run("sync_numbers")
    assert "CommandError: There is no usable key for Close. Connect on the page Connection, or set" in done.stderr
    assert "Traceback" not in done.stderr


def test_sync_numbers_waits_for_nobody(synced):
    Connection.note(sync_lease_until=timezone.now() + timedelta(minutes=1))
    with pytest.raises(CommandError, match="Another walk is under way"):
        call_command("sync_numbers", stdout=StringIO())


def test_sync_numbers_tells_of_what_it_does_not_believe(synced):
    for one in list(synced.organisation.numbers)[:6]:
        synced.hide(one)
    out = StringIO()
    call_command("sync_numbers", stdout=out)
    assert "6 were missing, which is too many to believe; an ops admin is asked." in out.getvalue()


# --- the queue ----------------------------------------------------------------------------------


def work_off():
    call_command("db_worker", queue_name="*", batch=True, interval=0, startup_delay=False, verbosity=0)


def test_ten_clicks_are_one_walk(synced):
    for _ in range(10):
        tasks.refresh.enqueue(asked_by="Marta Klein")
    work_off()
    assert SyncRun.objects.count() == 2
    assert SyncRun.objects.first().asked_by == "Marta Klein"


def test_a_plan_is_run_while_a_walk_goes_on(installation, sim, request):
    """Each kind of work has a queue of its own: the walk hangs at Close, the plan does not wait for it."""
    installation.run("sync_numbers")
    (pk,) = installation.ask("SELECT id FROM dashboard_phonenumber WHERE type = 'internal' LIMIT 1")
    installation.do("UPDATE dashboard_syncrun SET began_at = '2026-01-01'")
    facts = {"number": pk, "after": {"label": "Nights"}, "user": 1}
    made = subprocess.run(
        [sys.executable, "-m", "tests.services.planner", json.dumps(facts)],
        cwd=ROOT,
        env={**installation.env, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        timeout=60,
        check=False,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    sim.hold("GET", "/group/")
    request.getfixturevalue("worker")
    sim.wait_until_held(timeout=30)
    eventually(lambda: installation.ask("SELECT state FROM dashboard_plan WHERE background") == ("done",), 30)
    assert [body for _, body in sim.puts()] == [{"label": "Nights"}]
    sim.release()


def test_a_queue_goes_on_after_the_database_was_away(monkeypatch):
    class Stumbling:
        worker_id, running, runs = "walks", True, 0

        def run(self):
            self.runs += 1
            if self.runs == 1:
                raise OperationalError("the connection was closed")
            self.running = False

    monkeypatch.setattr(worker_command, "BEAT", 0)
    stumbling = Stumbling()
    worker_command.work_on(stumbling)
    assert stumbling.runs == 2


def test_a_walk_that_failed_is_no_answer(synced):
    synced.fault("403", times=1)
    tasks.refresh.enqueue()
    tasks.refresh.enqueue()
    work_off()
    assert [run.complete for run in SyncRun.objects.all()] == [True, False, True]


def test_a_refresh_that_cannot_be_is_no_failed_task(synced):
    Connection.note(sync_lease_until=timezone.now() + sync.LEASE)
    tasks.refresh.enqueue()
    work_off()
    assert not DBTaskResult.objects.exclude(status="SUCCESSFUL").exists()


def test_a_walk_is_due_after_its_interval_and_not_before(synced, settings):
    settings.SYNC_INTERVAL = 300
    assert not sync.is_due()
    with time_machine.travel(timezone.now() + timedelta(seconds=301)):
        assert sync.is_due()
    SyncRun.objects.all().delete()
    assert sync.is_due()
