"""Nothing old is replayed (promise P9): after a gap, or in another place than last time, what was due waits.

A worker that was away for long, a backup that was restored, a copy on another address: all of them would otherwise
carry out at once what was right some time ago. What becomes of it people decide, in deciding.py.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from dashboard.models import Connection, Notice, Occurrence, Plan
from dashboard.models.absences import OPEN as ABSENCES
from dashboard.services import notices

OPEN = (Plan.State.APPROVED, Plan.State.RUNNING, Plan.State.WAITING, Plan.State.PAUSED)


def look() -> bool:
    """Hold what is due if this is another place, or too long after the worker's last sign of life; whether it holds.

    For the worker, each time before it gives a sign of life. Where nothing waits to be run there is nothing to hold.
    """
    here = Connection.load()
    if here.held_since:
        return True
    why = _why(here)
    if why and (_open_plans().exists() or Occurrence.objects.filter(state__in=ABSENCES).exists()):
        Connection.note(held_since=timezone.now(), held_why=why)
        words = f"{why} What was due waits until one of you has looked at it."
        notices.tell_ops_admins(Notice.Kind.SYSTEM, words, reverse("plan-list"))
        return True
    if here.base_url != settings.BASE_URL:
        Connection.note(base_url=settings.BASE_URL)
    return False


def _why(here: Connection) -> str:
    if here.base_url and here.base_url != settings.BASE_URL:
        return f"closephones ran at {here.base_url} before, and runs at {settings.BASE_URL} now."
    gap = timedelta(hours=settings.HOLD_AFTER_HOURS)
    if here.worker_seen_at and timezone.now() - here.worker_seen_at > gap:
        hours = int((timezone.now() - here.worker_seen_at).total_seconds() // 3600)
        return f"The worker was silent for {hours} hours."
    return ""


def words(connection: Connection) -> str:
    """Why what is due is not run at present: a sentence, or ""."""
    if not connection.held_since:
        return ""
    return f"{connection.held_why} What was due since then waits until an ops admin has looked at it."


def is_held(plan: Plan, connection: Connection) -> bool:
    """Whether this plan waits for a look: it was approved before the gap was seen, and not let go since."""
    since = connection.held_since
    if since is None or plan.state not in OPEN or plan.approved_at is None:
        return False
    return plan.approved_at < since and (plan.let_go_at is None or plan.let_go_at < since)


def held_plans(connection: Connection) -> Any:
    """All plans that wait for a look."""
    if not (since := connection.held_since):
        return Plan.objects.none()
    return _open_plans().filter(approved_at__lt=since).exclude(let_go_at__gte=since)


def held_absences(connection: Connection) -> Any:
    """The occurrences of absences that wait for a look: a beginning, an end or an edit whose time has come."""
    if not (since := connection.held_since):
        return Occurrence.objects.none()
    now, state = timezone.now(), Occurrence.State
    begins = Q(state=state.COMING, starts_at__lte=now, ends_at__gt=now)
    ends = Q(state=state.ON, ends_at__lte=now)
    edited = Q(state=state.ON, edition__lt=F("absence__edition"))
    return Occurrence.objects.filter(begins | ends | edited).exclude(let_go_at__gte=since)


def _open_plans() -> Any:
    return Plan.objects.filter(background=True, state__in=OPEN)
