"""What runs in the background. The queue only wakes: the truth is in the rows of walks, plans and changes.

Every task may run twice or never; the worker's sweep finds what is due.
"""

import logging

from django_tasks import task

from dashboard.close import CloseError
from dashboard.services import plans, sync
from dashboard.services.connection import NotConnectedError

log = logging.getLogger(__name__)


@task()
def refresh(asked_by: str = "") -> None:
    """Walk over the whole organisation, unless somebody is at it."""
    try:
        sync.sync(asked_by=asked_by)
    except (sync.AlreadyRunningError, CloseError, NotConnectedError) as error:
        # The run and the connection hold the reason; the header shows it.
        log.info("refresh: %s", error)


@task()
def sweep() -> None:
    """End or settle what was left behind."""
    plans.sweep()
