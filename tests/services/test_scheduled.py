"""A plan that runs later fixes numbers and fields: also what was as wanted when it was approved."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from dashboard.models import Change
from dashboard.services import planning, running, sync

from .conftest import cached
from .planned import approve, draft, some, states, verdicts

LATER = timedelta(days=2)


@pytest.fixture
def two(synced):
    """One number that is wholly as the plan wants it, and one that is so in one of two fields."""
    one = some(1, forward_to_enabled=True)[0]
    synced.change_as_somebody_else(one.close_id, label="Desk")
    sync.sync()
    return some(2, forward_to_enabled=True)


def in_between(synced, two):
    """Somebody changes, in Close, just what was as wanted."""
    synced.change_as_somebody_else(two[0].close_id, label="Other")
    synced.change_as_somebody_else(two[1].close_id, forward_to_enabled=False)
    sync.sync()
    synced.journal.clear()


def run_later(plan):
    with time_machine.travel(timezone.now() + LATER + timedelta(minutes=1)):
        running.run_due()


def test_what_was_so_already_is_made_so_again(two, synced, ops):
    plan = draft(ops, two, label="Desk", forward_to_enabled=True)
    assert verdicts(plan) == ["same", "change"]
    approve(plan, ops, run_at=timezone.now() + LATER, drift="anyway")
    in_between(synced, two)
    run_later(plan)
    wanted = {"label": "Desk", "forward_to_enabled": True}
    assert sorted(synced.puts()) == sorted((number.close_id, wanted) for number in two)
    assert [{name: cached(number)[name] for name in wanted} for number in two] == [wanted, wanted]
    # What an undo would bring back is what was there when it ran.
    assert plan.changes.get(number=two[0]).before == {"label": "Other", "forward_to_enabled": True}


def test_where_it_shall_be_left_both_are_told(two, synced, ops):
    plan = draft(ops, two, label="Desk", forward_to_enabled=True)
    approve(plan, ops, run_at=timezone.now() + LATER)
    in_between(synced, two)
    assert planning.differing(plan) == (2, 2)
    run_later(plan)
    assert (states(plan), synced.puts()) == (["conflict", "conflict"], [])


def test_where_nobody_changed_it_nothing_is_sent_to_it(two, synced, ops):
    plan = draft(ops, two, label="Desk", forward_to_enabled=True)
    approve(plan, ops, run_at=timezone.now() + LATER)
    run_later(plan)
    assert states(plan) == ["applied", "applied"]
    assert [close_id for close_id, _ in synced.puts()] == [two[1].close_id]


def test_the_hash_covers_what_is_made_sure_of(two, synced, ops):
    plan = draft(ops, two, label="Desk", forward_to_enabled=True)
    approve(plan, ops, run_at=timezone.now() + LATER, drift="anyway")
    in_between(synced, two)
    meddled = plan.changes.get(number=two[0])
    Change.objects.filter(pk=meddled.pk).update(after={**meddled.after, "label": "Meddled"})
    run_later(plan)
    assert states(plan) == ["applied", "failed"]
    assert "Meddled" not in str(synced.puts())


def test_what_runs_now_leaves_out_what_is_so_already(two, synced, ops):
    plan = approve(draft(ops, two, label="Desk", forward_to_enabled=True), ops)
    running.run_due()
    assert states(plan) == ["applied", "left_out"]
    assert synced.puts() == [(two[1].close_id, {"label": "Desk"})]
