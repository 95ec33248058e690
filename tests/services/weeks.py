"""Some days in the life of two numbers: the worker and its clock at work, accidents, and what is promised throughout.

The worker does its beats as `manage.py worker` does them, but all in one thread, so that a crash ends all of it.
"""

import json
import threading
from collections import Counter
from contextlib import suppress
from datetime import datetime, time, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.db.models import Q
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from dashboard.models import Absence, Change, Connection, Drift, Holding, Notice, Occurrence, Outcome, Plan
from dashboard.services import (
    absence_clock,
    absence_holds,
    absences,
    deciding,
    fields,
    health,
    holding,
    plans,
    running,
)
from dashboard.services import connection as connections

from .days import FAULTS, STEPS, World, numbers, some_fields, some_of

BERLIN = ZoneInfo("Europe/Berlin")
# A Friday noon; in the night to Sunday the clocks go forward from 2:00 to 3:00.
FRIDAY = datetime(2027, 3, 26, 12, 0, tzinfo=BERLIN)
ABSENT = {
    "forward_to": st.sampled_from(["+4917604069180", "+4917604069181"]),
    "inbound_ring_duration": st.sampled_from([20, 60]),
    "press_1_to_accept": st.booleans(),
}
FINAL_PLANS = (Plan.State.DONE, Plan.State.CANCELLED, Plan.State.DRAFT)
OVER = (Occurrence.State.OVER, Occurrence.State.SKIPPED, Occurrence.State.STOPPED)
# After each step so much time passes, and then the worker has a beat, if there is any time at all.
moments = st.sampled_from([0, 2, 16, 60, 60, 61, 5 * 60, 11 * 60])
away = some_of(ABSENT)
# A fault of Close, the step at which the process dies, and what somebody changes in Close before the worker works.
accidents = st.tuples(
    st.none() | st.sampled_from(FAULTS) | st.just("503"),
    st.none() | st.sampled_from(STEPS) | st.integers(1, 120),
    st.none() | st.tuples(numbers, some_fields | away),
)


class AtOnce:
    """A thread whose work is done where it is started."""

    def __init__(self, *, target, name, daemon):
        self.start = target

    def is_alive(self):
        return False


@pytest.fixture
def in_one_thread(monkeypatch):
    there = SimpleNamespace(Thread=AtOnce, Lock=threading.Lock, Event=threading.Event)
    monkeypatch.setattr(running, "threading", there)


class Weeks(World):
    """What accidents, the worker and the clock do to two numbers over some days, and what is promised."""

    def __init__(self, sim, ops):
        self.wrong, self.sent, self.stopped, self.back = [], Counter(), set(), set()
        super().__init__(sim, ops, FRIDAY)
        self.killer.noted = self.noted_as_sent
        self.base = {id: dict(self.first[id]) for id in self.ids}
        self.touched = {id: set() for id in self.ids}

    def prepare(self):
        known = {"label": "Desk", "forward_to": "+16285550100", "forward_to_enabled": True}
        for id in self.ids:
            self.sim.organisation.change(id, {**known, "inbound_ring_duration": 30, "press_1_to_accept": False})

    # --- the last moment before something leaves for Close ------------------------------------------

    def noted_as_sent(self, pk):
        """Whatever is about to be sent was approved, is still wanted, and takes nothing away from anybody."""
        change = Change.objects.select_related("plan", "number").get(pk=pk)
        plan, here = change.plan, Connection.load()
        anyway = plan.reads_before_again and plan.drift == Drift.ANYWAY
        was = change.before if anyway else change.before | change.shown
        if fields.differing(was, fields.said(self.parsed(change.number.close_id))):
            self.wrong.append(f"{change} overwrites what somebody has changed")
        if plan.background and plan.state not in (Plan.State.RUNNING, Plan.State.APPROVED):
            self.wrong.append(f"{change} is sent while its plan is {plan.state}")
        if plan.background and plan.run_at and plan.run_at > timezone.now():
            self.wrong.append(f"{change} is sent before its time")
        since = here.held_since
        if since and plan.background and max(plan.approved_at, plan.let_go_at or plan.approved_at) < since:
            self.wrong.append(f"{change} is sent while what was due is held")
        ours = Q(start_plan=plan) | Q(end_plan=plan) | Q(adjustments__plan=plan)
        if since and Occurrence.objects.filter(ours).exclude(let_go_at__gte=since).exists():
            self.wrong.append(f"{change} is sent while its absence is held")
        if plan.pk in self.stopped:
            self.wrong.append(f"{change} is sent though somebody has stopped its plan")
        if connections.why_no_write(here):
            self.wrong.append(f"{change} is sent while nothing may be")
        self.sent[change.number.close_id, json.dumps(fields.for_close(change.after), sort_keys=True)] += 1
        if plan.source not in ("absence", "inline"):
            self.touched[change.number.close_id] |= set(change.after)

    # --- the worker and the clock -------------------------------------------------------------------

    @rule(
        then=moments,
        accident=accidents,
        times=st.sampled_from([1, None]),
        on=st.sampled_from(["PUT", "GET"]),
        walks=st.booleans(),
    )
    def go_on(self, then, accident=(None, None, None), times=1, on="PUT", walks=False):
        """Time passes, then the worker does what is due, perhaps with a fault of Close's, perhaps until it dies."""
        if not then:
            return
        self.pass_by(timedelta(minutes=then))
        fault, dies_at, elsewhere = accident
        if elsewhere:
            self.change_it_in_close(*elsewhere)
        method = on if fault in ("503", "500", "no-answer") else "PUT"
        with self.accident(fault, dies_at, method=method, times=times):
            holding.look()
            health.worker_lives()
            plans.sweep()
            absence_clock.tick()
            running.run_due()
            absence_clock.tick()
        if walks:
            self.walk()

    @rule(hours=st.sampled_from([13, 40]), then=moments)
    def nobody_works_for_long(self, hours, then):
        self.pass_by(timedelta(hours=hours))
        self.go_on(then)

    def went_back(self, one):
        """Whether this field really has its former value again, or had since the absence has set it."""
        at = one.occurrence.start_plan.approved_at
        made = Change.objects.filter(number=one.number_id, state__in=["applied", "observed"], finished_at__gte=at)
        values = [change.after | (change.answer or {}) for change in made]
        return any(fields.same(one.field, each.get(one.field, one.value), one.former) for each in values)

    def pass_by(self, delta):
        # What Close has put off it does within a minute.
        self.sim.do_later()
        self.time.shift(delta)

    @precondition(lambda self: Connection.load().held_since)
    @rule(then=moments, decides=st.sampled_from([deciding.run_all, deciding.run_all, deciding.drop_all]))
    def an_ops_admin_has_looked(self, then, decides):
        if decides == deciding.drop_all:
            # What an absence has set stays then, also what it has not noted yet.
            for one in Occurrence.objects.filter(state=Occurrence.State.ON):
                absence_holds.note(one)
            for one in Holding.objects.filter(state=Holding.State.HELD).select_related("number"):
                self.touched[one.number.close_id].add(one.field)
        with suppress(plans.NotAllowedError):
            decides(self.person)
        self.go_on(then)

    @precondition(lambda self: Plan.objects.filter(state__in=holding.OPEN, background=True).exists())
    @rule(then=moments)
    def writes_are_stopped_for_a_while(self, then):
        connections.stop_writes(actor=self.person)
        self.go_on(then)
        connections.start_writes(actor=self.person)

    @rule(place=numbers, values=some_fields | away)
    def change_it_in_close(self, place, values):
        if self.here(place):
            id = self.ids[place]
            held = Holding.objects.filter(number__close_id=id, state=Holding.State.HELD)
            # Who sets what the absence has set has not changed it, as far as anybody can tell.
            self.touched[id] |= {one.field for one in held if values.get(one.field) == one.value}
            self.base[id] |= values
            self.sim.change_as_somebody_else(id, **values)

    @rule(place=st.just(1))
    def release_it_or_bring_it_back(self, place):
        self.touched[self.ids[place]] |= set(fields.FOLLOWED)
        super().release_it_or_bring_it_back(place)

    # --- what holds ---------------------------------------------------------------------------------

    @invariant()
    def nothing_was_sent_that_should_not_be(self):
        assert self.wrong == []

    @invariant()
    def each_request_was_intended_and_none_is_sent_twice(self):
        puts = [entry for entry in self.sim.journal if entry.method == "PUT"]
        sent = Counter((entry.path.split("/")[2], json.dumps(entry.body, sort_keys=True)) for entry in puts)
        assert sent <= self.sent
        once = Change.objects.filter(sent_at__isnull=False).count()
        assert sum(entry.status != 429 for entry in puts) <= once

    @invariant()
    def what_was_taken_back_is_as_it_was(self):
        for change in Change.objects.filter(state=Outcome.APPLIED, undoes__isnull=False).select_related("undoes"):
            assert not fields.differing(change.undoes.before, change.answer or change.after, change.after)

    @invariant()
    def what_counts_as_back_is_back(self):
        back = Holding.objects.filter(state=Holding.State.RETURNED).exclude(pk__in=self.back)
        for one in back.select_related("occurrence__start_plan"):
            assert self.went_back(one), one.field
            self.back.add(one.pk)

    @invariant()
    def a_day_ends_at_its_local_time(self):
        for one in Occurrence.objects.filter(absence__end_time=time(7), absence__stopped_at=None):
            assert one.ends_at.astimezone(BERLIN).time() == time(7)
            assert one.starts_at < one.ends_at

    def after_all(self):
        """Everybody gets what they wait for; absences end, and then nothing is left of them."""
        self.wait_until_quiet()
        super().after_all()
        assert not Plan.objects.exclude(state__in=FINAL_PLANS).exists()
        assert not Occurrence.objects.exclude(state__in=OVER).exists()
        assert not Holding.objects.filter(state=Holding.State.HELD).exists()
        for one in Occurrence.objects.filter(state=Occurrence.State.OVER).exclude(words__contains="dropped"):
            assert Notice.objects.filter(words__startswith=f"“{one.absence.name}” is over.").exists()
        for place, id in enumerate(self.ids):
            if self.here(place):
                names = set(self.base[id]) & set(ABSENT) - self.touched[id] - self.not_put_back(id)
                assert not fields.differing(self.base[id], fields.said(self.parsed(id)), names), (place, names)
        self.nothing_was_sent_that_should_not_be()
        self.each_request_was_intended_and_none_is_sent_twice()
        self.what_was_taken_back_is_as_it_was()

    def not_put_back(self, id):
        """The fields that Close did not take back; whose end it was was told so."""
        ends = Change.objects.filter(number__close_id=id, plan__source="absence", plan__undoes__isnull=False)
        failed = ends.filter(state__in=["refused", "failed"]).exclude(absence_holds.PASSES)
        return {name for change in failed for name in change.after}

    def wait_until_quiet(self):
        for plan in Plan.objects.filter(state=Plan.State.PAUSED):
            running.resume(plan, self.person)
            self.stopped.discard(plan.pk)
        for absence in Absence.objects.filter(stopped_at__isnull=True):
            absences.stop(absence, self.person)
        for hours in (1, 30, 1):
            self.go_on(60 * hours)
            deciding.run_all(self.person)
            self.go_on(4)
