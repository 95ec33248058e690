"""A plan of several numbers says what would happen to each, and runs as it was shown or not at all."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.db.models import prefetch_related_objects
from django.utils import timezone

from dashboard import access
from dashboard.models import Access, Change, Group, Member, PhoneNumber, Plan, Role, Source
from dashboard.services import approving, planning, plans, replanning, running, sync
from dashboard.services.planning import Row

from ..conftest import make_user
from .planned import approve, draft, some, states, verdicts

TARGET = "+4917604069180"


def test_each_number_has_a_verdict(synced, ops):
    one, two, three, four = some(4)
    PhoneNumber.objects.filter(pk=two.pk).update(forward_to=TARGET, forward_to_enabled=True)
    two.refresh_from_db()
    wanted = {"forward_to": TARGET, "forward_to_enabled": True}
    rows = [
        Row(one, wanted),
        Row(two, wanted),
        Row(three, {"forward_to": "+499001123456", "forward_to_enabled": True}),
        Row(four, {"forward_to": four.number, "forward_to_enabled": True}),
        Row(one, {"label": "Twice"}),
    ]
    plan = planning.propose(actor=access.person(ops), source=Source.BULK, rows=rows, intent=uuid4())

    assert verdicts(plan) == ["change", "same", "invalid", "loop", "invalid"]
    words = list(plan.changes.order_by("pk").values_list("error", flat=True))
    assert words[2].startswith("Premium-rate numbers cost extra for each call")
    assert words[3:] == [
        "The target is the number itself, so calls would go round.",
        "This number stands in the plan already.",
    ]
    assert plan.state == Plan.State.DRAFT
    assert synced.puts() == []


def test_numbers_that_would_ring_each_other_are_found_among_the_rows(synced, ops):
    one, two = some(2)
    rows = [
        Row(one, {"forward_to": two.number, "forward_to_enabled": True}),
        Row(two, {"forward_to": one.number, "forward_to_enabled": True}),
    ]
    plan = planning.propose(actor=access.person(ops), source=Source.BULK, rows=rows, intent=uuid4())
    assert verdicts(plan) == ["loop", "loop"]


def test_a_direction_that_the_same_plan_turns_round_is_no_loop(synced, ops):
    one, two = some(2)
    PhoneNumber.objects.filter(pk=one.pk).update(forward_to_enabled=False)
    PhoneNumber.objects.filter(pk=two.pk).update(forward_to=one.number, forward_to_enabled=True)
    one, two = some(2)
    rows = [
        Row(one, {"forward_to": two.number, "forward_to_enabled": True}),
        Row(two, {"forward_to_enabled": False}),
    ]
    plan = planning.propose(actor=access.person(ops), source=Source.BULK, rows=rows, intent=uuid4())
    assert verdicts(plan) == ["change", "change"]
    alone = planning.propose(actor=access.person(ops), source=Source.BULK, rows=rows[:1], intent=uuid4())
    assert verdicts(alone) == ["loop"]


def test_a_lead_is_shown_what_is_not_theirs_and_the_plan_cannot_carry_it(synced, lead):
    mine = access.changeable_numbers(access.person(lead)).first()
    foreign = PhoneNumber.objects.exclude(pk__in=access.visible_numbers(access.person(lead))).first()
    plan = draft(lead, [mine, foreign], label="Mine")
    assert verdicts(plan) == ["change", "forbidden"]
    approve(plan, lead)
    assert states(plan) == ["left_out", "pending"]


def test_who_may_only_look_makes_no_plan(synced, viewer):
    with pytest.raises(planning.NotAllowedError, match="not change it"):
        draft(viewer, some(2), label="x")


def test_the_same_form_twice_makes_one_draft(synced, ops):
    intent, rows = uuid4(), [Row(number, {"label": "x"}) for number in some(2)]
    facts = {"actor": access.person(ops), "source": Source.BULK, "rows": rows, "intent": intent}
    assert planning.propose(**facts) == planning.propose(**facts)
    assert Plan.objects.filter(intent=intent).get().changes.count() == 2


def test_what_was_changed_meanwhile_is_marked_and_not_overwritten(synced, ops, edit):
    one, two = some(2)
    plan = draft(ops, [one, two], label="Both")
    seen = approving.digest(plan)
    edit(one, label="Mine first")

    with pytest.raises(planning.StaleError, match="not what you saw"):
        approve(plan, ops, digest=seen)
    assert sorted(verdicts(plan)) == ["change", "moved"]
    moved = plan.changes.get(verdict="moved")
    assert (moved.before, moved.found, moved.after) == (
        {"label": one.label},
        {"label": "Mine first"},
        {"label": "Both"},
    )

    planning.take_as_now(plan, access.person(ops), [moved.pk])
    assert verdicts(plan) == ["change", "change"]
    approve(plan, ops)
    assert states(plan) == ["pending", "pending"]


def test_an_undo_that_starts_from_what_is_there_now_still_counts_as_one(synced, ops, edit):
    number = some(1)[0]
    plan = draft(ops, [number], label="Team")
    approve(plan, ops)
    running.run_due()
    edit(number, label="Mine first")
    undo = replanning.take_back(plan, access.person(ops), intent=uuid4())
    planning.take_as_now(undo, access.person(ops), undo.changes.values_list("pk", flat=True))
    approve(undo, ops)
    running.run_due()
    assert synced.puts()[-1] == (number.close_id, {"label": number.label})
    assert Change.objects.with_undone().get(plan=plan).undone


def test_a_count_over_twenty_five_is_typed_over_all_plans_of_an_hour(synced, ops):
    numbers = PhoneNumber.objects.order_by("pk")
    plan = draft(ops, numbers[:26], label="x")
    with pytest.raises(approving.CountError, match="Type 26 to confirm"):
        approve(plan, ops, typed="")
    with pytest.raises(approving.CountError):
        approve(plan, ops, typed="62")

    # 40 numbers are here: 30 % are 12.
    small = draft(ops, numbers[:12], label="x")
    approve(small, ops, typed="")
    another = draft(ops, numbers[12:15], label="x")
    with pytest.raises(approving.CountError, match="Type 3 to confirm"):
        approve(another, ops, typed="")
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        approve(another, ops, typed="")


def test_the_count_is_also_over_what_is_due_in_one_hour(synced, ops):
    """40 numbers are here: 30 % are 12. However far apart they were approved, they would be changed at once."""
    numbers, start = PhoneNumber.objects.order_by("pk"), timezone.now()
    at = start + timedelta(hours=10)
    approve(draft(ops, numbers[:7], label="x"), ops, typed="", run_at=at)
    with time_machine.travel(start + timedelta(minutes=61)):
        approve(draft(ops, numbers[7:14], label="x"), ops, typed="", run_at=at + timedelta(hours=3))
    with time_machine.travel(start + timedelta(minutes=122)):
        with pytest.raises(approving.CountError, match="Type 7 to confirm"):
            approve(draft(ops, numbers[14:21], label="x"), ops, typed="", run_at=at + timedelta(minutes=30))
        # Somebody else has a limit of their own.
        approve(draft(make_user("Priya Nair", role=Role.OPS_ADMIN), numbers[14:21], label="y"), ops, typed="")
    with time_machine.travel(at - timedelta(minutes=30)), pytest.raises(approving.CountError):
        approve(draft(ops, numbers[14:21], label="x"), ops, typed="")


def test_a_plan_is_approved_once(synced, ops):
    plan = draft(ops, some(2), label="x")
    again = Plan.objects.get(pk=plan.pk)
    seen = approving.digest(plan)
    approve(plan, ops)
    with pytest.raises(planning.StaleError, match="It runs once"):
        approving.approve(again, access.person(ops), digest=seen)
    with pytest.raises(planning.StaleError, match="not a draft"):
        planning.narrow(plan, access.person(ops), [1])


def test_a_draft_is_narrowed_described_discarded_and_grows_old(synced, ops):
    person = access.person(ops)
    plan = draft(ops, some(3), label="x")
    seen = approving.digest(plan)
    first = plan.changes.order_by("pk").first()
    assert planning.narrow(plan, person, [first.pk]) == 1
    planning.describe(plan, person, name="Christmas", reason="Nobody is in")
    with pytest.raises(planning.StaleError, match="not what you saw"):
        approve(plan, ops, digest=seen)
    with time_machine.travel(timezone.now() + timedelta(days=8)), pytest.raises(planning.StaleError, match="7 days"):
        approve(plan, ops)
    planning.discard(plan, person)
    assert not Plan.objects.filter(background=True).exists()
    assert not Change.objects.filter(state="planned").exists()


def test_another_leads_plan_is_not_theirs_to_touch(synced, ops, lead):
    plan = draft(ops, some(2), label="x")
    with pytest.raises(planning.NotAllowedError, match="Marta Klein’s"):
        planning.narrow(plan, access.person(lead), [])
    assert not access.visible_plans(access.person(lead)).exists()
    other = make_user("Priya Nair", role=Role.OPS_ADMIN)
    approve(plan, other)
    assert access.visible_plans(access.person(other)).get() == plan


def test_drafts_are_not_among_the_changes(synced, ops):
    plan = draft(ops, some(2), label="x")
    assert not access.visible_changes(access.person(ops)).filter(plan=plan).exists()
    approve(plan, ops)
    assert access.visible_changes(access.person(ops)).filter(plan=plan).count() == 2


def test_ten_thousand_rows_are_worked_out_with_few_queries(synced, ops, django_assert_max_num_queries):
    numbers, people = some(30), list(Member.objects.filter(active=True)[:2].values_list("close_id", flat=True))
    with django_assert_max_num_queries(16):
        draft(ops, numbers, label="x")
    prefetch_related_objects(numbers, "groups")
    group = Group.objects.first().close_id
    with django_assert_max_num_queries(18):
        draft(ops, numbers, participants=people, participant_groups=[group])


def test_who_a_number_belongs_to_is_changed_by_ops_admins_and_never_down_to_nobody_by_a_slip(synced, ops, lead):
    one, two = some(2)
    new = Member.objects.filter(active=True).exclude(numbers=one).first()
    plan = draft(ops, [one], participants=[new.close_id])
    approve(plan, ops, typed="")
    running.run_due()
    assert synced.puts() == [(one.close_id, {"participants": [new.close_id]})]

    nobody = draft(ops, [two], participants=[])
    with pytest.raises(approving.CountError, match="Type 1 to confirm that 1 number changes"):
        approve(nobody, ops, typed="")
    assert verdicts(draft(ops, [two], participants=["user_nobody"])) == ["invalid"]
    mine = access.changeable_numbers(access.person(lead)).first()
    assert verdicts(draft(lead, [mine], participants=[])) == ["forbidden"]


def test_putting_back_somebody_who_has_left_is_taking_the_last_one_off(synced, ops):
    """Nobody would be there for a call, though somebody still stands on the number."""
    number = some(1)[0]
    gone, there = Member.objects.order_by("pk")[:2]
    synced.change_as_somebody_else(number.close_id, participants=[gone.close_id])
    sync.sync()
    Member.objects.update(active=True)
    Member.objects.filter(pk=gone.pk).update(active=False)
    plan = approve(draft(ops, some(1), participants=[there.close_id]), ops, typed="")
    running.run_due()
    back = replanning.take_back(plan, access.person(ops), intent=uuid4())
    with pytest.raises(approving.CountError, match="Type 1 to confirm that 1 number changes"):
        approve(back, ops, typed="")
    approve(back, ops, typed="1")


def test_taking_back_needs_a_plan_that_is_not_under_way(synced, ops):
    plan = draft(ops, some(2), label="x")
    Plan.objects.filter(pk=plan.pk).update(state=Plan.State.RUNNING)
    plan.refresh_from_db()
    with pytest.raises(planning.NotAllowedError, match="under way"):
        replanning.take_back(plan, access.person(ops), intent=uuid4())


def test_a_role_that_is_gone_approves_nothing(synced, ops):
    plan = draft(ops, some(2), label="x")
    Access.objects.all().delete()
    ops.refresh_from_db()
    with pytest.raises(planning.NotAllowedError):
        approve(plan, ops)


def test_a_draft_belongs_to_who_made_it(synced, ops):
    intent, rows = uuid4(), [Row(some(1)[0], {"label": "Team"})]
    planning.propose(actor=access.person(ops), source=Source.BULK, rows=rows, intent=intent)
    priya = access.person(make_user("Priya Nair", role=Role.OPS_ADMIN))
    with pytest.raises(plans.NotAllowedError, match="belongs to another plan"):
        planning.propose(actor=priya, source=Source.BULK, rows=rows, intent=intent)


def test_a_field_that_was_shown_as_the_same_and_is_not_any_more_marks_the_row(synced, ops, edit):
    number = some(1)[0]
    plan = draft(ops, [number], label=number.label, inbound_ring_duration=number.inbound_ring_duration + 1)
    edit(number, label="Since then")
    assert planning.compare(plan)
    assert verdicts(plan) == ["moved"]
    assert plan.changes.get().found == {"label": "Since then", "inbound_ring_duration": number.inbound_ring_duration}
