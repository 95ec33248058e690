"""The life of one change, from `pending` to its one outcome. Nothing else in the product writes to Close.

Each step is committed before the next one begins, and no transaction is open during a request, so that whoever comes
after a crash knows from the row alone what may have happened. The steps are named in the debug log.
"""

import logging
import time
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from dashboard import access, close
from dashboard.models import Change, Connection, Outcome
from dashboard.models.plans import IN_FLIGHT, digest_of
from dashboard.services import connection as connections
from dashboard.services import fields, store
from dashboard.services.outcomes import finish, reload, write

log = logging.getLogger(__name__)

# Longer than reading (three tries), waiting for the rate limit and sending can take together.
LEASE = timedelta(minutes=3)
# A request that left may be carried out late; a read begun this long after it tells what became of it.
SETTLED_AFTER = timedelta(seconds=60)
# The PUT leaves right after `sent_at` is stored. A process that was held up longer than this sends nothing.
SEND_WITHIN = 10.0
# Where the PUT failed quicker than this a read at once often settles it; after a time-out a person waited enough.
READ_AT_ONCE_WITHIN = 3.0
TRIES = 3

KINDS: dict[type[close.CloseError], str] = {
    close.InvalidRequestError: "invalid",
    close.AuthenticationError: "refused_key",
    close.PlanLimitError: "plan_limit",
    close.ForbiddenError: "forbidden",
    close.NotFoundError: "not_found",
    close.RateLimitError: "rate_limited",
}


def kind_of(error: close.CloseError) -> str:
    """The name under which a change keeps this error; "away" where Close gave no usable answer."""
    return KINDS.get(type(error), "away")


def apply(change: Change) -> None:
    """Take a pending change to its outcome, or to `unknown` where Close did not say what became of it.

    Meant to be called for any pending change by anyone: whoever comes second finds it taken and does nothing.
    `change` is as the database has it afterwards.
    """
    for _ in range(TRIES):
        if not _claim(change):
            return
        connection = Connection.load()
        if _blocked(change, connection) or not _still_as_shown(change, connection):
            return
        # Asked after the read, which may say that the number belongs to somebody else by now.
        if _forbidden(change, connection):
            return
        if _send(change):
            return
    finish(change, Outcome.FAILED, error_kind="rate_limited", error="Close asked to wait each time. Try again later.")


def _step(change: Change, name: str) -> None:
    log.debug("change %s: %s", change.pk, name)


def _claim(change: Change) -> bool:
    """Take the change for this process; False where it is somebody else's, or its number is."""
    until = timezone.now() + LEASE
    pending = Change.objects.filter(pk=change.pk, state=Outcome.PENDING)
    try:
        with transaction.atomic():
            taken = write(change, pending, state=Outcome.SENDING, lease_until=until, sent_at=None, sent_no=None)
    except IntegrityError:
        return _busy(change)
    if not taken:
        reload(change)
    _step(change, "claimed")
    return taken


def _busy(change: Change) -> bool:
    """Another change of this number is under way: try to settle it if nobody is at it, else say who is."""
    recover()
    other = Change.objects.filter(number=change.number_id, state__in=IN_FLIGHT).select_related("plan").first()
    if other is None:
        return _claim(change)
    if other.state == Outcome.UNKNOWN:
        settle(other)
        if other.is_final:
            return _claim(change)
        words = f"What became of a change by {other.plan.author_name} is not known yet. Try again in a minute."
    else:
        words = f"{other.plan.author_name} is saving this number. Try again in a moment."
    finish(change, Outcome.FAILED, error_kind="busy", error=words)
    return False


def _blocked(change: Change, connection: Connection) -> bool:
    """Whether nothing may be written now, or this is not what was approved."""
    if held := connections.why_no_write(connection):
        return finish(change, Outcome.FAILED, error_kind="held", error=held) or True
    if digest_of(change.plan.organization_id, change.plan.changes.all()) != change.plan.digest:
        words = "What would be sent is not what was approved. Nothing was sent; make the change again."
        return finish(change, Outcome.FAILED, error_kind="not_sent", error=words) or True
    return False


def _forbidden(change: Change, connection: Connection) -> bool:
    """Whether the author may not change this number, as they and the number are at this moment."""
    author = access.person_by_id(change.plan.author_id)
    if words := access.why_not(author, change.number, change.fields, connection):
        return finish(change, Outcome.FAILED, error_kind="forbidden", error=words) or True
    return False


def _still_as_shown(change: Change, connection: Connection) -> bool:
    """Read the number fresh from Close; only if it holds what the editor showed, the change may be sent."""
    read_no = store.draw()
    try:
        with connections.watched():
            record = close.phone_number(connections.client(), change.number.close_id)
    except close.NotFoundError as error:
        store.mark_missing([change.number], read_no=read_no)
        finish(change, Outcome.FAILED, error_kind="not_found", error=error.screen)
        return False
    except close.CloseError as error:
        log.warning("change %s: not sent: %s", change.pk, error.log)
        finish(change, Outcome.FAILED, error_kind=kind_of(error), error=_not_sent(error))
        return False
    if connections.foreign(connection, record):
        connection.refresh_from_db()
        finish(change, Outcome.FAILED, error_kind="other_organisation", error=connection.problem_text)
        return False
    store.store([record], read_no=read_no)
    _step(change, "read")
    was = change.before | change.shown
    # A key that Close leaves out counts as null here: what cannot be compared is not overwritten.
    found = dict.fromkeys(was) | {name: value for name, value in fields.said(record).items() if name in was}
    if fields.differing(was, found):
        finish(change, Outcome.CONFLICT, found=found, error="Close held something else, so nothing was sent.")
        return False
    return True


def _not_sent(error: close.CloseError) -> str:
    """What the screen says of an error before anything was sent."""
    if isinstance(error, close.ServerError | close.ConnectionFailedError):
        return "Close was unreachable, so nothing was saved. Try again in a few minutes."
    return error.screen


def _send(change: Change) -> bool:
    """Send the changed fields, once. False only where Close said 429: then it did not happen and may start again."""
    mine = Change.objects.filter(pk=change.pk, state=Outcome.SENDING, lease_until=change.lease_until)
    until = timezone.now() + LEASE
    with transaction.atomic():
        noted_as_sent = write(change, mine, sent_at=timezone.now(), sent_no=store.draw(), lease_until=until)
    if not noted_as_sent:
        # Our lease ran out while we read, and somebody has given the change its outcome.
        reload(change)
        return True
    noted = time.monotonic()
    _step(change, "noted as sent")
    if time.monotonic() - noted > SEND_WITHIN:
        words = "closephones was held up and did not send it. Try again."
        return finish(change, Outcome.FAILED, error_kind="not_sent", error=words) or True
    try:
        with connections.watched():
            body = fields.for_close(change.after)
            record = close.update_phone_number(connections.client(), change.number.close_id, body)
    except close.CloseError as error:
        _step(change, "no answer that says it was done")
        return _not_done(change, error, time.monotonic() - noted)
    _step(change, "answered")
    _applied(change, record)
    _step(change, "stored")
    return True


def _not_done(change: Change, error: close.CloseError, seconds: float) -> bool:
    """Close did not say that it was done: refused, certainly not done, or not known."""
    log.warning("change %s: %s", change.pk, error.log)
    kind = kind_of(error)
    if error.sent:
        open_change = Change.objects.filter(pk=change.pk, state=Outcome.SENDING)
        open_change.update(state=Outcome.UNKNOWN, error_kind=kind, error=error.screen, lease_until=None)
        reload(change)
        if change.state == Outcome.UNKNOWN and seconds < READ_AT_ONCE_WITHIN:
            settle(change)
        return True
    if isinstance(error, close.RateLimitError) and error.status:
        again = Change.objects.filter(pk=change.pk, state=Outcome.SENDING)
        again.update(state=Outcome.PENDING, sent_at=None, sent_no=None, lease_until=timezone.now() + LEASE)
        reload(change)
        return False
    if isinstance(error, close.NotFoundError):
        store.mark_missing([change.number], read_no=store.draw())
    if isinstance(error, close.RateLimitError | close.ConnectionFailedError | close.NotFoundError):
        finish(change, Outcome.FAILED, error_kind=kind, error=_not_sent(error))
    else:
        finish(change, Outcome.REFUSED, error_kind=kind, error=error.words or error.screen)
    return True


def _applied(change: Change, record: close.PhoneNumberRecord) -> None:
    """Close's answer goes into the cache and the outcome into the change, in one transaction."""
    now = fields.said(record)
    with transaction.atomic():
        store.store([record], read_no=store.draw(), ours=change)
        answer = {name: now[name] for name in change.after if name in now}
        finish(change, Outcome.APPLIED, answer=answer)


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
    touched = left.filter(sent_at__isnull=False).update(state=Outcome.UNKNOWN, lease_until=None)
    for change in left.filter(sent_at__isnull=True):
        words = "It was not sent: closephones stopped before that. Make the change again if it is still wanted."
        # Whoever was only slow may note it as sent at this very moment; then it goes on.
        touched += finish(change, Outcome.FAILED, only_if=Q(sent_at__isnull=True), error_kind="not_sent", error=words)
    return touched


def settle_all() -> None:
    """Ask Close about every change whose outcome is unknown, oldest first."""
    for change in Change.objects.filter(state=Outcome.UNKNOWN).order_by("pk").select_related("number"):
        settle(change)
