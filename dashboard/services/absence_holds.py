"""What an absence holds while it is on: each field that it has really set, with what was there before it began.

What was there before is noted once, and stays noted whatever the absence sets later: it is what comes back.
"""

from collections.abc import Iterable, Iterator

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from dashboard.models import Adjustment, Change, Holding, Occurrence, Outcome, PhoneNumber, Plan, Verdict
from dashboard.services import fields, running
from dashboard.services.planning import Row

State = Holding.State
UNDERWAY = (Outcome.PENDING, Outcome.SENDING, Outcome.UNKNOWN)


def note(occurrence: Occurrence) -> None:
    """Note what has become of the plans that set something for this occurrence. May run twice."""
    _note_begun(occurrence)
    for adjustment in occurrence.adjustments.filter(noted_at__isnull=True).select_related("plan"):
        if adjustment.plan.changes.filter(state__in=UNDERWAY).exists():
            continue
        mine = Adjustment.objects.filter(pk=adjustment.pk, noted_at__isnull=True)
        with transaction.atomic():
            if mine.update(noted_at=timezone.now()):
                for change in adjustment.plan.changes.order_by("pk"):
                    (_note_back if adjustment.plan.undoes_id else _note_set)(occurrence, change)


def _note_begun(occurrence: Occurrence) -> None:
    done = occurrence.holdings.values("number")
    applied = Change.objects.filter(plan=occurrence.start_plan, state=Outcome.APPLIED).exclude(number__in=done)
    found = [
        Holding(
            occurrence=occurrence,
            number_id=change.number_id,
            field=name,
            former=change.before[name],
            value=(change.answer or change.after).get(name, change.after[name]),
        )
        for change in applied
        for name in fields.differing(change.after, change.before)
    ]
    Holding.objects.bulk_create(found, ignore_conflicts=True)


def _note_set(occurrence: Occurrence, change: Change) -> None:
    """The new value of a field; one that the absence had not set before is held from now on."""
    if change.state != Outcome.APPLIED:
        return
    for name, after in change.after.items():
        value = (change.answer or change.after).get(name, after)
        holding = occurrence.holdings.filter(number=change.number_id, field=name).first()
        if holding is None or holding.state == State.RETURNED:
            others = Holding.objects.filter(number=change.number_id, field=name, state=State.HELD)
            if not fields.same(name, after, change.before[name]) and not others.exists():
                facts = {"former": change.before[name], "value": value, "state": State.HELD}
                Holding.objects.update_or_create(
                    occurrence=occurrence, number_id=change.number_id, field=name, defaults=facts
                )
        elif holding.state == State.HELD and fields.same(name, holding.value, change.before[name]):
            # What a person has set there meanwhile, until its end, stays what counts.
            Holding.objects.filter(pk=holding.pk, state=State.HELD).update(value=value)


def _note_back(occurrence: Occurrence, change: Change) -> None:
    """Fields that the absence does not set any more: they went back, or somebody had changed them meanwhile."""
    names = set(change.after)
    for holding in occurrence.holdings.filter(number=change.number_id, state=State.HELD):
        # A first target cannot be taken away; forwarding goes off instead, and that is its way back.
        with_it = holding.field == "forward_to" and not holding.former and "forward_to_enabled" in names
        if holding.field in names or with_it:
            state = State.RETURNED if is_back(change) else State.LEFT
            Holding.objects.filter(pk=holding.pk, state=State.HELD).update(state=state)


def is_back(change: Change | None) -> bool:
    """Whether this row of a plan that puts back has done so, or found that it is so already."""
    if change is None:
        return False
    same = change.state == Outcome.LEFT_OUT and change.verdict == Verdict.SAME
    return same or change.state == Outcome.APPLIED


def not_taken_back(occurrence: Occurrence) -> set[int]:
    """The keys of the numbers that a plan could not put back though nobody had changed them."""
    ends = Q(pk=occurrence.end_plan_id) | Q(adjusts__occurrence=occurrence, undoes__isnull=False)
    plans = Plan.objects.filter(ends)
    failed = Change.objects.filter(plan__in=plans, state__in=(Outcome.REFUSED, Outcome.FAILED))
    return set(failed.values_list("number", flat=True))


def held(occurrence: Occurrence) -> dict[PhoneNumber, dict[str, Holding]]:
    """What the occurrence holds now, by number and field."""
    found: dict[PhoneNumber, dict[str, Holding]] = {}
    for holding in occurrence.holdings.filter(state=State.HELD).select_related("number").order_by("number"):
        found.setdefault(holding.number, {})[holding.field] = holding
    return found


def is_still(number: PhoneNumber, holding: Holding) -> bool:
    """Whether the number holds what the absence has set, as far as the cache knows."""
    return fields.same(holding.field, getattr(number, holding.field), holding.value)


def rows_back(number: PhoneNumber, holdings: Iterable[Holding]) -> Iterator[Row]:
    """The row that puts these fields of a number back; those that somebody has changed meanwhile are left."""
    holdings = list(holdings)
    still = [holding for holding in holdings if is_still(number, holding)]
    moved = [holding.pk for holding in holdings if holding not in still]
    Holding.objects.filter(pk__in=moved).update(state=State.LEFT)
    if not still or number.missing_since:
        return
    after = fields.for_close({holding.field: holding.former for holding in still})
    if after.get("forward_to") == "":
        # Close cannot take a target away again, so forwarding is off as it was.
        del after["forward_to"]
    yield Row(number, after, before={holding.field: holding.value for holding in still if holding.field in after})


def plans_of(occurrence: Occurrence) -> list[Plan]:
    """The plans that set something for it: that of its beginning, and those of later editions."""
    begun = [occurrence.start_plan] if occurrence.start_plan else []
    return begun + [adjustment.plan for adjustment in occurrence.adjustments.select_related("plan")]


def break_off(occurrence: Occurrence, words: str) -> bool:
    """End what its plans have not sent yet, `words` saying why; False while something is on its way to Close."""
    plans = plans_of(occurrence)
    for plan in plans:
        running.break_off(plan, words)
    return not Change.objects.filter(plan__in=plans, state__in=(Outcome.SENDING, Outcome.UNKNOWN)).exists()
