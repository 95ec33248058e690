"""What runs in the background. The queue only wakes: the truth is in the rows of walks, plans and changes.

Every task may run twice or never; the worker's sweep finds what is due.
"""

import logging

from django_tasks import TaskContext, task

from dashboard.close.errors import CloseError
from dashboard.services import absence_clock, credentials, events, plans, posting, running, sync, telling
from dashboard.services import tidy as tidying
from dashboard.services.connection import NotConnectedError
from dashboard.signin import roles

log = logging.getLogger(__name__)

# The queues of what may take long: each has a worker of its own, so that small work never waits for it.
WALKS, PLANS, MESSAGES = "walks", "plans", "messages"


@task(takes_context=True, queue_name=WALKS)
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
    """End or settle what was left behind, and keep the access to Close from ending unused.

    Once an hour, say where the history ends, and work out anew what the company account's groups give.
    """
    credentials.renew_daily()
    plans.sweep()
    sync.sweep()
    absence_clock.tick()
    events.tell_head()
    telling.look()
    post.enqueue()
    roles.settle_everybody()


@task(queue_name=MESSAGES)
def post() -> None:
    """Send messages on, by mail and to the chat."""
    posting.send()


@task()
def tidy() -> None:
    """Put old records away."""
    log.info("put away: %s", tidying.tidy())


@task(queue_name=PLANS)
def run_plans() -> None:
    """Apply the plans that are due."""
    running.run_due()


@task()
def tick() -> None:
    """Begin and end the absences that are due, and wake the plans that this makes."""
    absence_clock.tick()
    if running.is_due():
        run_plans.enqueue()
