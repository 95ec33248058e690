"""Plans of several numbers, as the tests of planning and of running make them."""

from uuid import uuid4

from dashboard import access
from dashboard.models import PhoneNumber, Source
from dashboard.services import approving, planning
from dashboard.services.planning import Row


def some(count, **facts):
    """Team numbers, each of which anybody of ops may change."""
    return list(PhoneNumber.objects.filter(type="internal", **facts).order_by("pk")[:count])


def draft(user, numbers, *, source=Source.BULK, **after):
    """A draft that sets these fields of these numbers."""
    rows = [Row(number, after) for number in numbers]
    return planning.propose(actor=access.person(user), source=source, rows=rows, intent=uuid4())


def approve(plan, user, **facts):
    """Approve a draft as its page shows it, with the count typed."""
    count = approving.to_change(plan, later=bool(facts.get("run_at"))).count()
    facts = {"digest": approving.digest(plan), "typed": str(count)} | facts
    return approving.approve(plan, access.person(user), **facts)


def verdicts(plan):
    return [change.verdict for change in plan.changes.order_by("pk")]


def states(plan):
    return sorted(plan.changes.values_list("state", flat=True))
