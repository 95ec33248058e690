"""The one place where a change reaches its outcome, and with it, in the end, its plan."""

from typing import Any

from django.db.models import Q
from django.utils import timezone

from dashboard.models import Change, Plan
from dashboard.models.plans import OPEN

# What can still change in a change once it is stored.
LIVE = ("state", "sent_at", "sent_no", "lease_until", "answer", "found", "error", "error_kind", "finished_at")


def reload(change: Change) -> None:
    """Bring a change up to what the database has; its plan and number stay loaded."""
    change.refresh_from_db(fields=LIVE)


def finish(change: Change, state: str, *, only_if: Q | None = None, **facts: Any) -> bool:
    """Give an open change its outcome; whether it was still open. What happened once is never rewritten.

    `only_if`: what else must be so, asked in the statement that writes. `change` is as the database has it
    afterwards: by us, or by whoever came first.
    """
    open_change = Change.objects.filter(only_if or Q(), pk=change.pk, state__in=OPEN)
    done = bool(open_change.update(state=state, finished_at=timezone.now(), lease_until=None, **facts))
    reload(change)
    if done and not Change.objects.filter(plan=change.plan_id, state__in=OPEN).exists():
        Plan.objects.filter(pk=change.plan_id).update(state=Plan.State.DONE)
    return done
