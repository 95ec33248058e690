"""Pauses that Close asked for are kept by every process of an installation (promise P6)."""

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone

from dashboard.close import RateLimitError
from dashboard.models import Pause
from dashboard.services.pacing import SharedPacer

from .conftest import database_url

ROOT = Path(__file__).parents[2]
PUTS = "PUT phone_number"

ANOTHER_PROCESS = """
import django
django.setup()
from dashboard.close import RateLimitError
from dashboard.services.pacing import SharedPacer
pacer = SharedPacer(max_wait=0)
try:
    pacer.before("PUT phone_number", background=False)
    print("sends")
except RateLimitError as error:
    print("waits for minutes" if error.reset > 600 else "waits")
pacer.pause("GET phone_number", 3600)
"""


@pytest.fixture
def pacer():
    """A pacer as each process has one, which does not wait."""
    return lambda: SharedPacer(max_wait=0.0, background_max_wait=0.0)


def test_a_pause_is_kept_by_whoever_did_not_hear_of_it(db, pacer):
    pacer().pause(PUTS, 30)
    with pytest.raises(RateLimitError) as caught:
        pacer().before(PUTS, background=False)
    assert 0 < caught.value.reset <= 30


def test_other_endpoints_go_on(db, pacer):
    pacer().pause(PUTS, 30)
    pacer().before("GET phone_number", background=False)
    pacer().before("GET me", background=True)


def test_it_ends(db, pacer):
    pacer().pause(PUTS, 30)
    with time_machine.travel(timezone.now() + timedelta(seconds=31)):
        pacer().before(PUTS, background=False)


def test_a_shorter_pause_does_not_end_a_longer_one(db, pacer):
    pacer().pause(PUTS, 3600)
    pacer().pause(PUTS, 1)
    with pytest.raises(RateLimitError) as caught:
        pacer().before(PUTS, background=False)
    assert caught.value.reset > 600
    assert Pause.objects.count() == 1


def test_a_longer_one_makes_it_longer(db, pacer):
    pacer().pause(PUTS, 1)
    pacer().pause(PUTS, 3600)
    with pytest.raises(RateLimitError) as caught:
        pacer().before(PUTS, background=False)
    assert caught.value.reset > 600


def test_a_short_pause_of_another_is_waited_for(db):
    slept = []
    with time_machine.travel(timezone.now(), tick=False) as clock:

        def sleep(seconds):
            slept.append(round(seconds, 3))
            clock.shift(seconds)

        SharedPacer().pause(PUTS, 3)
        SharedPacer(clock=time.time, sleep=sleep).before(PUTS, background=False)
    assert slept == [3]


def test_two_processes(transactional_db, pacer):
    """What this process was told, another keeps; and the other way round."""
    pacer().pause(PUTS, 3600)
    done = subprocess.run(
        [sys.executable, "-c", ANOTHER_PROCESS],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database_url()},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout == "waits for minutes\n"
    with pytest.raises(RateLimitError):
        pacer().before("GET phone_number", background=False)


def test_after_a_429_nobody_asks_before_the_reset(synced, number, edit):
    """One person's save is told to wait a minute; the next one, of another number, is not even sent."""
    synced.fault("429", method="PUT", delay=60, times=1)
    edit(number, label="First")
    other = type(number).objects.filter(type="internal").exclude(pk=number.pk)[0]

    change = edit(other, label="Second")

    assert (change.state, change.error_kind) == ("failed", "rate_limited")
    assert len(synced.puts()) == 1
    with time_machine.travel(timezone.now() + timedelta(seconds=62)):
        assert Pause.objects.get(group=PUTS).until < timezone.now()
