"""What an absence could not do: it is tried again until it is settled, and author and ops admins hear of it."""

from datetime import timedelta
from uuid import uuid4

import pytest

from dashboard import access
from dashboard.models import Holding, Member, Notice, Occurrence, Role
from dashboard.services import absence_clock, plans, replanning, running, telling
from tests.conftest import make_user

from .absent import EVENING, MONDAY, TARGET, at, clock, make, numbers, occurrence_states
from .conftest import cached

__all__ = ["clock", "make", "numbers"]


@pytest.fixture
def boss(db):
    """An ops admin beside the author."""
    return make_user("Boss Big", role=Role.OPS_ADMIN)


@pytest.fixture
def beat(clock):
    """A minute of the worker's, at this moment."""

    def do(moment):
        clock.move_to(moment)
        plans.sweep()
        at(clock, moment)
        telling.look()

    return do


@pytest.fixture
def retry(ops):
    """Presses the button on the page of a plan, and lets the worker work."""

    def do(plan):
        again = replanning.try_again(plan, access.person(ops), intent=uuid4())
        for _ in range(2):
            running.run_due()
            absence_clock.tick()
        return again

    return do


def targets(numbers):
    return [cached(number)["forward_to"] for number in numbers]


def told():
    """What was said to whom, and it is forgotten."""
    found = sorted((notice.user.first_name, notice.words) for notice in Notice.objects.all())
    Notice.objects.all().delete()
    return found


def test_what_close_refuses_at_the_beginning_is_told_once(numbers, clock, synced, make, beat, boss):
    make(numbers)
    synced.fault("400", method="PUT", path=f"/phone_number/{numbers[0].close_id}/")
    for minutes in (0, 1, 5, 16):
        beat(EVENING + timedelta(minutes=minutes))
    assert len(synced.puts()) == 2
    words = "“Weekend duty” could not be set for 1 number. Its plan says why."
    assert told() == [("Boss", words), ("Marta", words)]


def test_a_number_that_is_other_peoples_by_then_is_told(clock, synced, make, beat, lead, ops):
    person = access.person(lead)
    number = access.changeable_numbers(person).filter(type="internal")[0]
    make([number], by=lead)
    stranger = Member.objects.filter(active=True).exclude(groups__in=person.team_ids)[0]
    synced.change_as_somebody_else(number.close_id, participants=[stranger.close_id])
    beat(EVENING)
    words = "“Weekend duty” could not be set for 1 number. Its plan says why."
    assert (synced.puts(), told()) == ([], [(ops.first_name, words), (lead.first_name, words)])


def test_what_a_person_tries_again_goes_back_at_the_end(numbers, clock, synced, make, retry):
    one, two = numbers
    make(numbers)
    synced.fault("400", method="PUT", path=f"/phone_number/{one.close_id}/")
    at(clock, EVENING)
    synced.clear_faults()
    start = Occurrence.objects.get().start_plan
    assert targets(numbers) == [one.forward_to, TARGET]
    again = retry(start)
    assert (again.retries, targets(numbers)) == (start, [TARGET, TARGET])
    with pytest.raises(plans.NotAllowedError, match="Nothing is left of this"):
        retry(start)
    at(clock, MONDAY)
    assert targets(numbers) == [one.forward_to, two.forward_to]
    with pytest.raises(plans.NotAllowedError, match="not on any more"):
        retry(start)


def test_a_beginning_that_close_did_not_make_is_tried_again(numbers, clock, synced, make, beat, boss, hasty):
    one, two = numbers
    make(numbers)
    synced.fault("500", method="PUT", path=f"/phone_number/{one.close_id}/")
    for minutes in (0, 2, 5, 16, 20):
        beat(EVENING + timedelta(minutes=minutes))
    words = "“Weekend duty” should have begun by now and has not. It is tried again until it works."
    assert told() == [("Boss", words), ("Marta", words)]
    synced.clear_faults()
    for minutes in (22, 45):
        beat(EVENING + timedelta(minutes=minutes))
    assert targets(numbers) == [TARGET, TARGET]
    beat(MONDAY)
    assert targets(numbers) == [one.forward_to, two.forward_to]


def test_an_end_that_close_did_not_make_is_tried_again(numbers, clock, synced, make, beat, boss, hasty):
    one, two = numbers
    make(numbers)
    synced.fault("503", method="GET")
    for minutes in (0, 16):
        beat(EVENING + timedelta(minutes=minutes))
    assert {who for who, _ in told()} == {"Boss", "Marta"}
    synced.clear_faults()
    beat(EVENING + timedelta(minutes=18))
    assert targets(numbers) == [TARGET, TARGET]

    synced.fault("500", method="PUT", path=f"/phone_number/{one.close_id}/")
    for minutes in (0, 2, 5, 16, 30):
        beat(MONDAY + timedelta(minutes=minutes))
    words = "“Weekend duty” should have ended by now and has not. It is tried again until it works."
    assert told() == [("Boss", words), ("Marta", words)]
    synced.clear_faults()
    for minutes in (32, 65):
        beat(MONDAY + timedelta(minutes=minutes))
    assert (occurrence_states(), targets(numbers)) == (["over"], [one.forward_to, two.forward_to])
    assert told() == [("Marta", "“Weekend duty” is over. Everything is as it was before.")]


def test_what_somebody_changed_while_the_end_is_tried_again_stays(numbers, clock, synced, make, beat, hasty):
    one, _ = numbers
    make(numbers)
    beat(EVENING)
    synced.fault("500", method="PUT", path=f"/phone_number/{one.close_id}/")
    for minutes in (0, 2):
        beat(MONDAY + timedelta(minutes=minutes))
    synced.clear_faults()
    synced.change_as_somebody_else(one.close_id, forward_to="+4917600000000")
    for minutes in (5, 10):
        beat(MONDAY + timedelta(minutes=minutes))
    assert (occurrence_states(), cached(one)["forward_to"]) == (["over"], "+4917600000000")
    assert told()[0][1] == "“Weekend duty” is over. 1 number was changed meanwhile and left as it is."


def test_an_end_that_was_refused_and_works_on_a_retry_needs_no_look(numbers, clock, synced, make, boss, retry):
    one, two = numbers
    make(numbers)
    at(clock, EVENING)
    synced.fault("400", method="PUT", path=f"/phone_number/{one.close_id}/")
    at(clock, MONDAY)
    words = "“Weekend duty” is over. 1 number could not be put back; its plan says why."
    assert told() == [("Boss", words), ("Marta", words)]
    synced.clear_faults()
    retry(Occurrence.objects.get().end_plan)
    assert targets(numbers) == [one.forward_to, two.forward_to]
    assert occurrence_states() == ["over"]
    assert set(Holding.objects.values_list("state", flat=True)) == {"returned"}
    assert told() == [("Marta", "“Weekend duty” is over. Everything is as it was before.")]


def test_a_retry_of_an_end_overwrites_nothing(numbers, clock, synced, make, retry, edit):
    one, _ = numbers
    make(numbers)
    at(clock, EVENING)
    synced.fault("400", method="PUT", path=f"/phone_number/{one.close_id}/")
    at(clock, MONDAY)
    synced.clear_faults()
    edit(one, forward_to="+4917600000000")
    with pytest.raises(plans.NotAllowedError, match="Nothing is left of this"):
        retry(Occurrence.objects.get().end_plan)
    assert (occurrence_states(), cached(one)["forward_to"]) == (["over"], "+4917600000000")
