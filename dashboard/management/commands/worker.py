"""The worker: runs background tasks, reads from Close each SYNC_INTERVAL seconds, sweeps each minute."""

import threading
from datetime import timedelta
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import close_old_connections, connection
from django.utils import timezone

from dashboard import tasks
from dashboard.services import health, sync

BEAT = 15.0
SWEEP_EVERY = timedelta(minutes=1)
KEPT_DAYS = 3


class Command(BaseCommand):
    """A queue worker with a clock beside it. Several may run; each task finds out itself whether it is needed."""

    help = "Run background tasks, the regular refresh and the sweep. Ctrl-C ends it."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        clock = threading.Thread(target=self.clock, args=(stop,), name="clock", daemon=True)
        clock.start()
        try:
            call_command("db_worker", interval=1, startup_delay=False, verbosity=0)
        finally:
            stop.set()
            clock.join(timeout=5)

    def clock(self, stop: threading.Event) -> None:
        """Give a sign of life each beat, and wake what is due."""
        swept = timezone.now() - SWEEP_EVERY
        while not stop.is_set():
            try:
                now = timezone.now()
                health.worker_lives()
                if now - swept >= SWEEP_EVERY:
                    swept = now
                    tasks.sweep.enqueue()
                    # What a task has done is in its rows; that it has run is of interest for a few days.
                    call_command("prune_db_task_results", min_age_days=KEPT_DAYS, verbosity=0)
                if sync.is_due():
                    tasks.refresh.enqueue()
            except Exception:  # The clock must go on whatever a beat meets; the log has it.
                tasks.log.exception("The worker's clock missed a beat.")
            close_old_connections()
            stop.wait(BEAT)
        connection.close()
