"""The queue on Redis (TASKS_URL), an extra: what wakes the workers of several machines at once.

Whatever wakes them, the truth is in the rows of the database: a job that is lost with its worker, or could not be put
into the queue, is made up for by the worker's clock, which finds what is due.
"""

import logging
from typing import Any
from uuid import uuid4

import django_rq
from django.db import close_old_connections
from django_tasks import TaskResult, TaskResultStatus
from django_tasks.base import Task
from django_tasks.utils import get_random_id
from django_tasks_rq.backend import Job, RQBackend
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.timeouts import TimerDeathPenalty

log = logging.getLogger(__name__)

# So often, in seconds, a worker that has nothing to do looks whether it shall end.
LOOK_EVERY = 2


class RedisBackend(RQBackend):
    """django-tasks on Redis. While Redis is away nobody is woken, and whoever wanted to wake goes on."""

    def enqueue(self, task: Task[Any, Any], args: Any, kwargs: Any) -> TaskResult[Any]:
        try:
            return super().enqueue(task, args, kwargs)
        except RedisError as error:
            log.warning("%s was not put into the queue, so it waits for the worker's clock: %s", task.name, error)
        return TaskResult(
            task=task,
            id=get_random_id(),
            status=TaskResultStatus.READY,
            enqueued_at=None,
            started_at=None,
            last_attempted_at=None,
            finished_at=None,
            args=list(args),
            kwargs=kwargs,
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )


class RedisWorker(SimpleWorker):
    """Works on one queue in the thread that calls `run`, until it is told to end."""

    # A walk or a plan takes as long as it takes, and only a main thread could be told by a signal that it was long.
    death_penalty_class = TimerDeathPenalty

    def __init__(self, queue: str, *, main: bool = False) -> None:
        self.worker_id, self.running, self._main = queue, True, main
        queues = [django_rq.get_queue(queue, job_class=Job)]
        super().__init__(queues, name=f"{queue}-{uuid4()}", job_class=Job, connection=queues[0].connection)

    @property
    def dequeue_timeout(self) -> int:
        return LOOK_EVERY

    def run(self) -> None:
        """Work until it is told to end: by `running`, or by a signal where this is the main thread."""
        self.work(logging_level="WARNING")

    def heartbeat(self, *args: Any, **kwargs: Any) -> None:
        if not self.running:
            raise StopRequested
        super().heartbeat(*args, **kwargs)

    def _install_signal_handlers(self) -> None:
        if self._main:
            super()._install_signal_handlers()  # type: ignore[no-untyped-call]

    def execute_job(self, job: Any, queue: Any) -> None:
        close_old_connections()
        super().execute_job(job, queue)
        close_old_connections()
