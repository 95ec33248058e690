"""After a gap, or in another place, nothing that was due is sent before an ops admin has seen it (promise P9)."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from dashboard import access
from dashboard.models import Connection, Notice, Plan
from dashboard.services import deciding, health, holding, plans, running

from ..conftest import signed_in
from ..reading import text_of
from .planned import approve, draft, some, states

LATER = timedelta(hours=13)


@pytest.fixture
def scheduled(synced, ops):
    """A plan for later, and a worker that lives."""
    assert holding.look() is False
    health.worker_lives()
    return approve(draft(ops, some(2), label="Holiday"), ops, run_at=timezone.now() + LATER, drift="anyway")


def test_a_gap_holds_what_was_due(synced, ops, scheduled, edit):
    one, two = some(2)
    edit(one, label="In between")
    synced.journal.clear()
    with time_machine.travel(timezone.now() + LATER):
        assert holding.look() is True
        assert running.run_due() == 0
        assert synced.puts() == []
        here = Connection.load()
        assert holding.words(here).startswith("The worker was silent for 13 hours.")
        assert list(holding.held_plans(here)) == [scheduled]
        assert deciding.still_right(scheduled) == (1, 2)
        assert Notice.objects.get(user=ops).words.startswith("The worker was silent for 13 hours.")

        assert deciding.run_all(access.person(ops)) == 1
        health.worker_lives()
        running.run_due()
    assert states(scheduled) == ["applied", "conflict"]
    assert synced.puts() == [(two.close_id, {"label": "Holiday"})]


def test_another_address_holds_and_dropping_sends_nothing(synced, ops, scheduled, settings):
    settings.BASE_URL = "https://staging.example.com"
    assert holding.look() is True
    health.worker_lives()
    with time_machine.travel(timezone.now() + LATER):
        health.worker_lives()
        assert holding.look() is True
        running.run_due()
        assert deciding.drop_all(access.person(ops)) == 1
        running.run_due()
    scheduled.refresh_from_db()
    assert scheduled.state == Plan.State.CANCELLED
    assert synced.puts() == []
    assert holding.look() is False


def test_a_short_silence_and_a_gap_with_nothing_due_hold_nothing(synced, ops, lead, scheduled):
    with time_machine.travel(timezone.now() + timedelta(hours=11)):
        assert holding.look() is False
    running.cancel(scheduled, access.person(ops))
    with time_machine.travel(timezone.now() + timedelta(days=3)):
        assert holding.look() is False
    with pytest.raises(plans.NotAllowedError, match="Only ops admins"):
        deciding.run_all(access.person(lead))


def test_one_may_go_on_while_the_other_waits_and_then_nothing_is_held(synced, ops, scheduled):
    other = approve(draft(ops, some(3)[2:], label="Other"), ops, run_at=timezone.now() + LATER)
    person = access.person(ops)
    with time_machine.travel(timezone.now() + LATER):
        holding.look()
        health.worker_lives()
        deciding.run(person, scheduled)
        running.run_due()
        assert states(scheduled) == ["applied", "applied"]
        assert states(other) == ["pending"]
        assert Connection.load().held_since
        deciding.drop(person, other)
    assert states(other) == ["left_out"]
    assert Connection.load().held_since is None
    assert {close_id for close_id, _ in synced.puts()} == {number.close_id for number in some(2)}


def test_who_drops_the_last_of_it_and_is_no_ops_admin_lets_nothing_run(synced, ops, lead, settings):
    assert holding.look() is False
    mine = access.changeable_numbers(access.person(lead))[:1]
    approve(draft(lead, mine, label="Holiday"), lead, run_at=timezone.now() + LATER)
    settings.BASE_URL = "https://staging.example.com"
    assert holding.look() is True
    deciding.drop(access.person(lead), Plan.objects.get())
    assert holding.look() is True
    assert Connection.load().base_url != settings.BASE_URL
    page = text_of(signed_in(ops).get("/plans/"))
    assert "Nothing of it is left. What comes runs once you let it." in page
    assert "Let it run" not in text_of(signed_in(lead).get("/plans/"))
    answer = text_of(signed_in(ops).post("/plans/held/", {"do": "run"}, follow=True))
    assert "What comes runs by itself again." in answer
    assert holding.look() is False
