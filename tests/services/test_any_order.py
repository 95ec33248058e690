"""Edits, changes in Close, walks, undo, faults, crashes and time, in any order: what is promised holds throughout."""

from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, consumes, invariant, rule, run_state_machine_as_test

from dashboard.models import Change, Outcome, Plan
from dashboard.services import fields, plans, store
from dashboard.simulator import Organisation

from .days import VALUES, World, deaths, faults, numbers, some_fields

shown_fields = st.sets(st.sampled_from(sorted(VALUES)), max_size=2)


@pytest.fixture
def organisation():
    return Organisation.make(numbers=6, members=4, groups=1, seed=3)


class Days(World):
    """What people, Close and accidents do to two numbers."""

    editors = Bundle("editors")
    saved = Bundle("saved")

    def __init__(self, sim, ops):
        super().__init__(sim, ops, timezone.now())
        self.allowed = 0

    # --- people -----------------------------------------------------------------------------------

    @rule(target=editors, place=numbers, after=some_fields, also=shown_fields)
    def open_an_editor(self, place, after, also):
        number = self.row(place)
        was = {name: number.raw.get(name) for name in {*after, *also}}
        return {"number": number, "after": after, "was": was, "intent": uuid4()}

    @rule(target=saved, editor=editors, fault=faults, dies_at=deaths)
    def save(self, editor, fault, dies_at):
        return self.do(lambda: plans.change_number(actor=self.person, **editor), editor["number"], fault, dies_at)

    @rule(target=saved, place=numbers, after=some_fields, fault=faults, dies_at=deaths)
    def edit(self, place, after, fault, dies_at):
        return self.save(self.open_an_editor(place, after, set()), fault, dies_at)

    @rule(target=saved, change=saved, fault=faults, dies_at=deaths)
    def undo(self, change, fault, dies_at):
        if change is None:
            return None
        change, intent = Change.objects.select_related("number").get(pk=change.pk), uuid4()
        return self.do(
            lambda: plans.undo(actor=self.person, change=change, intent=intent), change.number, fault, dies_at
        )

    def do(self, work, number, fault, dies_at):
        """Let the engine work, with an accident or without; whatever it sends is allowed by what it had shown."""
        before = (
            self.sim.organisation.numbers[number.close_id] if number.close_id in self.sim.organisation.texts else {}
        )
        known = {change.pk for change in Change.objects.all()}
        committed = len(self.sim.puts(committed=True))
        change = None
        with self.accident(fault, dies_at), suppress(plans.NotAllowedError):
            change = work()
        if change is None:
            change = Change.objects.exclude(pk__in=known).exclude(state=Outcome.OBSERVED).first()
        if change and change.pk not in known:
            self.allowed += 1
            if len(self.sim.puts(committed=True)) > committed:
                held = fields.said(store.PhoneNumberRecord.parse(before))
                assert not fields.differing(change.before | change.shown, held)
        return change

    @rule(editor=editors)
    def submit_the_same_form_again(self, editor):
        """At once or days later: it never makes a second change."""
        if first := Change.objects.filter(plan__intent=editor["intent"]).first():
            if not (first.is_final or first.state == Outcome.UNKNOWN):
                return
            assert plans.change_number(actor=self.person, **editor).pk == first.pk

    @rule(editor=consumes(editors))
    def close_an_editor(self, editor):
        pass

    @rule()
    def close_does_what_it_put_off(self):
        self.sim.do_later()

    @rule()
    def walk_over_all(self):
        self.walk()

    @rule()
    def sweep(self):
        plans.sweep()

    @rule()
    def time_passes(self):
        self.time.shift(timedelta(minutes=5))

    # --- what holds -------------------------------------------------------------------------------

    @invariant()
    def no_intent_is_sent_twice(self):
        sent = [entry for entry in self.sim.journal if entry.method == "PUT" and entry.status != 429]
        assert len(sent) <= self.allowed

    def after_all(self):
        super().after_all()
        assert not Plan.objects.exclude(state=Plan.State.DONE).exists()


def test_whatever_happens_in_any_order(synced, ops, hasty):
    run_state_machine_as_test(
        lambda: Days(synced, ops),
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
