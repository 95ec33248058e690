"""An absence over a weekend, as the tests make it, and the clock that they move on."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
import time_machine

from dashboard import access
from dashboard.models import Absence, Occurrence
from dashboard.services import (
    absence_clock,
    absences,
    running,
)

from .conftest import cached
from .planned import some

BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY = datetime(2026, 12, 4, 12, 0, tzinfo=BERLIN)
EVENING, MONDAY = FRIDAY.replace(hour=18), datetime(2026, 12, 7, 9, 0, tzinfo=BERLIN)
TARGET = "+4917604069180"
SETS = {"forward_to": TARGET, "forward_to_enabled": True}
KINDS = (
    ("label", "forward_to", "forward_to_enabled", "press_1_to_accept", "voicemail_greeting_url"),
    ("inbound_ring_duration",),
)


@pytest.fixture
def clock():
    """The time of day, to be moved on by the tests."""
    with time_machine.travel(FRIDAY, tick=True) as traveller:
        yield traveller


@pytest.fixture
def numbers(clock, synced):
    return some(2, forward_to_enabled=True)


def weekend(**facts):
    """From Friday 18:00 to Monday 9:00, in Berlin."""
    facts = {
        "name": "Weekend duty",
        "zone": "Europe/Berlin",
        "first_day": date(2026, 12, 4),
        "start_time": time(18),
        "end_time": time(9),
        "end_days": 3,
    } | facts
    return Absence(**facts)


@pytest.fixture
def make(ops):
    def do(numbers, *, by=None, sets=SETS, typed=None, **facts):
        return absences.make(
            actor=access.person(by or ops),
            absence=weekend(**facts),
            numbers=numbers,
            sets=sets,
            typed=str(len(numbers)) if typed is None else typed,
        )

    return do


def at(clock, moment):
    """Move on to this moment, and let the worker do what is due."""
    clock.move_to(moment)
    for _ in range(2):
        absence_clock.tick()
        running.run_due()
    absence_clock.tick()


def settings_of(number):
    return {name: cached(number)[name] for names in KINDS for name in names}


def occurrence_states():
    return list(Occurrence.objects.values_list("state", flat=True))
