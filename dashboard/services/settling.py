"""What became of changes that nobody has seen the end of: found out by reading, never by sending again."""

import logging
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from dashboard import close
from dashboard.models import Change, Connection, Outcome, Plan
from dashboard.services import connection as connections
from dashboard.services import fields, store
from dashboard.services.outcomes import finish, reload

log = logging.getLogger(__name__)

# A request that left may be carried out late; a read begun this long after it tells what became of it.
SETTLED_AFTER = timedelta(seconds=60)


def settle(change: Change) -> None:
    """Find out by reading what became of an `unknown` change; it stays unknown where that cannot be said yet.

    Close holds `after`: applied. It holds `before` in a read begun a minute after it was sent: failed. A third
    value: conflict, since nobody can say whether ours was there in between. A key that Close leaves out says
    nothing, but where null was there before it is taken for null, as it was before sending.
    """
    began, read_no = timezone.now(), store.draw()
    try:
        with connections.watched():
            record = close.phone_number(connections.client(), change.number.close_id)
    except close.NotFoundError:
        store.mark_missing([change.number], read_no=read_no)
        words = "The number is gone from Close. Whether the change was made before that cannot be said."
        finish(change, Outcome.CONFLICT, error_kind="not_found", error=words)
        return
    except close.CloseError as error:
        log.warning("change %s: still unknown: %s", change.pk, error.log)
        return
    if connections.foreign(Connection.load(), record):
        return
    now = fields.said(record)
    store.store([record], read_no=read_no)
    reload(change)
    unsaid = [name for name in change.after if name not in now and not fields.same(name, None, change.before[name])]
    if change.state != Outcome.UNKNOWN or unsaid:
        return
    answer = {name: now.get(name) for name in change.after}
    if not fields.differing(change.after, answer):
        finish(change, Outcome.APPLIED, answer=answer, error="", error_kind="")
    elif fields.differing(change.before, answer):
        words = "Close holds a third value now. Whether yours was there in between cannot be said."
        finish(change, Outcome.CONFLICT, found=answer, error=words)
    elif change.sent_at and began - change.sent_at >= SETTLED_AFTER:
        words = "Close did not make this change: it still holds what was there before."
        finish(change, Outcome.FAILED, error_kind="away", error=words)


def recover() -> int:
    """End or hand on what was left behind by processes that are gone; how many changes were touched.

    Only changes whose lease has run out are taken: without `sent_at` nothing left the house; with it, nobody knows.
    """
    now = timezone.now()
    left = Change.objects.filter(state__in=[Outcome.PENDING, Outcome.SENDING], lease_until__lt=now)
    touched = left.filter(sent_at__isnull=False).update(state=Outcome.UNKNOWN, lease_until=None, error="")
    # A plan that the worker runs goes on by itself. Asked without a join: of that the database would find the rows
    # first, and write them though somebody has noted one of them as sent meanwhile.
    unsent = left.filter(sent_at__isnull=True)
    the_workers = Exists(Plan.objects.filter(pk=OuterRef("plan"), background=True))
    touched += unsent.filter(the_workers).update(state=Outcome.PENDING, lease_until=None)
    for change in unsent.exclude(the_workers):
        words = "It was not sent: closephones stopped before that. Make the change again if it is still wanted."
        # Whoever was only slow may note it as sent at this very moment; then it goes on.
        touched += finish(change, Outcome.FAILED, only_if=Q(sent_at__isnull=True), error_kind="not_sent", error=words)
    return touched


def leave_out(words: str, plan: Plan | None = None) -> int:
    """End what cancelled plans, or this one, will not come to any more, `words` saying why; how many changes.

    A worker may have had a change in hand while its plan was cancelled, and given it back without sending it.
    """
    cancelled = Plan.objects.filter(pk=OuterRef("plan"), state=Plan.State.CANCELLED)
    left = Change.objects.filter(Exists(cancelled), state=Outcome.PENDING)
    left = left.filter(plan=plan) if plan else left
    return left.update(
        state=Outcome.LEFT_OUT, error=words, error_kind="cancelled", lease_until=None, finished_at=timezone.now()
    )


def settle_all() -> None:
    """Ask Close about every change whose outcome is unknown, oldest first."""
    for change in Change.objects.filter(state=Outcome.UNKNOWN).order_by("pk").select_related("number"):
        settle(change)
