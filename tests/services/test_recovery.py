"""A process is killed at each step of a write, while others go on: nothing is lost, nothing is sent twice.

The process is a real one (`mortal.py`), and so is the signal: SIGKILL.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from dashboard.models import Change, Outcome, PhoneNumber, Plan, Role
from dashboard.models.plans import OPEN
from dashboard.services import events, plans, settling, writing

from ..conftest import make_user
from . import mortal
from .conftest import beside, cached, database_url, eventually, shown
from .planned import approve, draft, some

ROOT = Path(__file__).parents[2]

# The step, a fault at Close, the outcome in the end and its kind, how often it was sent, whether Close has it.
DEATHS = [
    ("pending", "", "failed", "not_sent", 0, False),
    ("claimed", "", "failed", "not_sent", 0, False),
    ("read", "", "failed", "not_sent", 0, False),
    ("noted as sent", "", "failed", "away", 0, False),
    ("no answer that says it was done", "503", "failed", "away", 1, False),
    ("no answer that says it was done", "done-before-answer", "applied", "", 1, True),
    ("no answer that says it was done", "done-later", "applied", "", 1, True),
    ("answered", "", "applied", "", 1, True),
    ("stored", "", "applied", "", 1, True),
]


class OtherWork:
    """Somebody else at work all the while: changes other numbers, and tries this one."""

    def __init__(self, edit, number, sim):
        self.edit, self.number, self.stop = edit, number, threading.Event()
        self.priya = make_user("Priya Nair", role=Role.OPS_ADMIN)
        others = PhoneNumber.objects.filter(type="internal").exclude(pk=number.pk)
        self.others = [other for other in others[:5] if sim.organisation.numbers[other.close_id]["label"]]
        self.states = []

    def go_on(self):
        round_ = 0
        while not self.stop.is_set() or round_ < 3:
            round_ += 1
            for other in self.others:
                self.states.append(self.edit(other, by=self.priya, label=f"Round {round_}").state)
            if Change.objects.filter(after={"label": "Nights"}).exclude(state=Outcome.PENDING).exists():
                refused = self.edit(self.number, by=self.priya, was={"label": "never that"}, label="Priya's")
                assert refused.state in ("conflict", "failed")


@pytest.fixture
def start(synced, number, ops):
    """Starts a process that changes the number's label to "Nights" and dies at this step."""
    running = []

    def begin(dies_at):
        task = {
            "close": synced.url,
            "user": ops.pk,
            "number": number.pk,
            "was": shown(number, "label"),
            "after": {"label": "Nights"},
            "intent": str(uuid4()),
            "dies_at": dies_at,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.services.mortal", json.dumps(task)],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database_url()},
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        with process:
            process.kill()


@pytest.fixture
def settled(synced, number, edit, in_close):
    """Time passes and the sweep comes, twice; then journal, changes, cache and Close agree, whatever had happened."""

    def check(state, kind, *, sent, done):
        with time_machine.travel(timezone.now() + timedelta(minutes=5)):
            plans.sweep()
            plans.sweep()
        change = Change.objects.get(after={"label": "Nights"})
        assert (change.state, change.error_kind) == (state, kind)
        assert change.plan.state == Plan.State.DONE
        mine = (number.close_id, {"label": "Nights"})
        assert synced.puts().count(mine) == sent
        assert synced.puts(committed=True).count(mine) == done
        assert in_close(number)["label"] == ("Nights" if done else number.label)
        assert cached(number) == in_close(number)
        agree(synced)
        assert edit(number, label="Again").state == "applied"

    return check


def agree(sim):
    """Each change has one final outcome; what was applied and what Close did are the same, one for one."""
    ours = Change.objects.exclude(state=Outcome.OBSERVED)
    assert not ours.filter(state__in=["pending", "sending", "unknown"]).exists()
    assert not Plan.objects.exclude(state=Plan.State.DONE).exists()
    applied = [(change.number.close_id, change.after) for change in ours.filter(state="applied")]
    assert sorted(map(str, applied)) == sorted(map(str, sim.puts(committed=True)))
    # Every outcome stands in the history, whoever was killed, and nothing else does.
    assert events.verify().entries == Change.objects.exclude(state__in=OPEN).count()


@pytest.mark.parametrize(("step", "fault", "state", "kind", "sent", "done"), DEATHS)
def test_killed_at_a_step(synced, number, edit, start, settled, hasty, step, fault, state, kind, sent, done):
    if fault:
        synced.fault(fault, method="PUT", path=f"/phone_number/{number.close_id}/", times=1)
    others = OtherWork(edit, number, synced)
    with beside(others.go_on) as work:
        process = start(step)
        output, _ = process.communicate(timeout=30)
        others.stop.set()

    assert (process.returncode, output) == (-signal.SIGKILL, "")
    work.result()
    assert set(others.states) == {"applied"}
    synced.do_later()
    settled(state, kind, sent=sent, done=done)


@pytest.mark.parametrize("after_commit", [False, True])
def test_killed_while_the_write_is_under_way(synced, number, edit, start, settled, after_commit):
    """Close does it all the same, and whoever asks meanwhile is told who is at it."""
    path = f"/phone_number/{number.close_id}/"
    synced.hold("PUT", path, after_commit=after_commit)
    process = start("")
    synced.wait_until_held(timeout=30)
    process.kill()
    process.wait()

    refused = edit(number, by=make_user("Priya Nair", role=Role.OPS_ADMIN), label="Priya's")
    assert (refused.state, refused.error_kind) == ("failed", "busy")
    assert refused.error == "Marta Klein is saving this number. Try again in a moment."
    synced.release()
    settled("applied", "", sent=1, done=True)


def test_a_process_that_is_not_killed_saves(synced, start, settled):
    process = start("")
    output, _ = process.communicate(timeout=30)
    assert (process.returncode, output) == (0, "applied\n")
    settled("applied", "", sent=1, done=True)


def test_every_step_is_killed_at():
    """A step that is added to the engine has to be added here."""
    source = Path(writing.__file__).read_text()
    assert {step for step, *_ in DEATHS} - {"pending"} == set(mortal.STEPS)
    assert source.count("_step(change, ") == len(mortal.STEPS)


def test_nothing_is_taken_from_whoever_is_still_at_it(synced, number, edit):
    """A sweep leaves changes alone whose lease has not run out."""
    synced.hold("PUT")
    with beside(edit, number, label="Nights") as saving:
        synced.wait_until_held()
        plans.sweep()
        assert Change.objects.get().state == "sending"
        synced.release()
    assert saving.result().state == "applied"


def test_whoever_was_held_up_too_long_does_not_send(synced, number, edit):
    """The lease ran out while the number was read, and the sweep said "not sent": then it must not be sent."""
    synced.hold("GET", f"/phone_number/{number.close_id}/")
    with beside(edit, number, label="Nights") as saving:
        synced.wait_until_held()
        with time_machine.travel(timezone.now() + timedelta(minutes=5)):
            plans.sweep()
        synced.release()

    assert (saving.result().state, saving.result().error_kind) == ("failed", "not_sent")
    assert synced.puts() == []


def test_an_outcome_is_not_rewritten_by_whoever_comes_late(synced, number, edit):
    """The sweep has said "not sent"; then its process wakes, and finds that somebody has changed the number."""
    synced.hold("GET", f"/phone_number/{number.close_id}/")
    with beside(edit, number, label="Nights") as saving:
        synced.wait_until_held()
        with time_machine.travel(timezone.now() + timedelta(minutes=5)):
            plans.sweep()
        synced.change_as_somebody_else(number.close_id, label="Theirs")
        synced.release()

    assert (saving.result().state, saving.result().error_kind) == ("failed", "not_sent")
    assert Change.objects.get(after={"label": "Nights"}).found is None
    assert synced.puts() == []
    agree(synced)


def test_whoever_sends_at_the_moment_of_the_sweep_is_not_ended_as_not_sent(synced, number, edit, monkeypatch):
    """The sweep has found a change without `sent_at`; before it ends it, its process wakes and sends."""
    synced.latency(200)
    synced.hold("GET", f"/phone_number/{number.close_id}/")
    finish = settling.finish

    def late(change, *args, **facts):
        if facts.get("error_kind") == "not_sent":
            synced.release()
            eventually(Change.objects.filter(sent_at__isnull=False).exists)
        return finish(change, *args, **facts)

    with beside(edit, number, label="Nights") as saving:
        synced.wait_until_held()
        monkeypatch.setattr(settling, "finish", late)
        with time_machine.travel(timezone.now() + timedelta(minutes=5)):
            plans.sweep()

    assert saving.result().state == "applied"
    agree(synced)


def test_a_change_of_a_plan_that_is_sent_at_the_moment_of_the_sweep_is_not_sent_again(synced, ops):
    """The sweep has found it without `sent_at`, and waits for its row while that is noted."""
    plan = approve(draft(ops, some(1), label="Nights"), ops)
    now = timezone.now()
    plan.changes.update(state=Outcome.SENDING, lease_until=now - timedelta(seconds=1))
    with ExitStack() as stack, transaction.atomic():
        plan.changes.update(sent_at=now, lease_until=now + timedelta(minutes=3))
        stack.enter_context(beside(settling.recover))
        eventually(waits_for_us)
    assert plan.changes.get().state == "sending"


def waits_for_us():
    """Whether somebody waits for the end of our transaction; in SQLite everybody who would write does."""
    if connection.vendor == "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid")
        return cursor.fetchone()


def test_a_write_that_was_swept_as_unknown_still_ends_as_what_close_answers(synced, number, edit):
    """The lease ran out while Close was at it; the answer comes after all."""
    synced.hold("PUT")
    with beside(edit, number, label="Nights") as saving:
        synced.wait_until_held()
        with time_machine.travel(timezone.now() + timedelta(minutes=5)):
            settling.recover()
        assert Change.objects.get().state == "unknown"
        synced.release()

    assert saving.result().state == "applied"
    agree(synced)


def test_a_refusal_that_comes_after_the_sweep_is_a_refusal(synced, number, edit):
    synced.fault("400", method="PUT")
    synced.hold("PUT")
    with beside(edit, number, label="Nights") as saving:
        synced.wait_until_held()
        with time_machine.travel(timezone.now() + timedelta(minutes=5)):
            settling.recover()
        synced.release()

    assert saving.result().state == "refused"
    agree(synced)


def test_two_sweeps_at_once_settle_each_change_once(synced, number, edit, hasty):
    synced.fault("done-later", times=1)
    edit(number, label="Nights")
    synced.do_later()
    synced.hold("GET", f"/phone_number/{number.close_id}/", after_commit=True)
    with beside(plans.sweep) as one, beside(plans.sweep) as other:
        synced.wait_until_held(count=2)
        synced.release()
    one.result()
    other.result()
    agree(synced)
    assert not Change.objects.filter(state=Outcome.OBSERVED).exists()
