"""What runs in the background. The queue only wakes: the truth is in the rows of walks, plans and changes.

Every task may run twice or never; the worker's sweep finds what is due.
"""

import logging

from django_tasks import TaskContext, task

from dashboard.close.errors import CloseError
from dashboard.services import plans, sync
from dashboard.services.connection import NotConnectedError

log = logging.getLogger(__name__)


@task(takes_context=True)
def refresh(context: TaskContext, asked_by: str = "") -> None:
    """Walk over the whole organisation, unless somebody is at it, or a walk began after this one was asked for.

    While a walk goes on others may be asked for, by clicks and by the clock; one more walk is the answer to all.
    """
    asked_at = context.task_result.enqueued_at
    if asked_at and sync.read_since(asked_at):
        return
    try:
        sync.sync(asked_by=asked_by)
    except (sync.AlreadyRunningError, CloseError, NotConnectedError) as error:
        # The run and the connection hold the reason; the header shows it.
        log.info("refresh: %s", error)


@task()
def sweep() -> None:
    """End or settle what was left behind."""
    plans.sweep()
