"""An absence was edited while it is on: what it sets now is sent, what it does not set any more goes back."""

from collections.abc import Iterable
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.db import transaction

from dashboard import access
from dashboard.models import Adjustment, Drift, Holding, Notice, Occurrence, PhoneNumber, Plan, Source
from dashboard.services import absence_holds, approving, fields, notices, planning
from dashboard.services.planning import Row
from dashboard.services.plans import NotAllowedError


def adjust(occurrence: Occurrence) -> None:
    """Bring an occurrence that is on up to what its absence sets by now; for the clock, each beat."""
    absence = occurrence.absence
    if occurrence.edition >= absence.edition:
        return
    if not absence_holds.break_off(occurrence, "The absence was edited."):
        return
    absence_holds.note(occurrence)
    try:
        with transaction.atomic():
            _propose(occurrence)
            mine = Occurrence.objects.filter(pk=occurrence.pk, edition=occurrence.edition, state=Occurrence.State.ON)
            if not mine.update(edition=absence.edition):
                transaction.set_rollback(True)
    except NotAllowedError as error:
        if Occurrence.objects.filter(pk=occurrence.pk, edition=occurrence.edition).update(edition=absence.edition):
            words = f"“{absence.name}” was edited and could not be changed: {error.words}"
            notices.tell([absence.edited_by], Notice.Kind.ABSENCE, words)


def _propose(occurrence: Occurrence) -> None:
    """Up to three plans: other values for what it holds, the beginning for new numbers, and what goes back."""
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
        if wanted:
            (other if mine else new).append(Row(number, wanted))
    back = [
        row
        for number, mine in held.items()
        for row in absence_holds.rows_back(
            number, [one for name, one in mine.items() if name not in sets or number not in numbers]
        )
    ]
    name = absence.name
    _plan(occurrence, "other", other, name=f"{name}, edited")
    _plan(occurrence, "new", new, name=f"{name}, edited", all_fields=True)
    _plan(occurrence, "back", back, name=f"{name}, edited", judged=False, rights=False, undoes=occurrence.start_plan)


# A field in one of these states is the absence's to set; the others are somebody else's by now.
_OURS = (Holding.State.HELD, Holding.State.RETURNED)


def _may_set(number: PhoneNumber, holding: Holding | None, name: str, value: Any) -> bool:
    """Whether this value is another one, and nobody has changed the field since the absence has set it."""
    if holding is None:
        return True
    return absence_holds.is_still(number, holding) and not fields.same(name, holding.value, value)


def _plan(occurrence: Occurrence, what: str, rows: Iterable[Row], **facts: Any) -> Plan | None:
    if not (rows := list(rows)):
        return None
    absence = occurrence.absence
    plan = planning.propose(
        actor=access.person_by_id(absence.edited_by_id),
        source=Source.ABSENCE,
        rows=rows,
        intent=uuid5(NAMESPACE_URL, f"occurrence:{occurrence.pk}:edition:{absence.edition}:{what}"),
        reason=absence.reason,
        selection=f"the absence “{absence.name}”",
        **facts,
    )
    Adjustment.objects.get_or_create(plan=plan, defaults={"occurrence": occurrence})
    if plan.state == Plan.State.DRAFT:
        # For numbers new in it this is the beginning, so what they hold then is what comes back.
        begins = what == "new"
        approving.hand_on(
            plan, run_at=plan.created_at if begins else None, drift=Drift.ANYWAY if begins else Drift.LEAVE
        )
    return plan
