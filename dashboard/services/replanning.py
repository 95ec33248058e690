"""Plans that come out of plans: taking one back, and trying once more what failed. Both are shown before they run."""

from collections.abc import Iterator
from uuid import UUID

from django.db.models import Q

from dashboard.access import Person
from dashboard.models import Occurrence, Outcome, Plan, Source
from dashboard.services import absence_adjusting, planning, plans
from dashboard.services.planning import Row

NOT_MADE = (Outcome.FAILED, Outcome.REFUSED, Outcome.CONFLICT)
UNDERWAY = "Some of its changes are still under way. Pause the plan, or wait until it has ended."


def take_back(plan: Plan, actor: Person, *, intent: UUID) -> Plan:
    """A draft that puts back what this plan has changed, exactly (promise P7); what cannot be put back says why.

    It compares with what Close answered then: a number that somebody has changed since is left alone and shown.
    """
    if plan.changes.filter(state__in=(Outcome.SENDING, Outcome.UNKNOWN)).exists() or plan.state == Plan.State.RUNNING:
        raise plans.NotAllowedError(UNDERWAY)

    def rows() -> Iterator[Row]:
        applied = plan.changes.filter(state=Outcome.APPLIED).with_undone().select_related("number")
        for change in applied.order_by("pk"):
            if not (note := plans.undo_note(change)).possible:
                yield Row(change.number, dict(change.before), error=note.words)
                continue
            after, was = plans.taken_back(change)
            yield Row(change.number, after, before=was, undoes=change)

    return planning.propose(
        actor=actor,
        source=Source.UNDO,
        rows=rows(),
        intent=intent,
        name=f"Put back: {title(plan)}",
        selection=f"what the plan “{title(plan)}” has changed",
        judged=False,
        undoes=plan,
    )


def try_again(plan: Plan, actor: Person, *, intent: UUID, only: int | None = None) -> Plan:
    """A draft of what this plan could not change, starting from what the numbers hold now.

    An absence tries its own again, at once; then the plan that does so is returned. `only`: the key of the one change
    that is tried again. NotAllowedError where nothing of it has failed.
    """
    failed = plan.changes.filter(state__in=NOT_MADE).select_related("number").order_by("pk")
    failed = failed if only is None else failed.filter(pk=only)
    if not failed.exists():
        raise plans.NotAllowedError("Nothing of this has failed, so there is nothing to try again.")
    ours = Q(start_plan=plan) | Q(end_plan=plan) | Q(adjustments__plan=plan)
    if (occurrence := Occurrence.objects.filter(ours).first()) is not None:
        return absence_adjusting.try_again(occurrence, plan, actor, failed)
    return planning.propose(
        actor=actor,
        source=plan.source,
        rows=(Row(change.number, {**change.shown, **change.after}) for change in failed),
        intent=intent,
        name=f"Once more: {title(plan)}",
        reason=plan.reason,
        selection=f"what the plan “{title(plan)}” could not change",
        retries=plan,
    )


def title(plan: Plan) -> str:
    """What a plan is called: its name, else what it is."""
    return plan.name or f"{plan.get_source_display()}, {plan.created_at:%d %b %Y}"
