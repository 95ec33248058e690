"""Somebody leaves: what hangs on them is found, and one plan gives it to somebody else."""

from uuid import uuid4

import pytest

from dashboard import access
from dashboard.models import Member, PhoneNumber
from dashboard.services import handover, plans, running, sync
from dashboard.services.handover import Choice

from .conftest import cached
from .planned import approve, verdicts

TARGET = "+4917604069180"


@pytest.fixture
def leaver(synced):
    """Somebody with a phone of their own, to which a number of the team forwards."""
    own = next(number for number in PhoneNumber.objects.filter(groups__isnull=True) if len(number.people) == 1)
    member = own.members.get()
    team = PhoneNumber.objects.filter(type="internal").exclude(pk=own.pk).exclude(members=member).first()
    synced.change_as_somebody_else(team.close_id, forward_to=own.number, forward_to_enabled=True)
    sync.refresh_number(number=team)
    synced.journal.clear()
    return member


@pytest.fixture
def successor(leaver):
    return Member.objects.filter(active=True).exclude(pk=leaver.pk).order_by("name")[0]


def test_what_hangs_on_somebody_goes_to_somebody_else(synced, ops, leaver, successor):
    person = access.person(ops)
    hanging = handover.hanging_on(leaver, person)
    assert hanging.numbers
    assert [number.forward_to in hanging.phones for number in hanging.forwarding] == [True] * len(hanging.forwarding)

    choice = Choice(successor, TARGET)
    plan = handover.propose(actor=person, member=leaver, choice=choice, own={}, intent=uuid4())
    assert plan.name == f"Hand-over of {leaver.name} to {successor.name}"
    assert set(verdicts(plan)) == {"change"}
    approve(plan, ops)
    running.run_due()
    for number in hanging.numbers:
        members = cached(PhoneNumber.objects.get(pk=number.pk))["participants"]
        assert leaver.close_id not in members
        assert successor.close_id in members
    assert cached(hanging.forwarding[0])["forward_to"] == TARGET
    assert not handover.hanging_on(leaver, person).anything


def test_without_a_successor_they_are_taken_off_and_forwarding_is_switched_off(synced, ops, leaver):
    person = access.person(ops)
    team = handover.hanging_on(leaver, person).forwarding[0]
    plan = handover.propose(actor=person, member=leaver, choice=Choice(), own={}, intent=uuid4())
    assert plan.changes.get(number=team).after == {"forward_to_enabled": False}
    approve(plan, ops)
    running.run_due()
    assert cached(team)["forward_to_enabled"] is False


def test_who_has_left_before_is_not_sent_to_close_again(synced, ops, leaver, successor):
    person = access.person(ops)
    number = handover.hanging_on(leaver, person).numbers[0]
    PhoneNumber.objects.filter(pk=number.pk).update(people=[*number.people, ["user_gone", "Kim Gone", False]])
    plan = handover.propose(actor=person, member=leaver, choice=Choice(successor), own={}, intent=uuid4())
    others = [close_id for close_id, *_ in number.people if close_id != leaver.close_id]
    assert plan.changes.get(number=number).after["participants"] == sorted({*others, successor.close_id})


def test_only_ops_admins_hand_over(synced, lead, leaver, successor):
    person, choice = access.person(lead), Choice(successor)
    with pytest.raises(plans.NotAllowedError, match="Only ops admins"):
        handover.propose(actor=person, member=leaver, choice=choice, own={}, intent=uuid4())
