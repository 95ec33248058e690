"""Reading Close into the cache: a walk over all numbers, people and groups, and one number at a time.

A walk stores each page as it comes; it was true when it was read. Only a walk that reached its end says anything of
numbers that it did not meet, and only the second such walk in a row marks a number as gone.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from dashboard import close
from dashboard.access import Person
from dashboard.models import Connection, PhoneNumber, SyncRun
from dashboard.services import connection as connections
from dashboard.services import members, store

log = logging.getLogger(__name__)

CONNECTIONS = 4
# A walk that has not stored a page for this long is taken to be dead.
LEASE = timedelta(minutes=3)
# More numbers than this missing at once is rather a fault than a clean-up: nothing is marked, an ops admin is asked.
DOUBTED_OVER = 5
DOUBTED_SHARE = 0.10


class AlreadyRunningError(Exception):
    """Another process is reading from Close at this moment."""


def refresh_number(*, number: PhoneNumber) -> set[str]:
    """Read one number from Close now; the names of the fields that differ from what the cache held.

    Raises CloseError; NotFoundError after the number was marked as gone.
    """
    read_no = store.draw()
    try:
        with connections.watched():
            record = close.phone_number(connections.client(), number.close_id)
    except close.NotFoundError:
        store.mark_missing([number], read_no=read_no)
        raise
    if connections.foreign(Connection.load(), record):
        return set()
    stored = store.store([record], read_no=read_no)
    number.refresh_from_db()
    return stored.differed.get(number.close_id, set())


def sync(*, asked_by: str = "", progress: Callable[[SyncRun], None] = lambda run: None) -> SyncRun:
    """Walk over the whole organisation. `progress` is told after each page; the run is stored as it goes.

    Raises AlreadyRunningError where another walk is under way, NotConnectedError and CloseError where it cannot go
    on; then the run holds the reason, and nothing counts as missing.
    """
    if not _take_lease():
        raise AlreadyRunningError("Another walk is under way.")
    run = SyncRun.objects.create(
        began_at=timezone.now(),
        began_no=store.draw(),
        asked_by=asked_by,
        expected=PhoneNumber.objects.here().count(),
    )
    try:
        client = connections.client(background=True)
        organization = connections.connect(client)
        with connections.watched():
            groups = [close.group(client, group.id) for group in close.groups(client)]
        members.store_people(organization, groups)
        _walk(client, run, progress)
        _count_missing(run)
    except (close.CloseError, connections.NotConnectedError) as error:
        run.error = error.screen if isinstance(error, close.CloseError) else error.words
        log.warning("walk %s: %s", run.pk, error)
        raise
    finally:
        run.ended_at = timezone.now()
        run.save()
        ended = {"sync_lease_until": None, "sync_error": run.error}
        Connection.note(**ended | ({"synced_at": run.ended_at, "doubted": run.doubted} if run.complete else {}))
    return run


def _take_lease() -> bool:
    Connection.load()
    now = timezone.now()
    free = Q(sync_lease_until__isnull=True) | Q(sync_lease_until__lt=now)
    return bool(Connection.objects.filter(free, pk=1).update(sync_lease_until=now + LEASE))


def _walk(client: close.Client, run: SyncRun, progress: Callable[[SyncRun], None]) -> None:
    """Store page after page; the run is complete when Close has no more."""
    connection, lap = Connection.load(), 0
    with connections.watched():
        for page in close.phone_number_pages(client, connections=CONNECTIONS, begin=store.draw):
            if any(connections.foreign(connection, record) for record in page.records):
                connection.refresh_from_db()
                raise connections.NotConnectedError(connection.problem_text)
            stored = store.store(page.records, read_no=page.began)
            if page.lap > lap:
                # The list moved under the walk, which begins again from the top.
                lap, run.seen = page.lap, 0
            run.pages += 1
            run.seen += len(page.records)
            run.new += stored.new
            run.changed += sum(bool(names) for names in stored.differed.values())
            run.save()
            Connection.note(sync_lease_until=timezone.now() + LEASE)
            progress(run)
    run.complete = True


def _count_missing(run: SyncRun) -> None:
    """After a complete walk: numbers that it did not meet have missed one more; those with two are gone."""
    unmet = PhoneNumber.objects.here().filter(read_no__lt=run.began_no)
    count = unmet.count()
    if count > DOUBTED_OVER and count > DOUBTED_SHARE * run.expected:
        run.doubted = count
        return
    with transaction.atomic():
        unmet.update(missed_walks=F("missed_walks") + 1)
        run.missing = store.mark_missing(unmet.filter(missed_walks__gte=store.GONE_AFTER_WALKS), read_no=run.began_no)


def is_due() -> bool:
    """Whether the last walk, finished or not, began longer ago than SYNC_INTERVAL."""
    last = SyncRun.objects.values_list("began_at", flat=True).first()
    return last is None or timezone.now() - last >= timedelta(seconds=settings.SYNC_INTERVAL)


def read_since(moment: datetime) -> bool:
    """Whether a complete walk began after this moment: then it is the answer to whoever asked for one."""
    return SyncRun.objects.filter(began_at__gte=moment, complete=True).exists()


def doubted_run() -> SyncRun | None:
    """The last complete walk, where it lacked more numbers than can be believed; else None."""
    last = SyncRun.objects.filter(complete=True).first()
    return last if last and last.doubted else None


def believe(*, actor: Person) -> int:
    """An ops admin says that the numbers missing in the last walk are gone; how many were marked."""
    run = doubted_run()
    if run is None:
        return 0
    gone = store.mark_missing(PhoneNumber.objects.here().filter(read_no__lt=run.began_no), read_no=run.began_no)
    SyncRun.objects.filter(pk=run.pk).update(doubted=0, missing=gone)
    Connection.note(doubted=0)
    log.info("%s said that %s numbers are gone", actor.name, gone)
    return gone
