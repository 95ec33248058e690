"""The life of one change, from `pending` to its one outcome. Nothing else in the product writes to Close.

Each step is committed before the next one begins, and no transaction is open during a request, so that whoever comes
after a crash knows from the row alone what may have happened. The steps are named in the debug log.
"""

import logging
import time
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists
from django.utils import timezone

from dashboard import access, close
from dashboard.models import Change, Connection, Drift, Outcome, Plan
from dashboard.models.plans import IN_FLIGHT, digest_of_change
from dashboard.services import connection as connections
from dashboard.services import fields, settling, store
from dashboard.services.outcomes import LIVE, finish, reload, write

log = logging.getLogger(__name__)

# Longer than reading (three tries), waiting for the rate limit and sending can take together.
LEASE = timedelta(minutes=3)
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
# What passes by itself, or by somebody's hand: a plan that the worker runs waits for it and uses nothing up.
PASSING = ("away", "rate_limited", "refused_key", "busy", "held", "other_organisation")
# Of a plan that a person has stopped nothing is begun, nor begun again after Close asked to wait.
STOPPED = (Plan.State.PAUSED, Plan.State.CANCELLED)


def kind_of(error: close.CloseError) -> str:
    """The name under which a change keeps this error; "away" where Close gave no usable answer."""
    return KINDS.get(type(error), "away")


def begin(change: Change) -> None:
    """Store a new change as taken by this process, in the caller's transaction: `apply` goes on from there.

    Where another change of the number is under way it is stored as pending; then `apply` finds out who is at it.
    """
    change.state, change.lease_until = Outcome.SENDING, timezone.now() + LEASE
    read_no = store.draw()
    try:
        with transaction.atomic():
            change.save(force_insert=True)
        change.read_no = read_no
    except IntegrityError:
        change.pk, change.state = None, Outcome.PENDING
        change.save(force_insert=True)


def apply(change: Change, connection: Connection | None = None) -> None:
    """Take a pending change to its outcome, or to `unknown` where Close did not say what became of it.

    `connection`: as the caller has loaded it a moment ago.

    Meant to be called for any pending change by anyone: whoever comes second finds it taken and does nothing.
    `change` is as the database has it afterwards. A change of a plan that the worker runs is pending again where
    nothing was sent for a reason that passes (PASSING, in `error_kind`).
    """
    for _ in range(TRIES):
        if not change.read_no and not _claim(change):
            return
        _step(change, "claimed")
        connection = connection or Connection.load()
        if _blocked(change, connection):
            return
        record = _read(change, connection)
        if record is None or not _may_be_sent(change, connection, record) or _send(change, connection):
            return
        # Close asked to wait; much may have happened meanwhile.
        connection = None
    _not_made(change, "rate_limited", "Close asked to wait each time. Try again later.")


def _step(change: Change, name: str) -> None:
    log.debug("change %s: %s", change.pk, name)


def _claim(change: Change) -> bool:
    """Take the change for this process; False where it is somebody else's, or its number is."""
    until = timezone.now() + LEASE
    stopped = Plan.objects.filter(pk=change.plan_id, state__in=STOPPED)
    pending = Change.objects.filter(~Exists(stopped), pk=change.pk, state=Outcome.PENDING)
    try:
        with transaction.atomic():
            taken = write(change, pending, state=Outcome.SENDING, lease_until=until, sent_at=None, sent_no=None)
            change.read_no = store.draw() if taken else 0
    except IntegrityError:
        return _busy(change)
    # Whoever takes it takes it as the database has it by now.
    change.refresh_from_db(fields=("before", "after", "shown", "digest", *LIVE))
    return taken


def _busy(change: Change) -> bool:
    """Another change of this number is under way: try to settle it if nobody is at it, else say who is."""
    settling.recover()
    other = Change.objects.filter(number=change.number_id, state__in=IN_FLIGHT).select_related("plan").first()
    if other is None:
        return _claim(change)
    if other.state == Outcome.UNKNOWN:
        settling.settle(other)
        if other.is_final:
            return _claim(change)
        own = other.plan.author_id is not None and other.plan.author_id == change.plan.author_id
        whose = "your last change" if own else f"a change by {other.plan.author_name}"
        words = f"What became of {whose} is not known yet. Try again in a minute."
    else:
        words = f"{other.plan.author_name} is saving this number. Try again in a moment."
    return _not_made(change, "busy", words)


def _not_made(change: Change, kind: str, words: str) -> bool:
    """Nothing was sent, and that is the end of it, unless a plan of the worker's can wait for better times."""
    if change.plan.background and kind in PASSING:
        waiting = Change.objects.filter(
            pk=change.pk, state__in=(Outcome.PENDING, Outcome.SENDING), sent_at__isnull=True
        )
        waiting.update(state=Outcome.PENDING, lease_until=None, error_kind=kind, error=words)
        reload(change)
        change.read_no = 0
    else:
        finish(change, Outcome.FAILED, error_kind=kind, error=words)
    return False


def _blocked(change: Change, connection: Connection) -> bool:
    """Whether nothing may be written now, or this is not what was approved."""
    if held := connections.why_no_write(connection):
        return not _not_made(change, "held", held)
    if digest_of_change(change.plan, change) != change.digest:
        words = "What would be sent is not what was approved. Nothing was sent; make the change again."
        return not _not_made(change, "not_sent", words)
    return False


def _read(change: Change, connection: Connection) -> close.PhoneNumberRecord | None:
    """Read the number fresh from Close; None where that gave the change its outcome."""
    try:
        with connections.watched(connection):
            record = close.phone_number(_client(change), change.number.close_id)
    except close.NotFoundError as error:
        store.mark_missing([change.number], read_no=change.read_no)
        _not_made(change, "not_found", error.screen)
        return None
    except close.CloseError as error:
        log.warning("change %s: not sent: %s", change.pk, error.log)
        _not_made(change, kind_of(error), _not_sent(error))
        return None
    if connections.foreign(connection, record):
        connection.refresh_from_db()
        _not_made(change, "other_organisation", connection.problem_text)
        return None
    _step(change, "read")
    return record


def _client(change: Change) -> close.Client:
    return connections.client(background=change.plan.background)


def _not_sent(error: close.CloseError) -> str:
    """What the screen says of an error before anything was sent."""
    if isinstance(error, close.ServerError | close.ConnectionFailedError):
        return "Close was unreachable, so nothing was saved. Try again in a few minutes."
    return error.screen


def _may_be_sent(change: Change, connection: Connection, record: close.PhoneNumberRecord) -> bool:
    """Store what was read, judge it, and note the change as sent: one transaction, right before the PUT leaves.

    The change may be sent if Close holds what the editor showed, and if the author may still change this number,
    as they and the number are now: the read may say that it belongs to somebody else.
    """
    until = timezone.now() + LEASE
    mine = Change.objects.filter(pk=change.pk, state=Outcome.SENDING, lease_until=change.lease_until)
    with transaction.atomic():
        store.store([record], read_no=change.read_no)
        if _differs(change, record):
            return False
        if words := _forbidden(change, connection):
            return _not_made(change, "forbidden", words)
        noted = write(
            change, mine, sent_at=timezone.now(), sent_no=store.draw(), lease_until=until, before=change.before
        )
    if not noted:
        # Our lease ran out while we read, and somebody has given the change its outcome.
        reload(change)
    return noted


def _forbidden(change: Change, connection: Connection) -> str:
    """Why the author may not make this change, as they and the number are now: a sentence, or ""."""
    if change.plan.always_runs:
        return ""
    author = access.person_by_id(change.plan.author_id)
    return access.why_not(author, change.number, change.fields, connection)


def _differs(change: Change, record: close.PhoneNumberRecord) -> bool:
    """Whether Close no longer holds what was there when this was decided; then the change has its outcome.

    A plan that runs later decided on what will be, so `before` becomes what Close holds now: always where its author
    said "change it anyway", else only where that means the same.
    """
    was = change.before | change.shown
    # A key that Close leaves out counts as null here: what cannot be compared is not overwritten.
    found = dict.fromkeys(was) | {name: value for name, value in fields.said(record).items() if name in was}
    again = change.plan.reads_before_again
    if fields.differing(was, found) and not (again and change.plan.drift == Drift.ANYWAY):
        finish(change, Outcome.CONFLICT, found=found, error="Close held something else, so nothing was sent.")
        return True
    if again:
        change.before = {name: found[name] for name in change.after}
        if not fields.differing(change.after, found):
            words = "Close held this already, so nothing was sent."
            finish(change, Outcome.APPLIED, answer=change.before, before=change.before, error=words)
            return True
    return False


def _send(change: Change, connection: Connection) -> bool:
    """Send the changed fields, once. False only where Close said 429: then it did not happen and may start again."""
    noted = time.monotonic()
    _step(change, "noted as sent")
    if time.monotonic() - noted > SEND_WITHIN:
        words = "closephones was held up and did not send it. Try again."
        return finish(change, Outcome.FAILED, error_kind="not_sent", error=words) or True
    try:
        with connections.watched(connection):
            body = fields.for_close(change.after)
            record = close.update_phone_number(_client(change), change.number.close_id, body)
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
            settling.settle(change)
        return True
    if isinstance(error, close.RateLimitError | close.ConnectionFailedError) and (
        error.status or change.plan.background
    ):
        sending = Change.objects.filter(pk=change.pk, state=Outcome.SENDING)
        sending.update(state=Outcome.PENDING, sent_at=None, sent_no=None, lease_until=timezone.now() + LEASE)
        reload(change)
        change.read_no = 0
        return False if error.status else not _not_made(change, kind, _not_sent(error))
    if isinstance(error, close.NotFoundError):
        store.mark_missing([change.number], read_no=store.draw())
    if isinstance(error, close.RateLimitError | close.ConnectionFailedError | close.NotFoundError):
        finish(change, Outcome.FAILED, error_kind=kind, error=_not_sent(error))
    else:
        # That a permission is missing Close says, but not which.
        words = error.screen if isinstance(error, close.ForbiddenError) else error.words or error.screen
        finish(change, Outcome.REFUSED, error_kind=kind, error=words)
    return True


def _applied(change: Change, record: close.PhoneNumberRecord) -> None:
    """Close's answer goes into the cache and the outcome into the change, in one transaction."""
    now = fields.said(record)
    with transaction.atomic():
        store.store([record], read_no=store.draw(), ours=change)
        answer = {name: now[name] for name in change.after if name in now}
        finish(change, Outcome.APPLIED, answer=answer)
