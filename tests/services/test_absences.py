"""Numbers ring elsewhere for a while; then exactly what was there is back, unless somebody changed it meanwhile."""

from datetime import date, datetime, time, timedelta

import pytest

from dashboard import access
from dashboard.models import Access, Calendar, Connection, Notice, Occurrence, Plan
from dashboard.services import (
    absence_clock,
    absence_days,
    absences,
    approving,
    deciding,
    holding,
    plans,
    running,
)

from .absent import (
    BERLIN,
    EVENING,
    MONDAY,
    SETS,
    TARGET,
    at,
    clock,
    make,
    numbers,
    occurrence_states,
    settings_of,
    weekend,
)
from .conftest import cached
from .planned import approve, draft, some

__all__ = ["clock", "make", "numbers"]


def test_numbers_ring_elsewhere_and_come_back_exactly(numbers, clock, synced, make):
    before = [settings_of(number) for number in numbers]
    make(numbers)
    at(clock, EVENING - timedelta(minutes=1))
    assert synced.puts() == []

    at(clock, EVENING + timedelta(seconds=30))
    sent = [(number.close_id, {"forward_to": TARGET, "forward_to_enabled": True}) for number in numbers]
    assert sorted(synced.puts()) == sorted(sent)
    assert occurrence_states() == ["on"]
    at(clock, MONDAY + timedelta(seconds=30))
    assert [settings_of(number) for number in numbers] == before
    assert occurrence_states() == ["over"]
    assert Notice.objects.get().words == "“Weekend duty” is over. Everything is as it was before."


def test_after_a_gap_only_what_holds_now_is_applied(numbers, clock, synced, make):
    make(numbers, repeats="weekdays", weekdays=[4])
    at(clock, MONDAY + timedelta(days=15))
    assert synced.puts() == []
    assert occurrence_states() == ["skipped", "skipped", "skipped", "coming"]

    at(clock, EVENING + timedelta(days=21, hours=30))
    assert len(synced.puts()) == 2
    assert occurrence_states() == ["skipped", "skipped", "skipped", "on"]
    at(clock, MONDAY + timedelta(days=21))
    assert occurrence_states()[-2:] == ["over", "coming"]


def test_a_long_gap_holds_until_somebody_has_looked(numbers, clock, synced, make, ops, edit):
    make(numbers)
    at(clock, EVENING)
    Connection.note(worker_seen_at=EVENING)
    clock.move_to(MONDAY)
    assert holding.look() is True
    at(clock, MONDAY)
    assert occurrence_states() == ["on"]
    one, two = numbers
    edit(one, forward_to="+4917600000000")
    (held,) = holding.held_absences(Connection.load())
    assert deciding.still_right(held) == (1, 2)
    deciding.run(access.person(ops), held)
    at(clock, MONDAY)
    assert occurrence_states() == ["over"]
    assert (cached(one)["forward_to"], cached(two)["forward_to"]) == ("+4917600000000", two.forward_to)
    assert Connection.load().held_since is None


@pytest.mark.parametrize(("moment", "state"), [(EVENING, "skipped"), (MONDAY, "over")])
def test_what_is_dropped_after_a_gap_stays_as_it_is(numbers, clock, synced, make, ops, moment, state):
    make(numbers)
    at(clock, moment - timedelta(hours=13))
    sent = synced.puts()
    Connection.note(worker_seen_at=moment - timedelta(hours=13))
    clock.move_to(moment)
    holding.look()
    assert deciding.drop_all(access.person(ops)) == 1
    at(clock, moment)
    assert occurrence_states() == [state]
    assert synced.puts() == sent
    assert Occurrence.objects.get().words.startswith(
        "Dropped by" if state == "skipped" else "Marta Klein dropped its end"
    )


def test_it_does_not_begin_for_somebody_who_may_not_any_more(numbers, clock, synced, make):
    make(numbers)
    Access.objects.all().delete()
    at(clock, EVENING)
    assert synced.puts() == []
    assert occurrence_states() == ["skipped"]
    assert Notice.objects.get().words.startswith("“Weekend duty” has not begun: You may look at this number")


def test_two_workers_begin_it_once(numbers, clock, synced, make):
    make(numbers)
    clock.move_to(EVENING)
    seen = Occurrence.objects.select_related("absence__author").get()
    absence_clock.tick()
    absence_clock._go_on(seen, EVENING)
    running.run_due()
    assert Plan.objects.filter(source="absence").count() == 1
    assert len(synced.puts()) == 2


EVERY_DAY = {"repeats": "weekdays", "weekdays": list(range(7)), "start_time": time(0), "end_days": 1}


def test_every_day_all_day_may_begin_on_one_of_25_hours(numbers, make):
    longest = make(numbers, **EVERY_DAY | {"first_day": date(2027, 10, 31), "end_time": time(0)}).occurrences.get()
    assert longest.ends_at - longest.starts_at == timedelta(hours=25)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"end_days": 0}, "It would end before it begins"),
        ({"first_day": date(2026, 11, 1)}, "All of it is in the past"),
        ({"repeats": "weekdays", "weekdays": [4, 5]}, "On 05 Dec 2026 it would begin again before it has ended"),
        # The first day is an hour shorter than the others.
        (
            EVERY_DAY | {"first_day": date(2027, 3, 28), "end_time": time(0, 45)},
            "On 29 Mar 2027 it would begin again",
        ),
        ({"repeats": "weekdays", "weekdays": [4], "last_day": date(2026, 12, 1)}, "Its last day is before its first"),
    ],
)
def test_what_cannot_be_is_said(numbers, make, facts, words):
    with pytest.raises(plans.NotAllowedError, match=words):
        make(numbers, **facts)


def test_two_absences_cannot_hold_one_field_at_a_time(numbers, clock, make):
    make(numbers)
    with pytest.raises(absences.OverlapError, match="“Weekend duty” of Marta Klein sets the same on 04 Dec 2026"):
        make(numbers[:1], name="Another")
    make(numbers, name="Greeting", sets={"voicemail_greeting_url": "https://example.com/away.mp3"})
    make(numbers, name="Later", first_day=date(2026, 12, 11))


def test_rights_values_and_counts_are_asked(numbers, make, lead, ops):
    with pytest.raises(plans.NotAllowedError, match="outside your teams"):
        make(some(30), by=lead)
    with pytest.raises(plans.NotAllowedError, match="Only digits can be dialled"):
        make(numbers, sets={"forward_to": "nowhere", "forward_to_enabled": True})
    with pytest.raises(plans.NotAllowedError, match="The target is the number itself"):
        make(numbers, sets=SETS | {"forward_to": numbers[0].number})
    with pytest.raises(approving.CountError, match="Type 30 to confirm"):
        absences.make(actor=access.person(ops), absence=weekend(), numbers=some(30), sets={"press_1_to_accept": True})


# --- days and moments -------------------------------------------------------------------------


def test_the_count_is_over_all_that_begins_or_is_due_in_the_same_hour(clock, synced, make, ops):
    """40 numbers are here: 30 % are 12. However far apart they are planned, they ring elsewhere at once."""
    numbers = some(21)
    make(numbers[:7], typed="")
    clock.shift(timedelta(minutes=61))
    with pytest.raises(approving.CountError, match="Type 7 to confirm"):
        make(numbers[7:14], typed="")
    with pytest.raises(approving.CountError, match="Type 7 to confirm"):
        approve(draft(ops, numbers[7:14], label="x"), ops, typed="", run_at=EVENING)
    make(numbers[7:14], typed="", first_day=date(2026, 12, 11))


def test_a_time_that_the_clocks_skip_and_one_that_comes_twice():
    skipped = absence_days.moment(date(2027, 3, 28), time(2, 30), "Europe/Berlin")
    assert skipped.at.astimezone(BERLIN).strftime("%H:%M %Z") == "03:30 CEST"
    assert skipped.note == "02:30 does not exist on 28 Mar 2027: the clocks go forward. It is 03:30 then."
    first = absence_days.moment(date(2026, 10, 25), time(2, 30), "Europe/Berlin")
    second = absence_days.moment(date(2026, 10, 25), time(2, 30), "Europe/Berlin", later=True)
    assert second.at - first.at == timedelta(hours=1)
    assert first.note == "02:30 exists twice on 25 Oct 2026: the clocks go back. The first one counts."
    assert absence_days.moment(date(2026, 12, 4), time(18), "Europe/Berlin").note == ""


def test_a_night_in_which_the_clocks_change_ends_at_its_local_time(numbers, clock, synced, make):
    make(numbers, repeats="weekdays", weekdays=[5], end_time=time(8), end_days=1, first_day=date(2027, 3, 27))
    once = Occurrence.objects.get()
    assert once.ends_at - once.starts_at == timedelta(hours=13)
    at(clock, datetime(2027, 3, 27, 18, 1, tzinfo=BERLIN))
    at(clock, datetime(2027, 3, 28, 7, 59, tzinfo=BERLIN))
    assert occurrence_states() == ["on"]
    at(clock, datetime(2027, 3, 28, 8, 0, 30, tzinfo=BERLIN))
    assert occurrence_states() == ["over", "coming"]


def test_a_day_of_which_the_clocks_leave_nothing_is_none(numbers, clock, synced, make):
    """From 2:30 to 3:15 each night; in that to 28 March 2027 2:30 does not exist, and is 3:30."""
    times = {"start_time": time(2, 30), "end_time": time(3, 15), "end_days": 0, "first_day": date(2027, 3, 27)}
    absence = make(numbers, repeats="weekdays", weekdays=[0, 5, 6], **times)
    days = absence_days.spans(absence, EVENING, datetime(2027, 3, 30, tzinfo=BERLIN))
    assert [day.day for day, _, _ in days] == [27, 29]


def test_a_calendar_has_public_holidays_and_own_days(db):
    calendar = Calendar(
        name="Berlin", country="DE", region="BE", own_days={"2026-12-24": "Office closed"}, left_out=["2026-12-26"]
    )
    days = absence_days.days_off(calendar, date(2026, 12, 20), date(2027, 1, 2))
    assert list(days) == [date(2026, 12, 24), date(2026, 12, 25), date(2027, 1, 1)]
    assert not absence_days.lacks_next_year(calendar, date(2026, 11, 27))
    assert absence_days.lacks_next_year(Calendar(own_days={"2026-12-24": "x"}), date(2026, 11, 27))


def test_a_calendar_repeats(numbers, clock, synced, make):
    calendar = Calendar.objects.create(name="Berlin", country="DE", region="BE")
    make(
        numbers,
        repeats="calendar",
        calendar=calendar,
        start_time=time(0),
        end_time=time(0),
        end_days=1,
    )
    assert Occurrence.objects.get().day == date(2026, 12, 25)
