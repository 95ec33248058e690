"""The pacer that all processes share: a pause that Close asked for is stored, and read before each request."""

import threading
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from dashboard.close import LocalPacer, RateLimit
from dashboard.models import Pause
from dashboard.models.credentials import Standing

_last_seen: dict[str, RateLimit] = {}


class SharedPacer(LocalPacer):
    """Keeps to the pauses of every process of this installation (promise P6); the rest is as in one process.

    How much of the limit is left needs no sharing: Close's own answers count the requests of all processes.
    """

    def shared_pause(self, group: str) -> float:
        """Seconds until this group may be sent to again, as the database knows it."""
        until = next(iter(Pause.objects.filter(group=group).values_list("until", flat=True)), None)
        leave_thread()
        return max(0.0, (until - timezone.now()).total_seconds()) if until else 0.0

    def pause(self, group: str, seconds: float) -> None:
        """Let no process send to this group for so many seconds. A longer pause that runs already stays."""
        until = timezone.now() + timedelta(seconds=seconds)
        Pause.objects.get_or_create(group=group, defaults={"until": until})
        Pause.objects.filter(group=group, until__lt=until).update(until=until)
        leave_thread()
        super().pause(group, seconds)

    def after(self, group: str, limit: RateLimit | None) -> None:
        """Note that a request has ended, and what its answer says of the limit."""
        super().after(group, limit)
        if limit and limit.limit is not None and limit.remaining is not None:
            _last_seen.clear()
            _last_seen[group] = limit


def note_limit() -> None:
    """Store the limit that this process was last told of, for people to see. It costs a write, so seldom."""
    for group, limit in list(_last_seen.items()):
        seen = {"group": group, "limit": limit.limit, "remaining": limit.remaining, "seen_at": timezone.now()}
        Standing.objects.update_or_create(pk=1, defaults=seen)


def leave_thread() -> None:
    """Close this thread's database connection where the thread is one of the Close client's own.

    Nobody else would: such a thread ends with the walk, and an open connection would outlive it.
    """
    if threading.current_thread().name.startswith("close"):
        connection.close()
