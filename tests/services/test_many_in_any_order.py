"""Plans, absences, changes in Close, faults, crashes and jumps of the clock, in any order: what is promised holds."""

from contextlib import suppress
from datetime import time, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, precondition, rule, run_state_machine_as_test

from dashboard.models import Absence, Change, Drift, Hold, Holding, Occurrence, Outcome, Plan
from dashboard.services import absence_editing, absences, holdings, plans, replanning, running
from dashboard.simulator import Organisation

from . import planned
from .days import numbers, some_fields
from .weeks import BERLIN, Weeks, accidents, away, in_one_thread, moments

__all__ = ["in_one_thread"]

places = st.just({0, 1}) | st.sets(numbers, min_size=1)
answers = st.sampled_from(list(Hold))
# In how many hours, and what somebody does when the first change leaves.
times, turns = st.sampled_from([None, None, 1, 10, 30]), st.sampled_from([None, None, running.pause, running.cancel])
approvals = st.tuples(times, st.sampled_from(list(Drift)), answers, turns)


def something_is_held(_):
    return Holding.objects.filter(state=Holding.State.HELD).exists()


@pytest.fixture
def organisation():
    return Organisation.make(numbers=6, members=4, groups=1, seed=3)


class ManyHands(Weeks):
    """What sales ops do with plans and absences meanwhile."""

    def __init__(self, sim, ops):
        self.turns = {}
        super().__init__(sim, ops)

    drafts = Bundle("drafts")
    absent = Bundle("absent")
    count = 0

    def noted_as_sent(self, pk):
        """Perhaps somebody stops the plan at this very moment; then this change is its last."""
        super().noted_as_sent(pk)
        plan = Change.objects.get(pk=pk).plan
        if turn := self.turns.pop(plan.pk, None):
            turn(plan, self.person)
            self.stopped.add(plan.pk)

    def after_all(self):
        self.turns.clear()
        super().after_all()

    # --- plans --------------------------------------------------------------------------------------

    @rule(target=drafts, places=places, after=some_fields, how=approvals, accident=accidents, then=moments)
    def plan(self, places, after, how, accident, then):
        plan = planned.draft(self.user, [self.row(place) for place in places], **after)
        self.approve(plan, how, accident, then)
        return plan

    @rule(
        target=drafts,
        draft=drafts,
        again=st.sampled_from([replanning.try_again, replanning.take_back]),
        how=approvals,
        accident=accidents,
        then=moments,
    )
    def make_another_of_it(self, draft, again, how, accident, then):
        try:
            plan = again(Plan.objects.get(pk=draft.pk), self.person, intent=uuid4())
        except plans.NotAllowedError:
            return draft
        self.approve(plan, how, accident, then)
        return plan

    @rule(draft=drafts, how=approvals, accident=accidents, then=moments)
    def approve(self, draft, how, accident, then):
        """Now or later; perhaps once more, from another tab: it runs once."""
        hours, drift, hold, self.turns[draft.pk] = how
        plan = Plan.objects.get(pk=draft.pk)
        was, run_at = plan.state, timezone.now() + timedelta(hours=hours) if hours else None
        with self.accident(None, accident[1]), suppress(plans.NotAllowedError):
            planned.approve(plan, self.user, run_at=run_at, drift=drift, hold=hold)
            assert was == Plan.State.DRAFT
        self.go_on(then, accident)

    @rule(draft=drafts, turn=st.sampled_from([running.pause, running.resume, running.cancel]), then=moments)
    def turn(self, draft, turn, then):
        with suppress(plans.NotAllowedError):
            turn(Plan.objects.get(pk=draft.pk), self.person)
            (self.stopped.discard if turn == running.resume else self.stopped.add)(draft.pk)
        self.go_on(then)

    # --- absences -----------------------------------------------------------------------------------

    def wanted(self, kind, hours):
        """An absence that begins in an hour and lasts some; or one of each night; or of a time that may not exist."""
        begins = timezone.now().astimezone(BERLIN) + timedelta(hours=1)
        facts = {
            "once": self.until(begins, hours) | {"start_time": begins.time()},
            "nights": {"start_time": time(22), "end_time": time(7), "end_days": 1},
            "odd": {"start_time": time(2, 30), "end_time": time(3, 15)},
            "seamless": {"start_time": begins.time(), "end_time": begins.time(), "end_days": 1},
        }[kind]
        if kind != "once":
            facts |= {"repeats": "weekdays", "weekdays": list(range(7))}
        return Absence(name=f"Absence {self.count}", zone="Europe/Berlin", first_day=begins.date(), **facts)

    def until(self, begins, hours):
        ends = begins + timedelta(hours=hours)
        return {"end_time": ends.time(), "end_days": (ends.date() - begins.date()).days}

    @rule(
        target=absent,
        places=places,
        sets=away,
        kind=st.sampled_from(["once", "once", "nights", "odd", "seamless"]),
        hours=st.sampled_from([2, 20, 60]),
        accident=accidents,
        then=moments,
    )
    def be_absent(self, places, sets, kind, hours, accident, then):
        self.count += 1
        numbers, absence = [self.row(place) for place in places], self.wanted(kind, hours)
        with suppress(plans.NotAllowedError):
            absences.make(actor=self.person, absence=absence, numbers=numbers, sets=sets, typed=str(len(numbers)))
        self.go_on(then, accident)
        return absence

    @rule(absence=absent, places=places, sets=away, hours=st.sampled_from([2, 20]), then=moments)
    def change_an_absence(self, absence, places, sets, hours, then):
        if absence.pk is None:
            return
        absence, wanted = (Absence.objects.get(pk=absence.pk) for _ in range(2))
        if absence.repeats == Absence.Repeats.ONCE:
            now = timezone.now().astimezone(BERLIN)
            wanted.end_time = (now + timedelta(hours=hours)).time()
            wanted.end_days = ((now + timedelta(hours=hours)).date() - absence.first_day).days
        numbers = [self.row(place) for place in places]
        with suppress(plans.NotAllowedError):
            absence_editing.edit(
                actor=self.person, absence=absence, wanted=wanted, numbers=numbers, sets=sets, typed=str(len(numbers))
            )
        self.go_on(then)

    @precondition(lambda self: Occurrence.objects.filter(start_plan__isnull=False).exists())
    @rule(ends=st.booleans(), accident=accidents, then=moments)
    def let_an_absence_try_again(self, ends, accident, then):
        """What the last one could not do, at its beginning or its end."""
        one = Occurrence.objects.filter(start_plan__isnull=False).latest("starts_at")
        if plan := one.end_plan if ends else one.start_plan:
            with suppress(plans.NotAllowedError):
                replanning.try_again(plan, self.person, intent=uuid4())
        self.go_on(then, accident)

    @rule(absence=absent, then=moments)
    def stop_an_absence(self, absence, then):
        if absence.pk is not None:
            with suppress(plans.NotAllowedError):
                absences.stop(Absence.objects.get(pk=absence.pk), self.person)
        self.go_on(then)

    @precondition(something_is_held)
    @rule(values=away, fault=st.sampled_from([None, "400"]), then=moments)
    def stop_what_cannot_go_back(self, values, fault, then):
        """Close refuses what was there before, or somebody changes it there at the last moment."""
        held = Holding.objects.filter(state=Holding.State.HELD).select_related("number", "occurrence__absence")[0]
        with suppress(plans.NotAllowedError):
            absences.stop(held.occurrence.absence, self.person)
        meanwhile = None if fault else (self.ids.index(held.number.close_id), values)
        self.go_on(then, (fault, None, meanwhile), times=None)

    @precondition(something_is_held)
    @rule(place=numbers, sets=away, hold=answers, then=moments)
    def edit_a_field_that_may_be_held(self, place, sets, hold, then):
        """As the editor asks: until the absence ends, or for good."""
        number = self.row(place)
        held = {one.field for one in holdings.of_number(number, sets)}
        was = {name: number.raw.get(name) for name in sets}
        with suppress(plans.NotAllowedError):
            facts = {"number": number, "after": sets, "was": was, "hold": hold, "intent": uuid4()}
            if plans.change_number(actor=self.person, **facts).state == Outcome.APPLIED:
                kept = held if hold == Hold.UNTIL else set()
                self.base[number.close_id] |= {name: sets[name] for name in set(sets) - kept}
        self.go_on(then)


# Whoever is killed closes no cursor.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_whatever_happens_to_many_in_any_order(synced, ops, hasty, in_one_thread):
    run_state_machine_as_test(
        lambda: ManyHands(synced, ops),
        settings=settings(
            max_examples=14,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
