"""Reading Close into the cache: a walk over all numbers, people and groups, and one number at a time.

A walk stores each page as it comes; it was true when it was read. Only a walk that reached its end says anything of
numbers that it did not meet, and only the second such walk in a row marks a number as gone.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection as db
from django.db import transaction
from django.db.models import Exists, F, Q, QuerySet
from django.utils import timezone

from dashboard import close
from dashboard.access import Person
from dashboard.models import Connection, PhoneNumber, SyncRun
from dashboard.services import connection as connections
from dashboard.services import members, store

log = logging.getLogger(__name__)

CONNECTIONS = 4
CACHE_KB = 16_384
# A walk that has not stored a page for this long is taken to be dead.
LEASE = timedelta(minutes=3)
# More numbers than this missing at once is rather a fault than a clean-up: nothing is marked, an ops admin is asked.
DOUBTED_OVER = 5
DOUBTED_SHARE = 0.10
CUT_OFF = "The program that was reading ended in the middle of it."
BROKEN_OFF = "Reading broke off by a fault of closephones. The log of the worker says more."


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

    Raises AlreadyRunningError where another walk is under way or has taken over, NotConnectedError and CloseError
    where it cannot go on; then the run holds the reason, and nothing counts as missing.
    """
    lease = _Lease()
    _keep_little()
    # Whoever has the lease walks alone: a run that has not ended by now belongs to a process that died.
    _end_cut_off(SyncRun.objects.all())
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
            groups = close.groups_with_members(client, connections=CONNECTIONS)
        members.store_people(organization, groups)
        _walk(client, run, lease, progress)
        _count_missing(run)
    except (close.CloseError, connections.NotConnectedError, AlreadyRunningError) as error:
        run.error = error.screen if isinstance(error, close.CloseError) else str(error)
        log.warning("walk %s: %s", run.pk, error)
        raise
    except Exception:
        run.error = BROKEN_OFF
        raise
    finally:
        run.ended_at = timezone.now()
        run.save()
        complete = {"synced_at": run.ended_at, "doubted": run.doubted} if run.complete else {}
        lease.end(sync_error=run.error, **complete)
    return run


def _keep_little() -> None:
    """Let SQLite keep little of the database in memory while this thread walks: it passes by all of it once."""
    if db.vendor == "sqlite":
        with db.cursor() as cursor:
            cursor.execute(f"PRAGMA cache_size=-{CACHE_KB}")


class _Lease:
    """The right to walk, held by one process at a time.

    The moment until which it lasts is also the mark of who holds it: whoever finds another moment in the database
    than the one it wrote there has lost the lease, and leaves it to the other.
    """

    def __init__(self) -> None:
        """Take the lease; AlreadyRunningError where somebody else has it."""
        Connection.load()
        now = timezone.now()
        self.until = now + LEASE
        free = Q(sync_lease_until__isnull=True) | Q(sync_lease_until__lt=now)
        if not Connection.objects.filter(free, pk=1).update(sync_lease_until=self.until):
            raise AlreadyRunningError("Another walk is under way.")

    def keep(self) -> datetime:
        """Let the lease last longer, until the moment that is returned; AlreadyRunningError where it is lost.

        In a transaction the lease is known to last until then, as `until` has it, only once that is committed.
        """
        until = timezone.now() + LEASE
        if not self._mine().update(sync_lease_until=until):
            raise AlreadyRunningError("This walk took too long over a page, and another one has taken over.")
        return until

    def end(self, **noted: object) -> None:
        """Give the lease back and note these fields of the connection, unless another walk has taken over."""
        self._mine().update(sync_lease_until=None, **noted)

    def _mine(self) -> QuerySet[Connection]:
        return Connection.objects.filter(pk=1, sync_lease_until=self.until)


def sweep() -> None:
    """Write down the end of a walk whose process died. Due each minute; may run twice or never."""
    leased = Connection.objects.filter(sync_lease_until__gte=timezone.now())
    _end_cut_off(SyncRun.objects.filter(~Exists(leased)))


def _end_cut_off(runs: QuerySet[SyncRun]) -> None:
    runs.filter(ended_at__isnull=True).update(ended_at=timezone.now(), error=CUT_OFF)


def _walk(client: close.Client, run: SyncRun, lease: _Lease, progress: Callable[[SyncRun], None]) -> None:
    """Store page after page; the run is complete when Close has no more."""
    connection, people, lap, read_no = Connection.load(), members.People(), 0, run.began_no
    with connections.watched():
        for page in close.phone_number_pages(client, connections=CONNECTIONS, begin=lambda: read_no):  # noqa: B023
            if any(connections.foreign(connection, record) for record in page.records):
                connection.refresh_from_db()
                raise connections.NotConnectedError(connection.problem_text)
            # All of a page in one transaction: on a disk that syncs, it is the commits that take the time.
            with transaction.atomic():
                stored = store.store(page.records, read_no=page.began, people=people)
                until = lease.keep()
                if page.lap > lap:
                    # The list moved under the walk, which begins again from the top.
                    lap, run.seen = page.lap, 0
                run.pages += 1
                run.seen += len(page.records)
                run.new += stored.new
                run.changed += sum(bool(names) for names in stored.differed.values())
                run.save()
                # For the reads that begin next.
                read_no = store.draw()
            lease.until = until
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
        gone = unmet.filter(missed_walks__gte=store.GONE_AFTER_WALKS)
        run.missing = store.mark_missing(list(gone), read_no=run.began_no)


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
    unmet = list(PhoneNumber.objects.here().filter(read_no__lt=run.began_no))
    gone = store.mark_missing(unmet, read_no=run.began_no)
    SyncRun.objects.filter(pk=run.pk).update(doubted=0, missing=gone)
    Connection.note(doubted=0)
    log.info("%s said that %s numbers are gone", actor.name, gone)
    return gone
