"""The pacer that all processes share: a pause that Close asked for is stored, and read before each request."""

import threading
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from dashboard.close import LocalPacer
from dashboard.models import Pause


class SharedPacer(LocalPacer):
    """Keeps to the pauses of every process of this installation (promise P6); the rest is as in one process.

    How much of the limit is left needs no sharing: Close's own answers count the requests of all processes.
    """

    def shared_pause(self, group: str) -> float:
        """Seconds until this group may be sent to again, as the database knows it."""
        until = Pause.objects.filter(group=group).values_list("until", flat=True).first()
        _leave_thread()
        return max(0.0, (until - timezone.now()).total_seconds()) if until else 0.0

    def pause(self, group: str, seconds: float) -> None:
        """Let no process send to this group for so many seconds. A longer pause that runs already stays."""
        until = timezone.now() + timedelta(seconds=seconds)
        Pause.objects.get_or_create(group=group, defaults={"until": until})
        Pause.objects.filter(group=group, until__lt=until).update(until=until)
        _leave_thread()
        super().pause(group, seconds)


def _leave_thread() -> None:
    """Close this thread's database connection where the thread is one of the Close client's own.

    Nobody else would: such a thread ends with the walk, and an open connection would outlive it.
    """
    if threading.current_thread().name.startswith("close"):
        connection.close()
