"""Two people, or two tabs, work on one draft: whoever comes second is told, and nothing that was approved changes."""

import pytest
from django.db import OperationalError, connection

from dashboard import access
from dashboard.models import Outcome, PhoneNumber, Plan
from dashboard.models.plans import digest_of
from dashboard.services import approving, events, planning, running

from ..conftest import signed_in
from ..reading import text_of
from .conftest import beside
from .planned import approve, draft, some, states


@pytest.fixture
def moved(synced, ops, edit):
    """The row of a draft whose number was changed meanwhile; the draft has another one that was not."""
    one, two = some(2)
    plan = draft(ops, [one, two], label="Team")
    edit(two, label="Mine first")
    planning.compare(plan)
    return plan.changes.get(number=two)


def test_who_comes_after_the_approval_is_told_and_changes_nothing(moved, ops, ops_client):
    person = access.person(ops)
    late = [
        planning.compare,
        approving.hand_on,
        lambda plan: approving.approve(plan, person, digest="", typed="1"),
        lambda plan: planning.take_as_now(plan, person, [moved.pk]),
        lambda plan: planning.narrow(plan, person, [moved.pk]),
        lambda plan: planning.describe(plan, person, name="Mine", reason=""),
        lambda plan: planning.discard(plan, person),
    ]
    stale = [Plan.objects.get(pk=moved.plan_id) for _ in late]
    approve(moved.plan, ops)
    rows = list(moved.plan.changes.values())
    for work, plan in zip(late, stale, strict=True):
        with pytest.raises(planning.StaleError, match="It runs once"):
            work(plan)
    assert list(moved.plan.changes.values()) == rows
    assert ops_client.get(f"/plans/{moved.plan_id}/").status_code == 200


def test_who_comes_after_a_draft_was_thrown_away_is_told(moved, ops):
    stale = Plan.objects.get(pk=moved.plan_id)
    planning.discard(moved.plan, access.person(ops))
    with pytest.raises(planning.StaleError, match="This draft is gone"):
        planning.take_as_now(stale, access.person(ops), [moved.pk])


def test_nobody_works_on_a_draft_while_it_is_being_approved(moved, ops):
    tried = []

    def use_mine():
        with connection.cursor() as cursor:
            sqlite = connection.vendor == "sqlite"
            cursor.execute("PRAGMA busy_timeout = 1" if sqlite else "SET lock_timeout = '1ms'")
        planning.take_as_now(Plan.objects.get(pk=moved.plan_id), access.person(ops), [moved.pk])

    def meanwhile(execute, sql, params, many, context):
        if sql.startswith('UPDATE "dashboard_plan"') and not tried:
            with beside(use_mine) as other:
                tried.append(other.exception())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(meanwhile):
        plan = approve(moved.plan, ops)
    assert states(plan) == ["left_out", "pending"]
    assert digest_of(plan.changes.filter(state=Outcome.PENDING)) == plan.digest
    assert isinstance(tried[0], OperationalError)


def test_compare_again_leaves_alone_what_was_carried_out_while_close_was_read(synced, ops):
    one, two = some(2)
    PhoneNumber.objects.filter(pk=two.pk).update(label="Team")
    two.refresh_from_db()
    plan = draft(ops, [one, two], label="Team")
    # The worker does not ask for the second number, which stays as it is.
    synced.hold("GET", f"/phone_number/{two.close_id}/")
    with beside(signed_in(ops).post, f"/plans/{plan.pk}/compare/") as compared:
        synced.wait_until_held()
        approve(plan, ops)
        running.run_due()
        synced.release()
    assert compared.result().status_code == 409
    words = text_of(compared.result())
    assert "Somebody has approved this plan already. It runs once." in words
    assert "Somebody changed it since then." not in words
    assert states(plan) == ["applied", "left_out"]
    events.verify()
