"""What an absence holds of a number, and what becomes of that when a person changes such a field meanwhile."""

from collections.abc import Callable, Iterable

from django.db.models import Exists, OuterRef, QuerySet

from dashboard.models import Change, Hold, Holding, Occurrence, PhoneNumber, Plan, Source
from dashboard.models.plans import Outcome, Verdict


def of_number(number: PhoneNumber, names: Iterable[str] = ()) -> QuerySet[Holding]:
    """What absences hold of a number now, of these fields if any are named, the first held first."""
    held = Holding.objects.filter(number=number.pk, state=Holding.State.HELD).order_by("pk")
    names = list(names)
    return held.filter(field__in=names) if names else held


def on_now(numbers: Iterable[PhoneNumber]) -> dict[int, Occurrence]:
    """The occurrence that holds something of a number now, by the number's key; with its absence. One query."""
    held = Holding.objects.filter(number__in=[number.pk for number in numbers], state=Holding.State.HELD)
    return {one.number_id: one.occurrence for one in held.select_related("occurrence__absence").order_by("-pk")}


def in_draft(plan: Plan) -> dict[int, Holding]:
    """Of a draft's rows that would change a field which an absence holds: one such holding by the row's key.

    What an absence does itself asks nobody.
    """
    if plan.source == Source.ABSENCE:
        return {}
    held: dict[int, list[Holding]] = {}
    rows = plan.changes.filter(state=Outcome.PLANNED, verdict=Verdict.CHANGE)
    state = Holding.State.HELD
    # From what is held, which is little, to the rows: there may be ten thousand of those.
    theirs = Holding.objects.filter(Exists(rows.order_by().filter(number=OuterRef("number"))), state=state)
    for holding in theirs.select_related("occurrence__absence"):
        held.setdefault(holding.number_id, []).append(holding)
    found = {}
    if held:
        for change in rows.filter(number__in=held):
            mine = [holding for holding in held[change.number_id] if holding.field in change.after]
            if mine:
                found[change.pk] = mine[0]
    return found


def keep_until_end(change: Change) -> None:
    """An applied change counts as the absence's own: it holds until that ends, then the former value is back."""
    for holding in of_number(change.number, change.after):
        value = (change.answer or change.after).get(holding.field, change.after[holding.field])
        Holding.objects.filter(pk=holding.pk, state=Holding.State.HELD).update(value=value)


def for_good(change: Change) -> None:
    """An applied change outlasts the absence: it ends for these fields."""
    pks = [holding.pk for holding in of_number(change.number, change.after)]
    Holding.objects.filter(pk__in=pks, state=Holding.State.HELD).update(state=Holding.State.LET_GO)


# What a person answers who was asked how long a change of such a field shall hold.
ANSWERS: dict[str, Callable[[Change], None]] = {Hold.UNTIL.value: keep_until_end, Hold.GOOD.value: for_good}
