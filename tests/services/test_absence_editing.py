"""An absence is edited, coming or on: what it sets follows, and what was there before it began is what comes back."""

from datetime import timedelta

import pytest

from dashboard import access
from dashboard.models import Absence, Connection, Holding, Notice, Occurrence, Plan
from dashboard.services import absence_clock, absence_editing, planning, plans, running

from .absent import EVENING, MONDAY, SETS, TARGET, at, clock, make, numbers, settings_of, weekend
from .conftest import cached
from .planned import some

__all__ = ["clock", "make", "numbers"]

OTHER = "+4917604069181"
GREETING = {"voicemail_greeting_url": "https://example.com/away.mp3"}


@pytest.fixture
def edit(ops):
    def do(absence, *, numbers=None, sets=None, by=None, **facts):
        absence.refresh_from_db()
        return absence_editing.edit(
            actor=access.person(by or ops),
            absence=absence,
            wanted=weekend(**facts),
            numbers=absence.numbers.all() if numbers is None else numbers,
            sets=absence.sets if sets is None else sets,
            typed=str(absence.numbers.count() if numbers is None else len(numbers)),
        )

    return do


def now(clock):
    """Let the worker do what is due, without moving on."""
    for _ in range(2):
        absence_clock.tick()
        running.run_due()
    absence_clock.tick()


def test_one_that_is_coming_becomes_another_one(numbers, clock, synced, make, edit):
    absence = make(numbers)
    edit(absence, numbers=numbers[:1], sets={"forward_to": OTHER}, name="Late", start_time=EVENING.time(), end_days=4)
    at(clock, EVENING)
    assert synced.puts() == [(numbers[0].close_id, {"forward_to": OTHER})]
    at(clock, MONDAY)
    assert list(Occurrence.objects.values_list("state", flat=True)) == ["on"]
    at(clock, MONDAY + timedelta(days=1))
    assert cached(numbers[0])["forward_to"] == numbers[0].forward_to
    assert not Plan.objects.filter(state="draft").exists()


def test_another_target_is_sent_at_once_and_what_was_before_comes_back(numbers, clock, synced, make, edit):
    before = [settings_of(number) for number in numbers]
    absence = make(numbers)
    at(clock, EVENING)
    synced.journal.clear()
    edit(absence, sets={**SETS, "forward_to": OTHER, **GREETING})
    now(clock)
    sent = {"forward_to": OTHER, **GREETING}
    assert sorted(synced.puts()) == sorted((number.close_id, sent) for number in numbers)
    edit(absence, sets={**SETS, "forward_to": TARGET, **GREETING})
    now(clock)
    at(clock, MONDAY)
    assert [settings_of(number) for number in numbers] == before
    assert list(Occurrence.objects.values_list("state", flat=True)) == ["over"]


def test_a_field_and_a_number_that_are_taken_off_go_back_at_once(numbers, clock, synced, make, edit):
    one, two = numbers
    absence = make(numbers, sets=SETS | GREETING)
    at(clock, EVENING)
    synced.journal.clear()
    three = some(3, forward_to_enabled=True)[2]
    edit(absence, numbers=[one, three], sets=SETS)
    now(clock)
    assert (cached(one)["voicemail_greeting_url"] or "") == one.voicemail_greeting_url
    assert cached(one)["forward_to"] == TARGET
    assert cached(two)["forward_to"] == two.forward_to
    # Also what it held already, as far as we knew.
    assert (three.close_id, SETS) in synced.puts()
    at(clock, MONDAY)
    assert [cached(number)["forward_to"] for number in (one, three)] == [one.forward_to, three.forward_to]
    assert set(Holding.objects.values_list("state", flat=True)) == {"returned"}


def test_a_moved_end_moves_the_way_back(numbers, clock, synced, make, edit):
    absence = make(numbers)
    at(clock, EVENING)
    synced.journal.clear()
    edit(absence, end_days=4, reason="The fair is longer")
    now(clock)
    at(clock, MONDAY)
    assert synced.puts() == []
    at(clock, MONDAY + timedelta(days=1))
    assert cached(numbers[0])["forward_to"] == numbers[0].forward_to


def test_what_somebody_has_changed_meanwhile_is_not_overwritten(numbers, clock, synced, make, edit):
    one, two = numbers
    absence = make(numbers)
    at(clock, EVENING)
    synced.organisation.change(one.close_id, {"forward_to": "+4917600000000"})
    edit(absence, sets={**SETS, "forward_to": OTHER})
    now(clock)
    assert cached(one)["forward_to"] == "+4917600000000"
    assert cached(two)["forward_to"] == OTHER
    at(clock, MONDAY)
    assert cached(one)["forward_to"] == "+4917600000000"
    assert cached(two)["forward_to"] == two.forward_to
    assert "1 number was changed meanwhile and left as it is" in Notice.objects.get().words


def test_while_close_is_away_the_edit_waits_and_nothing_is_forgotten(numbers, clock, synced, make, edit, hasty):
    before = [settings_of(number) for number in numbers]
    absence = make(numbers)
    at(clock, EVENING)
    synced.fault("503")
    edit(absence, sets={**SETS, "forward_to": OTHER})
    now(clock)
    edit(absence, sets={**SETS, "forward_to": "+4917604069182"})
    now(clock)
    synced.clear_faults()
    at(clock, EVENING + timedelta(minutes=2))
    assert [cached(number)["forward_to"] for number in numbers] == ["+4917604069182"] * 2
    at(clock, MONDAY)
    assert [settings_of(number) for number in numbers] == before


def test_every_evening_the_edited_one_begins(numbers, clock, synced, make, edit):
    absence = make(numbers, repeats="weekdays", weekdays=[4])
    at(clock, EVENING)
    at(clock, MONDAY)
    edit(absence, sets={**SETS, "forward_to": OTHER}, repeats="weekdays", weekdays=[0, 4], end_days=1)
    now(clock)
    assert list(Occurrence.objects.values_list("state", flat=True)) == ["over", "coming"]
    at(clock, MONDAY.replace(hour=18))
    assert cached(numbers[0])["forward_to"] == OTHER
    at(clock, MONDAY + timedelta(days=1))
    assert cached(numbers[0])["forward_to"] == numbers[0].forward_to


def test_what_cannot_be_edited_is_said(numbers, clock, synced, make, edit, ops, lead):
    absence = make(numbers)
    stale = Absence.objects.get()
    with pytest.raises(plans.NotAllowedError, match="Marta Klein’s"):
        edit(absence, by=lead)
    edit(absence, name="Other")
    with pytest.raises(planning.StaleError):
        absence_editing.edit(
            actor=access.person(ops),
            absence=stale,
            wanted=weekend(),
            numbers=numbers,
            sets=SETS,
            typed="2",
        )
    at(clock, EVENING)
    with pytest.raises(plans.NotAllowedError, match="It has begun, so its beginning stays"):
        edit(absence, start_time=MONDAY.time())
    at(clock, MONDAY)
    with pytest.raises(plans.NotAllowedError, match="is over"):
        edit(absence)


def test_a_gap_holds_an_edit_too(numbers, clock, synced, make, edit):
    absence = make(numbers)
    at(clock, EVENING)
    Connection.note(held_since=EVENING, held_why="The worker was silent.")
    synced.journal.clear()
    edit(absence, sets={**SETS, "forward_to": OTHER})
    now(clock)
    assert synced.puts() == []
