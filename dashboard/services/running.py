"""Plans at work: the worker takes what is due and applies it number by number, as fast as Close's limits allow.

The truth is in the rows: a worker that is killed loses nothing, since its lease on the plan runs out, and each change
has a life of its own (services/writing.py). Several workers may run; each plan is one worker's at a time.
"""

import logging
import threading
from collections import deque
from datetime import timedelta

from django.db import connection as database
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from dashboard import access
from dashboard.access import Person
from dashboard.models import Change, Connection, Outcome, Plan, Source
from dashboard.services import connection as connections
from dashboard.services import holding, settling, writing
from dashboard.services.plans import NotAllowedError

log = logging.getLogger(__name__)

CONNECTIONS = 4
LEASE = timedelta(seconds=60)
LOOK_EVERY = 0.5
# So many changes in a row to which Close gave no usable answer: then the plan waits, and nothing is used up.
FAILURES = 3
WAIT = timedelta(minutes=1)
# What stops the whole plan at once, since it would stop every change of it.
STOPS = ("held", "refused_key", "other_organisation", "rate_limited")
# What can be stopped for now.
GOING = (Plan.State.APPROVED, Plan.State.RUNNING, Plan.State.WAITING)
# A number that somebody else is saving comes last; after so many rounds it waits for the next minute.
ROUNDS = 3


def due() -> Q:
    """Which plans may run now: approved ones whose time has come, waiting ones, and those that a worker left."""
    now = timezone.now()
    ready = Q(state=Plan.State.APPROVED) & (Q(run_at__isnull=True) | Q(run_at__lte=now))
    waited = Q(state=Plan.State.WAITING, waits_until__lte=now)
    # Whoever ran it is gone; or all that was left were changes of a worker that is gone, and they are back.
    pending = Change.objects.filter(plan=OuterRef("pk"), state=Outcome.PENDING)
    left = Q(state=Plan.State.RUNNING) & (Q(lease_until__lt=now) | Q(Exists(pending), lease_until__isnull=True))
    return Q(background=True) & (ready | waited | left)


def is_due() -> bool:
    """Whether there is a plan that may run now."""
    return _takeable().exists()


def run_due() -> int:
    """Run every plan that is due, one after another, absences first, then the oldest; how many were taken."""
    taken = _run_absences()
    while (plan := _take(Q())) is not None:
        _Run(plan).go()
        taken += 1 + _run_absences()
    return taken


def _run_absences() -> int:
    """Run what absences begin and end with; how many plans were taken."""
    taken = 0
    while (plan := _take(Q(source=Source.ABSENCE))) is not None:
        taken += 1
        _Run(plan).go()
    return taken


def _takeable() -> QuerySet[Plan]:
    """The plans that are due, without those that nobody has looked at since a gap (promise P9)."""
    return Plan.objects.filter(due()).exclude(pk__in=holding.held_plans(Connection.load()).values("pk"))


def _take(which: Q) -> Plan | None:
    """Take the next of these plans that is due for this worker."""
    for plan in _takeable().filter(which).order_by("approved_at", "pk"):
        now = timezone.now()
        mine = Plan.objects.filter(due(), pk=plan.pk)
        if mine.update(state=Plan.State.RUNNING, lease_until=now + LEASE, waits_until=None, waits_for=""):
            Plan.objects.filter(pk=plan.pk, began_at__isnull=True).update(began_at=now)
            plan.refresh_from_db()
            return plan
    return None


class _Run:
    """One plan in the hands of this worker."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.left = deque(plan.changes.filter(state=Outcome.PENDING).order_by("pk").values_list("pk", flat=True))
        self.again: dict[int, int] = {}
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.silent = 0
        self.waits_for = ""

    def go(self) -> None:
        """Apply what is left, on several connections, until all is done, Close is away or a person says stop."""
        threads = [
            threading.Thread(target=self._work, name=f"plan-{self.plan.pk}-{n}", daemon=True)
            for n in range(min(CONNECTIONS, len(self.left)))
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(LOOK_EVERY / CONNECTIONS)
            if not self._still_mine():
                self.stop.set()
            # What is due at a time of day does not wait until a long plan has ended.
            if self.plan.source != Source.ABSENCE:
                _run_absences()
        self._end()

    def _still_mine(self) -> bool:
        """Keep the lease; False where a person has paused or cancelled the plan, or another worker has taken it."""
        with self.lock:
            return self._lease_kept()

    def _lease_kept(self) -> bool:
        mine = Plan.objects.filter(pk=self.plan.pk, lease_until=self.plan.lease_until)
        mine = mine.exclude(state__in=writing.STOPPED)
        if self.plan.lease_until and self.plan.lease_until - timezone.now() > LEASE / 2:
            return mine.exists()
        until = timezone.now() + LEASE
        if not mine.update(lease_until=until):
            return False
        self.plan.lease_until = until
        return True

    def _work(self) -> None:
        try:
            while not self.stop.is_set() and self._still_mine() and (pk := self._next()) is not None:
                change = Change.objects.select_related("plan", "number").get(pk=pk)
                if change.state == Outcome.PENDING:
                    writing.apply(change)
                    self._seen(change)
        except Exception:  # One change must not end the plan unseen; its lease hands it on.
            log.exception("plan %s: a change could not be applied", self.plan.pk)
            self._wait("closephones itself failed at one number. It tries again.")
        finally:
            database.close()

    def _next(self) -> int | None:
        with self.lock:
            return self.left.popleft() if self.left else None

    def _seen(self, change: Change) -> None:
        """What became of a change decides how the plan goes on."""
        with self.lock:
            away = change.error_kind == "away" and change.state in (Outcome.PENDING, Outcome.UNKNOWN)
            self.silent = self.silent + 1 if away else 0
            waits = change.state == Outcome.PENDING
            if (waits and change.error_kind in STOPS) or self.silent >= FAILURES:
                self._wait(change.error)
            elif waits and (away or self._once_more(change.pk)):
                self.left.append(change.pk)

    def _once_more(self, pk: int) -> bool:
        self.again[pk] = self.again.get(pk, 0) + 1
        return self.again[pk] < ROUNDS

    def _wait(self, words: str) -> None:
        self.waits_for = words
        self.stop.set()

    def _end(self) -> None:
        """Hand the plan on: waiting for better times, done, or as a person has left it."""
        now = timezone.now()
        mine = Plan.objects.filter(pk=self.plan.pk, lease_until=self.plan.lease_until)
        pending = self.plan.changes.filter(state=Outcome.PENDING).exists()
        if pending:
            words = self.waits_for or "Somebody is saving one of the numbers."
            mine.filter(state=Plan.State.RUNNING).update(
                state=Plan.State.WAITING, waits_until=now + WAIT, waits_for=words, lease_until=None
            )
        else:
            # Done, unless something is unknown: the sweep finds out about that, and with it ends the plan.
            mine.update(lease_until=None)


def pause(plan: Plan, actor: Person) -> None:
    """Stop a plan after the changes that are under way."""
    _turn(plan, actor, GOING, Plan.State.PAUSED, "This plan is not under way, so it cannot be paused.")


def pause_all(plans: QuerySet[Plan], words: str) -> list[Plan]:
    """Stop all of these that are under way or to come, `words` saying why; which were stopped.

    Plans of absences go on: what they put back is always put back, and their beginnings ask for rights anew.
    """
    paused = {"state": Plan.State.PAUSED, "lease_until": None, "waits_until": None, "waits_for": words}
    going = plans.filter(background=True, state__in=GOING).exclude(source=Source.ABSENCE)
    # Each by itself: one that ends in this moment has ended.
    return [plan for plan in going if Plan.objects.filter(pk=plan.pk, state__in=GOING).update(**paused)]


def resume(plan: Plan, actor: Person) -> None:
    """Let a paused plan go on, or a waiting one try at once."""
    if words := connections.why_no_write(Connection.load()):
        raise NotAllowedError(words)
    stopped = (Plan.State.PAUSED, Plan.State.WAITING)
    _turn(plan, actor, stopped, Plan.State.APPROVED, "This plan is not paused, so it goes on by itself.")


def cancel(plan: Plan, actor: Person) -> int:
    """End a plan after the changes that are under way; how many numbers stay as they are."""
    if words := access.why_not_plan(actor, plan):
        raise NotAllowedError(words)
    left = break_off(plan, f"{actor.name} cancelled the plan before it came to this number.")
    if left is None:
        raise NotAllowedError("This plan has ended already.")
    return left


def break_off(plan: Plan, words: str) -> int | None:
    """End a plan, `words` saying why to each number that it does not come to; how many, or None if it had ended."""
    now = timezone.now()
    mine = Plan.objects.filter(pk=plan.pk, state__in=holding.OPEN)
    ended = mine.update(state=Plan.State.CANCELLED, lease_until=None, waits_until=None, waits_for="", ended_at=now)
    left = settling.leave_out(words, plan)
    if not ended:
        return None
    plan.refresh_from_db()
    return left


def _turn(plan: Plan, actor: Person, before: tuple[Plan.State, ...], after: Plan.State, otherwise: str) -> None:
    if words := access.why_not_plan(actor, plan):
        raise NotAllowedError(words)
    mine = Plan.objects.filter(pk=plan.pk, state__in=before)
    if not mine.update(state=after, lease_until=None, waits_until=None, waits_for=""):
        raise NotAllowedError(otherwise)
    plan.refresh_from_db()
