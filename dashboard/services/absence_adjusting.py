"""What an absence has set is brought up to what it sets: after an edit while it is on, and after something failed."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.db import transaction

from dashboard import access
from dashboard.access import Person
from dashboard.models import (
    Adjustment,
    Change,
    Connection,
    Drift,
    Holding,
    Notice,
    Occurrence,
    PhoneNumber,
    Plan,
    Source,
)
from dashboard.services import absence_holds, absences, approving, fields, holding, notices, planning
from dashboard.services import connection as connections
from dashboard.services.planning import Row
from dashboard.services.plans import HeldError, NotAllowedError


def adjust(occurrence: Occurrence) -> None:
    """Bring an occurrence that is on up to what its absence sets by now; for the clock, each beat."""
    absence = occurrence.absence
    if occurrence.edition >= absence.edition:
        return
    if not absence_holds.break_off(occurrence, "The absence was edited."):
        return
    absence_holds.note(occurrence)
    actor = access.person_by_id(absence.edited_by_id)
    try:
        with transaction.atomic():
            absence_holds.alone()
            if absence_holds.busy(occurrence) & set(absence.numbers.values_list("pk", flat=True)):
                return
            _propose(occurrence, actor)
            mine = Occurrence.objects.filter(pk=occurrence.pk, edition=occurrence.edition, state=Occurrence.State.ON)
            if not mine.update(edition=absence.edition):
                transaction.set_rollback(True)
    except NotAllowedError as error:
        if Occurrence.objects.filter(pk=occurrence.pk, edition=occurrence.edition).update(edition=absence.edition):
            words = f"“{absence.name}” was edited and could not be changed: {error.words}"
            notices.tell([absence.edited_by], Notice.Kind.ABSENCE, words)


def once_more(occurrence: Occurrence) -> None:
    """Try again what could not be set for a reason that passes; for the clock, each beat."""
    failed = absence_holds.failing(occurrence).order_by("-pk").select_related("plan").first()
    if failed is None or not absence_holds.may_try_again(occurrence, occurrence.starts_at):
        return
    # Whoever may do nothing any more is told after fifteen minutes, as of all that is late.
    with suppress(NotAllowedError), transaction.atomic():
        absence_holds.alone()
        numbers = set(absence_holds.failing(occurrence).values_list("number", flat=True))
        _propose(
            occurrence,
            access.person_by_id(failed.plan.author_id),
            only=numbers - absence_holds.busy(occurrence),
            retries=failed.plan,
        )


def try_again(occurrence: Occurrence, plan: Plan, actor: Person, failed: Iterable[Change]) -> Plan:
    """Let the absence try again at once what one of its plans could not do; returns the plan that does it.

    So the absence knows of it, and puts back at its end what was there before. Raises NotAllowedError where nothing
    of it can be tried again.
    """
    if words := absences.why_not_stop(occurrence.absence, actor):
        raise NotAllowedError(words)
    here = Connection.load()
    if words := connections.why_no_write(here) or holding.words(here):
        raise HeldError(words)
    with transaction.atomic():
        absence_holds.alone()
        occurrence.refresh_from_db()
        # What was tried again since then is not this plan's any more.
        last = absence_holds.last_of(occurrence).filter(pk__in=[change.pk for change in failed])
        numbers = set(last.values_list("number", flat=True)) - absence_holds.busy(occurrence)
        if plan.undoes_id:
            found = _put_back_again(occurrence, actor, numbers, plan)
        elif occurrence.state == Occurrence.State.ON:
            found = _propose(occurrence, actor, only=numbers, retries=plan)
        else:
            raise NotAllowedError("This absence is not on any more, so there is nothing to try again.")
        if not found:
            raise NotAllowedError("Nothing is left of this to be tried again.")
    return found[0]


def _put_back_again(occurrence: Occurrence, actor: Person, numbers: set[int], plan: Plan) -> list[Plan]:
    """What was left as it is counts as held once more, and the absence as going back, until this has ended."""
    state = Holding.State
    left = occurrence.holdings.filter(number__in=numbers, state=state.LEFT).select_related("number")
    for one in left:
        others = Holding.objects.filter(number=one.number_id, field=one.field, state=state.HELD)
        if absence_holds.is_still(one.number, one) and not others.exists():
            Holding.objects.filter(pk=one.pk).update(state=state.HELD)
    held = absence_holds.held(occurrence).items()
    rows = [
        row for number, mine in held if number.pk in numbers for row in absence_holds.rows_back(number, mine.values())
    ]
    name = f"End of {occurrence.absence.name}"
    mark = f"retry:{occurrence.adjustments.count()}"
    facts: dict[str, Any] = {"judged": False, "rights": False, "undoes": occurrence.start_plan, "retries": plan}
    found = _plan(occurrence, actor, mark, rows, name=name, **facts)
    if found:
        Occurrence.objects.filter(pk=occurrence.pk, state=Occurrence.State.OVER).update(
            state=Occurrence.State.RETURNING
        )
    return [found] if found else []


def _propose(
    occurrence: Occurrence, actor: Person, *, only: set[int] | None = None, retries: Plan | None = None
) -> list[Plan]:
    """Up to three plans: other values for what it holds, the beginning for new numbers, and what goes back.

    `only`: the keys of the numbers that are tried again. Returns the plans.
    """
    absence = occurrence.absence
    sets, held = absence.sets, absence_holds.held(occurrence)
    given_up = set(occurrence.holdings.exclude(state__in=_OURS).values_list("number", "field"))
    numbers = list(absence.numbers.filter(missing_since__isnull=True))
    other: list[Row] = []
    new: list[Row] = []
    for number in numbers:
        mine = held.get(number, {})
        wanted = {
            name: value
            for name, value in sets.items()
            if (number.pk, name) not in given_up and _may_set(number, mine.get(name), name, value)
        }
        if wanted and (only is None or number.pk in only):
            (other if mine else new).append(Row(number, wanted))
    back = [
        row
        for number, mine in held.items()
        if only is None or number.pk in only
        for row in absence_holds.rows_back(
            number, [one for name, one in mine.items() if name not in sets or number not in numbers]
        )
    ]
    mark = f"edition:{absence.edition}"
    facts: dict[str, Any] = {"name": f"{absence.name}, edited"}
    if retries is not None:
        mark += f":retry:{occurrence.adjustments.count()}"
        facts = {"name": absence.name, "retries": retries}
    undoes: dict[str, Any] = {"judged": False, "rights": False, "undoes": occurrence.start_plan}
    found = [
        _plan(occurrence, actor, f"{mark}:other", other, **facts),
        _plan(occurrence, actor, f"{mark}:new", new, begins=True, **facts),
        _plan(occurrence, actor, f"{mark}:back", back, **undoes, **facts),
    ]
    return [plan for plan in found if plan]


# A field in one of these states is the absence's to set; the others are somebody else's by now.
_OURS = (Holding.State.HELD, Holding.State.RETURNED)


def _may_set(number: PhoneNumber, holding: Holding | None, name: str, value: Any) -> bool:
    """Whether this value is another one, and nobody has changed the field since the absence has set it."""
    if holding is None:
        return True
    return absence_holds.is_still(number, holding) and not fields.same(name, holding.value, value)


def _plan(
    occurrence: Occurrence, actor: Person, mark: str, rows: list[Row], *, begins: bool = False, **facts: Any
) -> Plan | None:
    """`begins`: for these numbers this is the beginning, so what they hold then is what comes back."""
    if not rows:
        return None
    absence = occurrence.absence
    plan = planning.propose(
        actor=actor,
        source=Source.ABSENCE,
        rows=rows,
        intent=uuid5(NAMESPACE_URL, f"occurrence:{occurrence.pk}:{mark}"),
        reason=absence.reason,
        selection=f"the absence “{absence.name}”",
        all_fields=begins,
        **facts,
    )
    Adjustment.objects.get_or_create(plan=plan, defaults={"occurrence": occurrence})
    if plan.state == Plan.State.DRAFT:
        approving.hand_on(
            plan, run_at=plan.created_at if begins else None, drift=Drift.ANYWAY if begins else Drift.LEAVE
        )
    return plan
