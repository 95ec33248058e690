"""Edits, changes in Close, walks, undo, faults, crashes and time, in any order: what is promised holds throughout."""

import logging
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from dashboard import access
from dashboard.close import CloseError
from dashboard.models import Change, Outcome, Pause, PhoneNumber, Plan
from dashboard.services import fields, plans, store, sync, writing
from dashboard.simulator import Organisation

from .mortal import STEPS

VALUES = {
    "label": st.sampled_from(["", "Sales", "Support", "Nights"]),
    "forward_to": st.sampled_from(["+16285550190", "+16285550191"]),
    "inbound_ring_duration": st.sampled_from([15, 30, 90]),
}
FAULTS = [
    "400",
    "404",
    "500",
    "no-answer",
    "half-answer",
    "done-before-answer",
    "done-later",
    "429",
    "saves-capitals",
]

numbers = st.integers(0, 1)
some_fields = st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=2, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: VALUES[name] for name in names})
)
shown_fields = st.sets(st.sampled_from(sorted(VALUES)), max_size=2)
faults = st.none() | st.sampled_from(FAULTS)
deaths = st.none() | st.none() | st.sampled_from(STEPS)


@pytest.fixture
def organisation():
    return Organisation.make(numbers=6, members=4, groups=1, seed=3)


class Killed(BaseException):
    """The process is gone: nothing of the engine catches this, and the rows stay as they are."""


class Killer(logging.Handler):
    """Ends whatever the engine is doing at the step of this name."""

    step = None

    def emit(self, record):
        if self.step and record.getMessage().endswith(f": {self.step}"):
            raise Killed


class Days(RuleBasedStateMachine):
    """What people, Close and accidents do to two numbers."""

    editors = Bundle("editors")
    saved = Bundle("saved")

    def __init__(self, sim, ops):
        super().__init__()
        self.sim, self.person = sim, access.person(ops)
        self.killer = Killer()
        self.log = logging.getLogger(writing.__name__)
        self.log.addHandler(self.killer)
        self.clock = time_machine.travel(timezone.now(), tick=True)
        self.time = self.clock.start()
        sim.reset()
        Change.objects.update(undoes=None)
        for model in (Change, Plan, PhoneNumber, Pause):
            model.objects.all().delete()
        sync.sync()
        self.ids = [id for id, raw in sim.organisation.numbers.items() if raw["type"] == "internal"][:2]
        self.first = {id: fields.said(self.parsed(id)) for id in self.ids}
        self.ended = {}
        self.allowed = 0
        self.sim.journal.clear()

    def teardown(self):
        try:
            self.after_all()
        finally:
            self.log.removeHandler(self.killer)
            self.clock.stop()

    def parsed(self, id):
        return store.PhoneNumberRecord.parse(self.sim.organisation.numbers[id])

    def row(self, place):
        return PhoneNumber.objects.select_related("answer").get(close_id=self.ids[place])

    def here(self, place):
        return self.ids[place] in self.sim.organisation.texts

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
        if fault:
            self.sim.fault(fault, method="PUT", times=1, delay=0.0 if fault == "429" else None)
        self.killer.step = dies_at
        try:
            change = work()
        except (Killed, plans.NotAllowedError):
            change = Change.objects.exclude(pk__in=known).exclude(state=Outcome.OBSERVED).first()
        finally:
            self.killer.step = None
            self.sim.clear_faults()
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

    # --- Close ------------------------------------------------------------------------------------

    @rule(place=numbers, values=some_fields | st.sampled_from([{"label": None}, {"inbound_ring_duration": None}]))
    def change_it_in_close(self, place, values):
        if self.here(place):
            self.sim.change_as_somebody_else(self.ids[place], **values)

    @rule(place=numbers)
    def release_it_or_bring_it_back(self, place):
        (self.sim.hide if self.here(place) else self.sim.show)(self.ids[place])

    @rule()
    def close_does_what_it_put_off(self):
        self.sim.do_later()

    # --- the house --------------------------------------------------------------------------------

    @rule()
    def walk(self):
        sync.sync()
        self.cache_is_true()

    @rule(place=numbers)
    def refresh_one(self, place):
        try:
            sync.refresh_number(number=self.row(place))
        except CloseError:
            assert not self.here(place)

    @rule()
    def sweep(self):
        plans.sweep()

    @rule()
    def time_passes(self):
        self.time.shift(timedelta(minutes=5))

    # --- what holds -------------------------------------------------------------------------------

    @invariant()
    def an_outcome_stays(self):
        """Each change ends once, and what happened is not rewritten."""
        for change in Change.objects.exclude(state__in=["pending", "sending", "unknown"]):
            said = (change.state, change.error_kind, change.answer, change.found, change.finished_at)
            assert self.ended.setdefault(change.pk, said) == said

    @invariant()
    def no_intent_is_sent_twice(self):
        sent = [entry for entry in self.sim.journal if entry.method == "PUT" and entry.status != 429]
        assert len(sent) <= self.allowed

    def cache_is_true(self):
        for number in PhoneNumber.objects.select_related("answer"):
            if number.close_id in self.sim.organisation.texts:
                assert number.raw == self.sim.organisation.numbers[number.close_id]
                assert number.missing_since is None

    def after_all(self):
        """Things calm down: then everything is settled, the cache is true, and the history tells how it came."""
        self.sim.do_later()
        self.time.shift(timedelta(minutes=5))
        plans.sweep()
        sync.sync()
        sync.sync()
        self.cache_is_true()
        self.an_outcome_stays()
        assert not Change.objects.filter(state__in=["pending", "sending", "unknown"]).exists()
        assert not Plan.objects.exclude(state=Plan.State.DONE).exists()
        for place, id in enumerate(self.ids):
            assert bool(self.row(place).missing_since) != self.here(place)
            if self.here(place):
                self.history_leads_to_now(id)

    def history_leads_to_now(self, id):
        values, present = dict(self.first[id]), fields.said(self.parsed(id))
        history = Change.objects.filter(number__close_id=id, state__in=[Outcome.APPLIED, Outcome.OBSERVED])
        for change in history.order_by("finished_at", "pk"):
            values |= change.after if change.answer is None else change.answer
        assert not fields.differing(values, present)


def test_whatever_happens_in_any_order(synced, ops, hasty):
    run_state_machine_as_test(
        lambda: Days(synced, ops),
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
