"""Absences that follow each other without a gap: a number goes over from one to the next, and back after the last."""

from datetime import date, datetime, time

import pytest

from dashboard.models import Notice
from dashboard.services import plans
from dashboard.services.forecast import forecast

from .absent import BERLIN, SETS, TARGET, at, clock, make, numbers, occurrence_states
from .conftest import cached

__all__ = ["clock", "make", "numbers"]

DAY = date(2026, 12, 5)
OTHER = "+4917604069181"
FOREIGN = "+4917600000000"


def moment(day, hour, minute=0):
    return datetime(2026, 12, day, hour, minute, 5, tzinfo=BERLIN)


@pytest.fixture
def daily(make):
    """Every day from 9:00 to 9:00, four days long."""
    facts = {"first_day": DAY, "last_day": date(2026, 12, 8), "repeats": "weekdays", "weekdays": list(range(7))}
    return lambda numbers: make(numbers, start_time=time(9), end_time=time(9), end_days=1, **facts)


def test_every_day_from_nine_to_nine_is_sent_once_and_goes_back_once(numbers, clock, synced, daily):
    one, _ = numbers
    daily([one])
    for day in (5, 6, 7, 8):
        at(clock, moment(day, 9))
        assert cached(one)["forward_to"] == TARGET
    assert synced.puts() == [(one.close_id, {"forward_to": TARGET, "forward_to_enabled": True})]
    assert occurrence_states() == ["over", "over", "over", "on"]
    words = "“Weekend duty” is over. 1 number stays as it is, because the next absence has begun."
    assert set(Notice.objects.values_list("words", flat=True)) == {words}

    at(clock, moment(9, 9))
    assert synced.puts()[1:] == [(one.close_id, {"forward_to": one.forward_to})]
    assert occurrence_states()[-1] == "over"


@pytest.fixture
def day_and_night(make):
    """From 9:00 to 18:00 to one target, then until 9:00 to perhaps another one."""

    def do(numbers, second=TARGET, *, start_time=time(18)):
        make(numbers, name="Day", first_day=DAY, start_time=time(9), end_time=time(18), end_days=0)
        night = {"first_day": DAY, "start_time": start_time, "end_time": time(9), "end_days": 1}
        make(numbers, name="Night", sets=SETS | {"forward_to": second}, **night)

    return do


@pytest.mark.parametrize("second", [TARGET, OTHER])
def test_what_was_there_before_the_first_comes_back_after_the_second(numbers, clock, synced, day_and_night, second):
    one, _ = numbers
    day_and_night([one], second)
    assert forecast(one, moment(5, 18)).number.forward_to == second
    assert forecast(one, moment(6, 9)).number.forward_to == one.forward_to
    at(clock, moment(5, 9))
    at(clock, moment(5, 18))
    assert cached(one)["forward_to"] == second
    assert len(synced.puts()) == (2 if second == OTHER else 1)
    at(clock, moment(6, 9))
    assert (occurrence_states(), cached(one)["forward_to"]) == (["over", "over"], one.forward_to)


def test_after_a_gap_over_an_end_and_a_beginning_nothing_is_sent(numbers, clock, synced, make):
    """From 7:00 to 6:00 each day, and the worker is silent from half past five to half past seven."""
    facts = {"first_day": DAY, "repeats": "weekdays", "weekdays": list(range(7))}
    make(numbers[:1], start_time=time(7), end_time=time(6), end_days=1, **facts)
    at(clock, moment(5, 7))
    synced.journal.clear()
    at(clock, moment(6, 7, 30))
    assert synced.puts() == []
    assert occurrence_states() == ["over", "on"]


def test_what_somebody_changed_before_the_next_one_is_what_comes_back(numbers, clock, synced, daily):
    one, _ = numbers
    daily([one])
    at(clock, moment(5, 9))
    synced.change_as_somebody_else(one.close_id, forward_to=FOREIGN)
    at(clock, moment(6, 9))
    assert cached(one)["forward_to"] == TARGET
    words = "“Weekend duty” is over. 1 number was changed meanwhile and left as it is."
    assert Notice.objects.get().words == words
    for day in (7, 8, 9):
        at(clock, moment(day, 9))
    assert cached(one)["forward_to"] == FOREIGN


def test_where_the_next_one_is_refused_the_first_goes_back(numbers, clock, synced, day_and_night):
    one, _ = numbers
    day_and_night([one], OTHER)
    at(clock, moment(5, 9))
    synced.fault("400", method="PUT", times=1)
    at(clock, moment(5, 18))
    assert (occurrence_states(), cached(one)["forward_to"]) == (["over", "on"], one.forward_to)
    assert Notice.objects.get().words == "“Day” is over. Everything is as it was before."


def test_the_next_one_waits_for_what_is_going_back_just_then(numbers, clock, synced, day_and_night, hasty):
    one, _ = numbers
    day_and_night([one], start_time=time(18, 5))
    at(clock, moment(5, 9))
    synced.fault("done-later", method="PUT")
    at(clock, moment(5, 18))
    synced.fault("503", method="GET")
    at(clock, moment(5, 18, 5))
    assert occurrence_states() == ["returning", "coming"]
    synced.clear_faults()
    synced.do_later()
    plans.sweep()
    at(clock, moment(5, 18, 6))
    assert (occurrence_states(), cached(one)["forward_to"]) == (["over", "on"], TARGET)
    at(clock, moment(6, 9))
    assert cached(one)["forward_to"] == one.forward_to
