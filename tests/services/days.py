"""What the tests of any order share: some numbers in Close, accidents at any step, and what always holds."""

import logging
from contextlib import contextmanager
from datetime import timedelta

import time_machine
from django.db import connection
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dashboard import access
from dashboard.close import CloseError
from dashboard.models import (
    Absence,
    Adjustment,
    Change,
    Connection,
    Counter,
    Event,
    Holding,
    Notice,
    Occurrence,
    Pause,
    PhoneNumber,
    Plan,
)
from dashboard.models.events import COUNTER as HISTORY
from dashboard.models.events import Kind
from dashboard.models.plans import OPEN
from dashboard.services import events, fields, plans, store, sync, writing

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
STORED = (Notice, Adjustment, Holding, Occurrence, Absence, Event, Change, Plan, PhoneNumber, Pause)
CALM = timedelta(minutes=5)


def some_of(values):
    """One or two of these fields, each with one of its values."""
    names = st.lists(st.sampled_from(sorted(values)), min_size=1, max_size=2, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: values[name] for name in chosen}))


numbers = st.integers(0, 1)
some_fields = some_of(VALUES)
faults = st.none() | st.sampled_from(FAULTS)
deaths = st.none() | st.none() | st.sampled_from(STEPS)


class Killed(BaseException):
    """The process is gone: nothing of the engine catches this, and the rows stay as they are."""


class Killer(logging.Handler):
    """Ends whatever the engine is doing at the step of this name, or at so many statements to the database."""

    step = None

    def noted(self, pk):
        """Called with each change that is about to be sent."""

    def emit(self, record):
        if record.getMessage().endswith(": noted as sent"):
            self.noted(record.args[0])
        if self.step and record.getMessage().endswith(f": {self.step}"):
            raise Killed

    @contextmanager
    def waits(self, step):
        """While this work goes on it is killed at `step`, the name of one or a count of statements."""
        self.step = None if isinstance(step, int) else step
        left = step if isinstance(step, int) else 0

        def count(execute, sql, params, many, context):
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed
            return execute(sql, params, many, context)

        try:
            with connection.execute_wrapper(count):
                yield
        except Killed:
            pass
        finally:
            self.step = None


class World(RuleBasedStateMachine):
    """Two numbers in Close, somebody who changes them there, walks over them, and time.

    `begins`: the first moment.
    """

    def __init__(self, sim, ops, begins):
        super().__init__()
        self.sim, self.user, self.person = sim, ops, access.person(ops)
        self.killer = Killer()
        self.log = logging.getLogger(writing.__name__)
        self.log.addHandler(self.killer)
        self.log.setLevel(logging.DEBUG)
        self.log.propagate = False
        self.clock = time_machine.travel(begins, tick=True)
        self.time = self.clock.start()
        sim.reset()
        Change.objects.update(undoes=None)
        Plan.objects.update(undoes=None, retries=None)
        for model in STORED:
            model.objects.all().delete()
        Counter.objects.filter(name=HISTORY).delete()
        Connection.note(held_since=None, held_why="", worker_seen_at=None)
        self.ids = [id for id, raw in sim.organisation.numbers.items() if raw["type"] == "internal"][:2]
        self.prepare()
        sync.sync()
        self.first = {id: fields.said(self.parsed(id)) for id in self.ids}
        self.ended = {}
        self.sim.journal.clear()

    def prepare(self):
        """Bring Close to where it shall be before the first walk."""

    def teardown(self):
        try:
            self.after_all()
        finally:
            self.log.removeHandler(self.killer)
            self.log.setLevel(logging.NOTSET)
            self.log.propagate = True
            self.clock.stop()

    def parsed(self, id):
        return store.PhoneNumberRecord.parse(self.sim.organisation.numbers[id])

    def row(self, place):
        return PhoneNumber.objects.select_related("answer").get(close_id=self.ids[place])

    def here(self, place):
        return self.ids[place] in self.sim.organisation.texts

    @contextmanager
    def accident(self, fault, dies_at, *, method="PUT", times=1):
        """Close has this fault meanwhile, and the process dies at this step; either may be None."""
        if fault:
            self.sim.fault(fault, method=method, times=times, delay=0.0 if fault == "429" else None)
        try:
            with self.killer.waits(dies_at):
                yield
        finally:
            self.sim.clear_faults()

    # --- Close ------------------------------------------------------------------------------------

    @rule(place=numbers, values=some_fields | st.sampled_from([{"label": None}, {"inbound_ring_duration": None}]))
    def change_it_in_close(self, place, values):
        if self.here(place):
            self.sim.change_as_somebody_else(self.ids[place], **values)

    @rule(place=numbers)
    def release_it_or_bring_it_back(self, place):
        (self.sim.hide if self.here(place) else self.sim.show)(self.ids[place])

    def walk(self):
        sync.sync()
        self.cache_is_true()

    @rule(place=numbers)
    def refresh_one(self, place):
        try:
            sync.refresh_number(number=self.row(place))
        except CloseError:
            assert not self.here(place)

    # --- what holds -------------------------------------------------------------------------------

    @invariant()
    def an_outcome_stays(self):
        """Each change ends once, and what happened is not rewritten."""
        for change in Change.objects.exclude(state__in=["planned", *OPEN]):
            said = (change.state, change.error_kind, change.answer, change.found, change.finished_at)
            assert self.ended.setdefault(change.pk, said) == said

    def cache_is_true(self):
        for number in PhoneNumber.objects.select_related("answer"):
            if number.close_id in self.sim.organisation.texts:
                assert number.raw == self.sim.organisation.numbers[number.close_id]
                assert number.missing_since is None

    def after_all(self):
        """Things calm down: then everything is settled, the cache is true, and the history tells how it came."""
        self.sim.do_later()
        self.time.shift(CALM)
        plans.sweep()
        sync.sync()
        sync.sync()
        self.cache_is_true()
        self.an_outcome_stays()
        assert not Change.objects.filter(state__in=OPEN).exists()
        events.verify()
        recorded = Event.objects.filter(kind=Kind.CHANGE).count()
        assert recorded == Change.objects.exclude(state__in=["planned", "left_out"]).count()
        for place, id in enumerate(self.ids):
            assert bool(self.row(place).missing_since) != self.here(place)
            if self.here(place):
                self.history_leads_to_now(id)

    def history_leads_to_now(self, id):
        values, present = dict(self.first[id]), fields.said(self.parsed(id))
        history = Change.objects.filter(number__close_id=id, state__in=["applied", "observed"])
        for change in history.order_by("finished_at", "pk"):
            values |= change.after if change.answer is None else change.answer
        assert not fields.differing(values, present)
