"""How an absence ends: what goes back, what stays as somebody has changed it, and what is said of both."""

from datetime import timedelta

import pytest

from dashboard import access
from dashboard.models import Access, Holding, Notice, Occurrence
from dashboard.services import absence_clock, absences, holdings, plans, running, sync

from .absent import EVENING, MONDAY, SETS, TARGET, at, clock, make, numbers, occurrence_states, settings_of
from .conftest import cached

__all__ = ["clock", "make", "numbers"]


def test_what_somebody_changed_meanwhile_stays_and_the_rest_goes_back(numbers, clock, synced, make, edit):
    one, two = numbers
    greeting = {"voicemail_greeting_url": "https://example.com/away.mp3"}
    make(numbers, sets=SETS | greeting)
    at(clock, EVENING)
    edit(one, forward_to="+4917600000000")
    at(clock, MONDAY)

    assert cached(one)["forward_to"] == "+4917600000000"
    assert (cached(one)["voicemail_greeting_url"] or "") == one.voicemail_greeting_url
    assert cached(two)["forward_to"] == two.forward_to
    words = "“Weekend duty” is over. 1 number was changed meanwhile and left as it is."
    assert Notice.objects.get().words == words
    assert Holding.objects.filter(state="left").get().number == one


def test_a_change_in_close_that_nobody_has_read_yet_stays_and_the_rest_goes_back(numbers, clock, synced, make):
    one, two = numbers
    greeting = {"voicemail_greeting_url": "https://example.com/away.mp3"}
    make(numbers, sets=SETS | greeting)
    at(clock, EVENING)
    synced.change_as_somebody_else(one.close_id, forward_to="+4917600000000")
    synced.journal.clear()
    at(clock, MONDAY)

    former = [number.voicemail_greeting_url or None for number in numbers]
    assert sorted(synced.puts()) == sorted(
        [
            (one.close_id, {"voicemail_greeting_url": former[0]}),
            (two.close_id, {"forward_to": two.forward_to, "voicemail_greeting_url": former[1]}),
        ]
    )
    assert cached(one)["forward_to"] == "+4917600000000"
    assert occurrence_states() == ["over"]
    words = "“Weekend duty” is over. 1 number was changed meanwhile and left as it is."
    assert Notice.objects.get().words == words
    assert Holding.objects.filter(state="left").get().number == one


def test_of_an_end_that_was_cancelled_nothing_more_is_sent(numbers, clock, synced, make, ops):
    one, two = numbers
    make(numbers, sets=SETS | {"voicemail_greeting_url": "https://example.com/away.mp3"})
    at(clock, EVENING)
    synced.change_as_somebody_else(one.close_id, forward_to="+4917600000000")
    synced.fault("503", method="GET", path=f"/phone_number/{two.close_id}/")
    clock.move_to(MONDAY)
    absence_clock.tick()
    running.run_due()
    end = Occurrence.objects.get().end_plan
    assert sorted(end.changes.values_list("state", flat=True)) == ["conflict", "pending"]

    running.cancel(end, access.person(ops))
    synced.clear_faults()
    synced.journal.clear()
    at(clock, MONDAY + timedelta(minutes=2))
    assert (synced.puts(), occurrence_states()) == ([], ["over"])


def test_what_close_refuses_to_put_back_is_not_said_to_be_back(numbers, clock, synced, make):
    one, two = numbers
    make(numbers)
    at(clock, EVENING)
    synced.journal.clear()
    synced.fault("400", method="PUT", path=f"/phone_number/{one.close_id}/")
    at(clock, MONDAY)

    assert sorted(synced.puts()) == sorted((number.close_id, {"forward_to": number.forward_to}) for number in numbers)
    assert [cached(number)["forward_to"] for number in numbers] == [TARGET, two.forward_to]
    words = "“Weekend duty” is over. 1 number could not be put back; its plan says why."
    assert Notice.objects.get().words == words
    assert Holding.objects.filter(state="left").get().number == one


def test_an_end_waits_until_it_is_known_what_its_beginning_did(numbers, clock, synced, make):
    one = numbers[0]
    make(numbers)
    synced.fault("done-later", method="PUT", path=f"/phone_number/{one.close_id}/")
    at(clock, EVENING)
    synced.fault("503", method="GET")
    synced.journal.clear()
    at(clock, MONDAY)
    assert (synced.puts(), occurrence_states()) == ([], ["on"])

    synced.clear_faults()
    synced.do_later()
    plans.sweep()
    at(clock, MONDAY + timedelta(minutes=2))
    assert sorted(synced.puts()) == sorted((number.close_id, {"forward_to": number.forward_to}) for number in numbers)
    assert occurrence_states() == ["over"]


def test_a_number_that_was_released_meanwhile_is_not_said_to_be_back(numbers, clock, synced, make):
    make(numbers)
    at(clock, EVENING)
    synced.hide(numbers[0].close_id)
    sync.sync()
    sync.sync()
    synced.journal.clear()
    at(clock, MONDAY)
    assert synced.puts() == [(numbers[1].close_id, {"forward_to": numbers[1].forward_to})]
    assert "is over. 1 number was changed meanwhile and left as it is." in Notice.objects.get().words


def test_what_was_changed_until_the_end_and_undone_goes_back_all_the_same(numbers, clock, synced, make, edit, undo):
    one = numbers[0]
    make([one])
    at(clock, EVENING)
    change = edit(one, hold="until", forward_to="+4917600000000")
    assert undo(change).state == "applied"
    assert cached(one)["forward_to"] == TARGET
    at(clock, MONDAY)
    assert cached(one)["forward_to"] == one.forward_to
    assert Holding.objects.get(field="forward_to").state == "returned"


def test_a_change_until_the_end_goes_back_and_one_for_good_stays(numbers, clock, synced, make, edit):
    one, two = numbers
    make(numbers)
    at(clock, EVENING)
    assert [held.field for held in holdings.of_number(one, ["forward_to", "label"])] == ["forward_to"]
    edit(one, hold="until", forward_to="+4917600000000")
    edit(two, hold="good", forward_to="+4917600000001")
    at(clock, MONDAY)
    assert (cached(one)["forward_to"], cached(two)["forward_to"]) == (one.forward_to, "+4917600000001")
    assert Notice.objects.get().words == "“Weekend duty” is over. Everything is as it was before."


def test_such_a_change_counts_also_where_it_is_found_out_later_that_it_was_made(numbers, clock, synced, make, edit):
    one, two = numbers
    make(numbers)
    at(clock, EVENING)
    synced.fault("done-later", method="PUT")
    changes = [edit(number, hold="until", forward_to="+4917600000000") for number in numbers]
    assert [change.state for change in changes] == ["unknown", "unknown"]
    synced.do_later()
    synced.clear_faults()
    plans.sweep()
    at(clock, MONDAY)
    assert [cached(number)["forward_to"] for number in numbers] == [one.forward_to, two.forward_to]


def test_an_end_comes_back_though_its_author_has_no_role_any_more(numbers, clock, synced, make, ops):
    before = [settings_of(number) for number in numbers]
    make(numbers)
    at(clock, EVENING)
    Access.objects.all().delete()
    at(clock, MONDAY)
    assert [settings_of(number) for number in numbers] == before


def test_while_close_is_away_the_end_waits_and_after_15_minutes_people_hear(numbers, clock, synced, make, hasty):
    make(numbers)
    at(clock, EVENING)
    synced.fault("503")
    at(clock, MONDAY)
    assert occurrence_states() == ["returning"]
    assert not Notice.objects.exists()
    at(clock, MONDAY + timedelta(minutes=16))
    assert Notice.objects.get().words.startswith("“Weekend duty” should have ended by now and has not. Close was")
    synced.clear_faults()
    at(clock, MONDAY + timedelta(minutes=20))
    assert occurrence_states() == ["over"]
    assert [cached(number)["forward_to"] for number in numbers] == [number.forward_to for number in numbers]


def test_stopping_puts_back_at_once(numbers, clock, synced, make, ops, lead):
    absence = make(numbers, repeats="weekdays", weekdays=[4])
    at(clock, EVENING)
    with pytest.raises(plans.NotAllowedError, match="Marta Klein’s"):
        absences.stop(absence, access.person(lead))
    absences.stop(absence, access.person(ops))
    at(clock, EVENING + timedelta(minutes=1))
    assert occurrence_states() == ["over"]
    assert [cached(number)["forward_to"] for number in numbers] == [number.forward_to for number in numbers]
    with pytest.raises(plans.NotAllowedError, match="stopped already"):
        absences.stop(absence, access.person(ops))
