"""A worker is killed or hangs in the middle of a plan, others go on with it: every number is sent once.

The workers are real processes of the product on one database, and so are the signals.
"""

import os
import signal
import subprocess
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from dashboard import tasks
from dashboard.models import Connection, Outcome, Plan
from dashboard.models.plans import IN_FLIGHT, OPEN

from ..conftest import KEYS
from . import child
from .conftest import database_url, eventually
from .planned import approve, draft, some, states
from .test_recovery import agree


@pytest.fixture
def workers(synced, settings, tmp_path):
    """Starts workers: `workers(key)`, each with a key of its own, so that Close's journal tells them apart."""
    processes = {}

    def start(key):
        env = {
            "PATH": os.environ["PATH"],
            "DOTENV": "",
            "SECRET_KEY": settings.SECRET_KEY,
            "DATABASE_URL": database_url(),
            "CLOSE_API_URL": synced.url,
            "CLOSE_API_KEY": key,
            "MIN_FREE_MB": "1",
        }
        with (tmp_path / key).open("w") as log:
            processes[key] = subprocess.Popen(child.command("worker"), env=env, stdout=log, stderr=log)
        return processes[key]

    def lives(key):
        return "queues=plans" in (tmp_path / key).read_text()

    start.lives, start.processes = lives, processes
    yield start
    for process in processes.values():
        with process:
            process.kill()


def senders(sim):
    return {entry.key for entry in sim.journal if entry.method == "PUT"}


def open_changes(plan):
    return plan.changes.filter(state__in=OPEN)


@pytest.mark.parametrize("accident", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hangs"])
def test_two_others_go_on_with_a_plan(synced, ops, workers, accident):
    numbers = some(30)
    plan = approve(draft(ops, numbers, label="Nights"), ops)
    # All four requests that a worker has open at a time are in Close's hands then: two read, so nothing was sent, one
    # is not done yet, and one is done and not answered.
    paths = [f"/phone_number/{number.close_id}/" for number in numbers[6:10]]
    synced.hold("GET", paths[0])
    synced.hold("PUT", paths[1])
    synced.hold("PUT", paths[2], after_commit=True)
    synced.hold("GET", paths[3])
    one, two, three = KEYS
    workers(one)
    workers(two)
    synced.wait_until_held(timeout=30, count=4)
    (first,) = senders(synced)
    with transaction.atomic():
        # We have the database locked at this moment, so whoever hangs has not.
        Connection.note(worker_seen_at=timezone.now())
        workers.processes[first].send_signal(accident)
        os.waitid(os.P_PID, workers.processes[first].pid, os.WEXITED | os.WSTOPPED | os.WNOWAIT)
    assert len(synced.puts()) == 8
    synced.release()
    eventually(lambda: len(synced.puts(committed=True)) == 8)

    workers(three)
    eventually(lambda: workers.lives(three) and workers.lives(two if first == one else one), 30)
    assert states(plan).count("applied") == 6
    # Time passes, and what the first one had taken is free.
    past = timezone.now() - timedelta(seconds=1)
    plan.changes.filter(state=Outcome.SENDING).update(lease_until=past)
    tasks.sweep.enqueue()
    eventually(lambda: not plan.changes.filter(state__in=IN_FLIGHT).exists(), 10)
    Plan.objects.filter(pk=plan.pk).update(lease_until=past)
    tasks.run_plans.enqueue()
    tasks.run_plans.enqueue()
    eventually(lambda: not open_changes(plan).exists(), 20)

    if accident == signal.SIGSTOP:
        workers.processes[first].send_signal(signal.SIGCONT)
        workers.processes[first].terminate()
        workers.processes[first].wait(timeout=20)
    assert states(plan) == ["applied"] * 30
    assert sorted(synced.puts()) == sorted((number.close_id, {"label": "Nights"}) for number in numbers)
    assert len(senders(synced)) > 1
    agree(synced)
