"""The worker applies approved plans: exactly as shown, each number once, whatever Close does meanwhile."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from dashboard import access
from dashboard.models import Access, Change, Connection, Outcome, PhoneNumber, Plan, Source
from dashboard.services import connection as connections
from dashboard.services import planning, plans, replanning, running
from dashboard.services.planning import Row

from .conftest import beside, cached, eventually
from .planned import approve, draft, some, states

LATER = timedelta(hours=3)


def sent(sim, plan):
    """What was sent to Close, one entry a number."""
    return sorted(sim.puts()) == sorted((c.number.close_id, c.after) for c in plan.changes.filter(state="applied"))


def run(plan):
    running.run_due()
    plan.refresh_from_db()
    return plan


def test_a_plan_is_applied_as_it_was_approved(synced, ops):
    numbers = some(6)
    plan = approve(draft(ops, numbers, label="Team"), ops)
    run(plan)

    assert plan.state == Plan.State.DONE
    assert plan.began_at
    assert plan.ended_at
    assert states(plan) == ["applied"] * 6
    assert sorted(synced.puts()) == sorted((number.close_id, {"label": "Team"}) for number in numbers)
    assert {cached(number)["label"] for number in numbers} == {"Team"}
    assert running.run_due() == 0


def test_failures_do_not_stop_the_others_and_can_be_tried_again(synced, ops):
    numbers = some(5)
    path = f"/phone_number/{numbers[0].close_id}/"
    synced.fault("400", method="PUT", path=path, times=1)
    plan = run(approve(draft(ops, numbers, label="Team"), ops))
    assert states(plan) == ["applied"] * 4 + ["refused"]

    again = replanning.try_again(plan, access.person(ops), intent=uuid4())
    assert again.changes.count() == 1
    assert again.retries == plan
    run(approve(again, ops))
    assert states(again) == ["applied"]


def test_a_whole_plan_is_taken_back_but_not_what_somebody_changed_since(synced, ops, edit):
    numbers = some(4)
    before = {number.pk: number.label for number in numbers}
    plan = run(approve(draft(ops, numbers, label="Team"), ops))
    edit(numbers[0], label="Since then")

    back = replanning.take_back(plan, access.person(ops), intent=uuid4())
    assert sorted(back.changes.values_list("verdict", flat=True)) == ["change", "change", "change", "moved"]
    run(approve(back, ops))
    labels = {number.pk: cached(number)["label"] or "" for number in numbers}
    assert labels == before | {numbers[0].pk: "Since then"}
    undone = plan.changes.with_undone().filter(undone=True)
    assert undone.count() == 3


def test_while_close_is_away_the_plan_waits_and_nothing_is_used_up(synced, ops, hasty):
    plan = approve(draft(ops, some(8), label="Team"), ops)
    synced.fault("503")
    run(plan)
    assert plan.state == Plan.State.WAITING
    assert plan.waits_for.startswith("Close was unreachable")
    assert states(plan) == ["pending"] * 8

    synced.clear_faults()
    assert running.run_due() == 0
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        run(plan)
    assert plan.state == Plan.State.DONE
    assert states(plan) == ["applied"] * 8
    assert sent(synced, plan)


def test_stopping_all_writes_holds_a_plan_in_the_middle(synced, ops):
    plan = approve(draft(ops, some(3), label="Team"), ops)
    connections.stop_writes(actor=access.person(ops))
    run(plan)
    assert (plan.state, states(plan)) == (Plan.State.WAITING, ["pending"] * 3)
    assert "stopped all writes" in plan.waits_for
    connections.start_writes(actor=access.person(ops))
    running.resume(plan, access.person(ops))
    run(plan)
    assert states(plan) == ["applied"] * 3


def test_pause_resume_cancel(synced, ops, monkeypatch):
    monkeypatch.setattr(running, "CONNECTIONS", 1)
    person = access.person(ops)
    plan = approve(draft(ops, some(5), label="Team"), ops)
    synced.hold("PUT")
    with beside(running.run_due) as work:
        synced.wait_until_held()
        running.pause(plan, person)
        synced.release()
        work.result()
    plan.refresh_from_db()
    assert plan.state == Plan.State.PAUSED
    done = plan.changes.filter(state="applied").count()
    assert 1 <= done < 5
    assert running.run_due() == 0

    running.resume(plan, person)
    synced.hold("PUT")
    with beside(running.run_due) as work:
        synced.wait_until_held()
        running.cancel(plan, person)
        synced.release()
        work.result()
    plan.refresh_from_db()
    assert plan.state == Plan.State.CANCELLED
    assert set(states(plan)) == {"applied", "left_out"}
    assert plan.ended_at
    with pytest.raises(plans.NotAllowedError, match="ended already"):
        running.cancel(plan, person)


def test_a_scheduled_plan_runs_at_its_time_from_what_is_there_then(synced, ops, edit):
    one, two = some(2)
    wanted = {"label": "Holiday"}
    anyway = draft(ops, [one], **wanted)
    leave = draft(ops, [two], **wanted)
    approve(anyway, ops, run_at=timezone.now() + LATER, drift="anyway")
    approve(leave, ops, run_at=timezone.now() + LATER)
    edit(one, label="In between")
    edit(two, label="In between")
    synced.journal.clear()
    assert running.run_due() == 0

    with time_machine.travel(timezone.now() + LATER):
        run(anyway)
        leave.refresh_from_db()
    assert (states(anyway), states(leave)) == (["applied"], ["conflict"])
    assert anyway.changes.get().before == {"label": "In between"}
    assert synced.puts() == [(one.close_id, wanted)]


def test_what_is_so_already_is_not_sent(synced, ops, edit):
    number = some(1)[0]
    plan = approve(draft(ops, [number], label="Holiday"), ops, run_at=timezone.now() + LATER, drift="anyway")
    edit(number, label="Holiday")
    synced.journal.clear()
    with time_machine.travel(timezone.now() + LATER):
        run(plan)
    assert states(plan) == ["applied"]
    assert synced.puts() == []


def test_two_plans_over_one_number_run_one_after_the_other(synced, ops):
    number = some(1)[0]
    first, second = (approve(draft(ops, [number], label=label), ops) for label in ("One", "Two"))
    running.run_due()
    assert (states(first), states(second)) == (["applied"], ["conflict"])


def test_a_number_that_somebody_saves_comes_later(synced, ops, edit):
    number, other = some(2)
    plan = approve(draft(ops, [number, other], label="Team"), ops)
    synced.hold("PUT", f"/phone_number/{number.close_id}/")
    with beside(edit, number, label=number.label, was={"label": number.label}) as saving:
        synced.wait_until_held()
        run(plan)
        assert plan.state == Plan.State.WAITING
        assert states(plan) == ["applied", "pending"]
        synced.release()
        saving.result()
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        run(plan)
    assert states(plan) == ["applied", "applied"]


def test_rights_are_asked_again_when_it_runs(synced, ops):
    plan = approve(draft(ops, some(2), label="Team"), ops, run_at=timezone.now() + LATER)
    Access.objects.all().delete()
    with time_machine.travel(timezone.now() + LATER):
        run(plan)
    assert states(plan) == ["failed", "failed"]
    assert synced.puts() == []


def test_what_was_altered_after_the_approval_is_not_sent(synced, ops):
    plan = approve(draft(ops, some(2), label="Team"), ops)
    Change.objects.filter(pk=plan.changes.first().pk).update(after={"label": "Meddled"})
    run(plan)
    assert states(plan) == ["applied", "failed"]
    assert ("Meddled" in str(synced.puts())) is False


def test_a_plan_left_by_a_dead_worker_goes_on(synced, ops):
    """It died between two changes, and at one that it had taken without sending it."""
    plan = approve(draft(ops, some(4), label="Team"), ops)
    gone = timezone.now() - timedelta(seconds=1)
    Plan.objects.filter(pk=plan.pk).update(state=Plan.State.RUNNING, lease_until=gone)
    taken = plan.changes.first()
    Change.objects.filter(pk=taken.pk).update(
        state=Outcome.SENDING, lease_until=timezone.now() + timedelta(minutes=3)
    )
    run(plan)
    assert states(plan) == ["applied"] * 3 + ["sending"]
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        plans.sweep()
        run(plan)
    assert (plan.state, states(plan)) == (Plan.State.DONE, ["applied"] * 4)
    assert sent(synced, plan)


def test_what_a_dead_worker_had_in_hand_of_a_cancelled_plan_is_left_out(synced, ops):
    plan = approve(draft(ops, some(2), label="Team"), ops)
    Plan.objects.filter(pk=plan.pk).update(state=Plan.State.RUNNING, lease_until=timezone.now())
    taken = plan.changes.first()
    Change.objects.filter(pk=taken.pk).update(state=Outcome.SENDING, lease_until=timezone.now())
    running.cancel(plan, access.person(ops))
    assert states(plan) == ["left_out", "sending"]
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        plans.sweep()
        run(plan)
    taken.refresh_from_db()
    assert (plan.state, states(plan)) == (Plan.State.CANCELLED, ["left_out"] * 2)
    assert taken.error == "The plan was cancelled before it came to this number."
    assert synced.puts() == []


@pytest.mark.parametrize(("turn", "state"), [(running.pause, "pending"), (running.cancel, "left_out")])
def test_a_change_that_close_asks_to_wait_with_is_not_sent_once_its_plan_is_stopped(synced, ops, turn, state):
    plan = approve(draft(ops, some(1), label="Team"), ops)
    synced.fault("429", method="PUT", times=1, delay=0.01)
    synced.hold("PUT")
    with beside(running.run_due) as work:
        synced.wait_until_held()
        turn(plan, access.person(ops))
        synced.release()
        work.result()
    plans.sweep()
    assert states(plan) == [state]
    assert synced.puts(committed=True) == []


def test_two_workers_share_the_plans_and_send_nothing_twice(synced, ops):
    made = [approve(draft(ops, [number], label="Team"), ops) for number in some(6)]
    start = threading.Barrier(2)

    def work():
        start.wait()
        return running.run_due()

    with beside(work) as one, beside(work) as other:
        taken = one.result() + other.result()
    assert taken == 6
    assert {state for plan in made for state in states(plan)} == {"applied"}
    assert len(synced.puts()) == 6


def test_after_a_gap_nothing_old_is_run(synced, ops):
    old = approve(draft(ops, some(2), label="Old"), ops, run_at=timezone.now() + LATER)
    with time_machine.travel(timezone.now() + LATER):
        Connection.note(held_since=timezone.now())
        running.run_due()
        assert states(old) == ["pending", "pending"]
        fresh = approve(draft(ops, some(4)[2:], label="Fresh"), ops)
        run(fresh)
    assert states(fresh) == ["applied", "applied"]


def test_the_outcome_that_nobody_knows_is_found_out_and_ends_the_plan(synced, ops, hasty):
    plan = approve(draft(ops, some(2), label="Team"), ops)
    path = f"/phone_number/{plan.changes.first().number.close_id}/"
    synced.fault("done-before-answer", method="PUT", path=path, times=1)
    run(plan)
    plans.sweep()
    plan.refresh_from_db()
    assert plan.state == Plan.State.DONE
    assert states(plan) == ["applied", "applied"]
    assert len(synced.puts()) == 2


def test_a_row_may_come_from_anywhere(synced, ops):
    """An import, an absence and a hand-over are plans of the same kind."""
    number = PhoneNumber.objects.filter(type="internal").first()
    person = access.person(ops)
    plan = planning.propose(
        actor=person, source=Source.IMPORT, rows=[Row(number, {"inbound_ring_duration": 45})], intent=uuid4()
    )
    run(approve(plan, ops))
    assert synced.puts() == [(number.close_id, {"inbound_ring_duration": 45})]


def test_what_an_absence_begins_with_does_not_wait_for_a_long_plan(synced, ops):
    first, second = some(2)
    long = draft(ops, [first], label="Long")
    approve(long, ops)
    synced.hold("PUT", f"/phone_number/{first.close_id}/")
    with beside(running.run_due) as worker:
        synced.wait_until_held()
        begins = draft(ops, [second], source=Source.ABSENCE, label="Away")
        approve(begins, ops)
        eventually(lambda: states(begins) == ["applied"])
        assert states(long) == ["sending"]
        synced.release()
    assert worker.result() == 1
    assert states(long) == ["applied"]
