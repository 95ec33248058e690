"""Somebody is deactivated: what they have scheduled stops, and ops admins decide what becomes of it."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from dashboard import access
from dashboard.models import Notice, Plan, Role
from dashboard.services import people, running

from ..conftest import make_user, signed_in
from ..reading import text_of
from .absent import EVENING, FRIDAY, MONDAY, at, clock, make, numbers, occurrence_states
from .conftest import cached
from .planned import approve, draft, states

__all__ = ["clock", "make", "numbers"]


@pytest.fixture
def priya(db):
    return make_user("Priya Nair", role=Role.OPS_ADMIN)


@pytest.fixture
def deactivate(priya):
    return lambda user: people.set_active(actor=access.person(priya), user=user, active=False)


def told(user):
    return list(Notice.objects.filter(user=user).order_by("pk").values_list("words", "url"))


def test_their_scheduled_plan_stops_and_ops_admins_decide(numbers, clock, synced, ops, priya, deactivate):
    plan = approve(draft(ops, numbers, label="Later"), ops, run_at=timezone.now() + timedelta(hours=2))
    page = reverse("plan-detail", args=[plan.pk])
    deactivate(ops)
    assert told(priya) == [("Marta Klein was deactivated. 1 plan of theirs is paused until somebody decides.", page)]
    assert told(ops) == []

    clock.move_to(FRIDAY + timedelta(hours=3))
    assert running.run_due() == 0
    assert states(plan) == ["pending", "pending"]
    assert synced.puts() == []
    why = "Marta Klein was deactivated, so nothing of it is sent."
    client = signed_in(priya)
    said = text_of(client.get("/plans/"))
    assert said.index("Waiting for a decision 1") < said.index(why)
    assert why in text_of(client.get(page))

    client.post(f"{page}cancel/")
    plan.refresh_from_db()
    assert (plan.state, plan.waits_for) == (Plan.State.CANCELLED, "")


def test_what_comes_is_told_and_what_is_on_goes_back(numbers, clock, synced, make, ops, priya, deactivate):
    make(numbers[:1])
    at(clock, EVENING)
    later = make(numbers[1:], first_day=MONDAY.date())
    sent = synced.puts()
    deactivate(ops)
    assert told(priya) == [
        (
            "Marta Klein was deactivated. 1 absence of theirs is still to come, and nothing of it will be sent. "
            "What is on goes back at its time.",
            reverse("absence-detail", args=[later.pk]),
        )
    ]
    at(clock, MONDAY)
    assert "over" in occurrence_states()
    assert {key for key, _ in synced.puts()[len(sent) :]} == {numbers[0].close_id}
    assert cached(numbers[0])["forward_to"] == numbers[0].forward_to
