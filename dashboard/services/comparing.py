"""A draft is compared with what Close holds now: a few numbers are read one by one, many by a walk over all."""

from dashboard.close.errors import NotFoundError
from dashboard.models import Plan
from dashboard.services import planning, sync

# So many numbers are read while a person waits. A walk reads a hundred by one request, and each of these takes one.
FEW = 20


def is_few(plan: Plan) -> bool:
    """Whether `read` may be called for this draft while a person waits."""
    return plan.changes.count() <= FEW


def read(plan: Plan) -> bool:
    """Read each number of a draft from Close now, then compare; whether a row's verdict is another one.

    Raises CloseError where Close does not answer; what was read by then is kept. Raises StaleError where the plan is
    not a draft any more once all of them are read.
    """
    for change in plan.changes.select_related("number").order_by("pk"):
        try:
            sync.refresh_number(number=change.number)
        except NotFoundError:
            # It is marked as gone, and the row says so.
            continue
    return planning.compare(plan)
