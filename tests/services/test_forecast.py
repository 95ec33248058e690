"""What will ring then: absences and scheduled plans, one after the other, up to a moment to come."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from dashboard import access
from dashboard.models import Absence
from dashboard.services import absence_clock, absences, running
from dashboard.services.forecast import forecast

from .planned import approve, draft, some

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 12, 4, 12, 0, tzinfo=BERLIN)
TARGET = "+4917604069180"


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


@pytest.fixture
def nights(clock, synced, ops):
    """Each night from 18:00 to 8:00 the number rings somewhere else."""
    number = some(1, forward_to_enabled=True)[0]
    absence = Absence(
        name="Nights",
        zone="Europe/Berlin",
        repeats="weekdays",
        weekdays=list(range(7)),
        first_day=date(2026, 12, 4),
        start_time=time(18),
        end_time=time(8),
        end_days=1,
    )
    absences.make(actor=access.person(ops), absence=absence, numbers=[number], sets={"forward_to": TARGET})
    return absence


def target_at(number, *at):
    expected = forecast(number, datetime(*at, tzinfo=BERLIN))
    return expected.number.forward_to, [str(reason) for reason in expected.reasons]


def test_what_will_ring_at_a_moment(nights, clock, ops):
    number = nights.numbers.get()
    assert target_at(number, 2026, 12, 4, 17, 59) == (number.forward_to, [])
    assert target_at(number, 2026, 12, 4, 18, 0) == (TARGET, ["Nights"])
    assert target_at(number, 2026, 12, 24, 10, 0) == (number.forward_to, [])
    assert target_at(number, 2026, 12, 24, 23, 0) == (TARGET, ["Nights"])


def test_what_is_on_now_goes_back(nights, clock):
    number = nights.numbers.get()
    before = number.forward_to
    clock.move_to(NOW.replace(hour=18, minute=1))
    for _ in range(2):
        absence_clock.tick()
        running.run_due()
    number.refresh_from_db()
    assert number.forward_to == TARGET
    assert target_at(number, 2026, 12, 5, 7, 0) == (TARGET, ["Nights"])
    assert target_at(number, 2026, 12, 5, 12, 0) == (before, [])


def test_a_scheduled_plan_stays(nights, clock, ops):
    number = nights.numbers.get()
    plan = draft(ops, [number], label="Christmas", forward_to="+4917600000000")
    approve(plan, ops, run_at=NOW + timedelta(days=1))
    expected = forecast(number, datetime(2026, 12, 24, 10, 0, tzinfo=BERLIN))
    assert (expected.number.label, expected.number.forward_to) == ("Christmas", "+4917600000000")
    assert expected.reasons == [plan]
    assert number.label != "Christmas"
