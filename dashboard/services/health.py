"""Whether the service can do its work: what a load balancer and the person who runs it want to know."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from dashboard.models import Change, Connection, Outcome, Plan
from dashboard.models.plans import IN_FLIGHT
from dashboard.services import connection as connections
from dashboard.services import holding

WORKER_SILENT_AFTER = timedelta(minutes=5)
SYNC_OLD_AFTER_INTERVALS = 3
# A change is due from the last of these moments on; while a lease lasts, a process has it in hand.
DUE_FROM = ("plan__approved_at", "plan__run_at", "plan__let_go_at", "plan__lease_until", "lease_until")


@dataclass(frozen=True)
class Fact:
    """One thing that was looked at: whether it is as it should be, and in words."""

    name: str
    good: bool
    words: str


def facts() -> list[Fact]:
    """Look at everything that has to hold; the first that cannot be asked ends the list."""
    try:
        with transaction.atomic():
            Connection.load()
            Connection.note(worker_seen_at=F("worker_seen_at"))
    except DatabaseError as error:
        return [Fact("database", False, f"cannot be written: {error}")]
    plan = MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes())
    here = Connection.load()
    free = connections.free_mb()
    oldest = _oldest_due(here)
    sync_limit = timedelta(seconds=settings.SYNC_INTERVAL * SYNC_OLD_AFTER_INTERVALS)
    return [
        Fact("database", True, "can be written"),
        Fact("migrations", not plan, f"{len(plan)} to run" if plan else "all run"),
        _close(here),
        Fact("sync", _within(here.synced_at, sync_limit), _walk_words(here)),
        Fact("worker", worker_is_alive(here), f"last sign of life: {_when(here.worker_seen_at)}"),
        Fact("changes", oldest is None or _within(oldest, timedelta(minutes=15)), f"oldest due: {_when(oldest)}"),
        Fact("disk", free >= settings.MIN_FREE_MB, f"{free} MB free"),
        Fact("writes", True, connections.held_words(here) or "on"),
    ]


def worker_lives() -> None:
    """The worker gives a sign of life."""
    Connection.note(worker_seen_at=timezone.now())


def worker_is_alive(here: Connection) -> bool:
    """Whether the worker gave a sign of life lately; without it nothing scheduled runs."""
    return _within(here.worker_seen_at, WORKER_SILENT_AFTER)


def _oldest_due(here: Connection) -> datetime | None:
    """Since when the oldest change waits whose plan should have run by now, or whose outcome is not known yet."""
    since = Greatest("created_at", *(Coalesce(moment, "created_at") for moment in DUE_FROM))
    due = Q(state__in=IN_FLIGHT)
    if not connections.held_words(here):
        held = holding.held_plans(here).values("pk")
        due |= Q(state=Outcome.PENDING) & ~Q(plan__state=Plan.State.PAUSED) & ~Q(plan__in=held)
    changes = Change.objects.filter(due).annotate(since=since).filter(since__lte=timezone.now())
    return changes.order_by("since").values_list("since", flat=True).first()


def _within(moment: Any, limit: timedelta) -> bool:
    return moment is not None and timezone.now() - moment <= limit


def _when(moment: Any) -> str:
    return "none" if moment is None else moment.isoformat(timespec="seconds")


def _close(here: Connection) -> Fact:
    wrong = here.problem_text
    if not wrong and here.away_since:
        wrong = f"no answer since {_when(here.away_since)}: {here.last_error}"
    wrong = wrong or connections.lacking_words(here)
    well = f"last answer: {_when(here.last_answer_at)}, organisation: {here.organization_name or 'not known yet'}"
    return Fact("close", not wrong, wrong or well)


def _walk_words(here: Connection) -> str:
    failed = f", the last one failed: {here.sync_error}" if here.sync_error else ""
    return f"last complete walk: {_when(here.synced_at)}{failed}"
