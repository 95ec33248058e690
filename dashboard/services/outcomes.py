"""The one place where a change reaches its outcome, and with it, in the end, its plan."""

from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from dashboard.models import Change, Outcome, Plan
from dashboard.models.plans import OPEN, ChangeQuerySet
from dashboard.services import events, holdings

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
    with transaction.atomic(savepoint=False):
        written = write(change, open_change, state=state, finished_at=timezone.now(), lease_until=None, **facts)
        if written:
            events.record_changes([change])
            if state == Outcome.APPLIED and change.plan.hold:
                # Also where it is found out only later that it was applied.
                holdings.ANSWERS[change.plan.hold](change)
    if not written:
        reload(change)
        return False
    ended = Plan.objects.filter(pk=change.plan_id).exclude(state=Plan.State.CANCELLED)
    if change.plan.background:
        # A plan that the worker runs has other changes, and has ended once none of them is open.
        ended = ended.filter(~Exists(Change.objects.filter(plan=OuterRef("pk"), state__in=OPEN)))
    ended.update(state=Plan.State.DONE, ended_at=timezone.now(), lease_until=None)
    return True


def write(change: Change, where: ChangeQuerySet, **facts: Any) -> bool:
    """Write these fields if the change is still as `where` says; whether it was. `change` has them then."""
    if not where.update(**facts):
        return False
    for name, value in facts.items():
        setattr(change, name, value)
    return True
