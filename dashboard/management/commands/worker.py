"""The worker: walks, plans and small work side by side, with a clock that wakes what is due."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import close_old_connections, connection
from django.utils import timezone
from django.utils.module_loading import import_string
from django_tasks_db.management.commands.db_worker import Worker

from dashboard import tasks
from dashboard.services import absence_clock, health, holding, running, sync, tidy

BEAT = 15.0
LOOK_EVERY = 1.0
SWEEP_EVERY = timedelta(minutes=1)


class Command(BaseCommand):
    """Queue workers with a clock beside them, so that a long walk or plan holds nothing else up.

    Several may run; each task finds out itself whether it is needed.
    """

    help = "Run background tasks, the regular refresh, plans that are due and the sweep. Ctrl-C ends it."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        beside = [worker_of(queue) for queue in (tasks.WALKS, tasks.PLANS, tasks.MESSAGES)]
        threads = [_thread(worker.worker_id, _closing(partial(work_on, worker))) for worker in beside]
        threads.append(_thread("clock", _closing(lambda: self.clock(stop))))
        try:
            # The small work is the main thread's, which hears the signal to end.
            if settings.TASKS_URL:
                redis_worker("default", main=True).run()
            else:
                call_command("db_worker", interval=LOOK_EVERY, startup_delay=False, verbosity=0)
        finally:
            stop.set()
            for worker in beside:
                worker.running = False
            # What is in the middle of something is not waited for long: whoever comes next goes on from the rows.
            for thread in threads:
                thread.join(timeout=5)

    def clock(self, stop: threading.Event) -> None:
        """Give a sign of life each beat, and wake what is due."""
        swept, tidied = timezone.now() - SWEEP_EVERY, None
        while not stop.is_set():
            try:
                now = timezone.now()
                # Asked before the sign of life, which would hide that there was none for long.
                holding.look()
                health.worker_lives()
                if now - swept >= SWEEP_EVERY:
                    swept = now
                    tasks.sweep.enqueue()
                if tidy.is_due(tidied):
                    tidied = now
                    tasks.tidy.enqueue()
                if sync.is_due():
                    tasks.refresh.enqueue()
                if absence_clock.is_due(now):
                    tasks.tick.enqueue()
                if running.is_due():
                    tasks.run_plans.enqueue()
            except Exception:  # The clock must go on whatever a beat meets; the log has it.
                tasks.log.exception("The worker's clock missed a beat.")
            close_old_connections()
            stop.wait(BEAT)


def redis_worker(queue: str, *, main: bool = False) -> Any:
    """A worker for one queue on Redis; what it stands on is installed only where TASKS_URL is set."""
    return import_string("dashboard.redis_queue.RedisWorker")(queue, main=main)


def worker_of(queue: str) -> Any:
    """A worker for one queue, to run in a thread of its own."""
    if settings.TASKS_URL:
        return redis_worker(queue)
    return Worker(
        queue_names=[queue],
        interval=LOOK_EVERY,
        batch=False,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id=queue,
        excluded_queue_names=[],
    )


def work_on(worker: Any) -> None:
    """Run a queue's worker until it is told to end, also when the database was away for a moment."""
    while worker.running:
        try:
            worker.run()
        except Exception:  # Nobody would miss this thread, and its queue would stand still.
            tasks.log.exception("The worker for %s begins again.", worker.worker_id)
            close_old_connections()
            time.sleep(BEAT)


def _thread(name: str, work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread


def _closing(work: Callable[[], None]) -> Callable[[], None]:
    def do() -> None:
        try:
            work()
        finally:
            connection.close()

    return do
