"""What an absence holds while it is on: each field that it has really set, with what was there before it began.

What was there before is noted once, and stays noted whatever the absence sets later: it is what comes back.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from dashboard.models import (
    Adjustment,
    Change,
    Counter,
    Holding,
    Occurrence,
    Outcome,
    PhoneNumber,
    Plan,
    Source,
    Verdict,
)
from dashboard.services import fields, running
from dashboard.services.planning import Row

State = Holding.State
UNDERWAY = (Outcome.PENDING, Outcome.SENDING, Outcome.UNKNOWN)
# A change that has certainly not happened, for a reason that passes: it is tried again until it is settled.
PASSES = Q(state__in=(Outcome.FAILED, Outcome.REFUSED), error_kind__in=("away", "not_sent", "refused_key"))
MOST_WAIT = timedelta(hours=1)
CLOCK = "absence_clock"


def alone() -> None:
    """Let no other clock plan anything for absences until the caller's transaction ends.

    So whoever finds that no plan of another absence has a number under way can count on it.
    """
    Counter.objects.get_or_create(name=CLOCK)
    Counter.objects.select_for_update().get(name=CLOCK)


def busy(occurrence: Occurrence) -> set[int]:
    """The keys of the numbers of which a plan of another absence has something under way."""
    underway = Change.objects.filter(state__in=UNDERWAY, plan__source=Source.ABSENCE)
    mine = [plan.pk for plan in plans_of(occurrence)]
    return set(underway.exclude(plan__in=mine).values_list("number", flat=True))


def note(occurrence: Occurrence) -> None:
    """Note what has become of the plans that set something for this occurrence. May run twice."""
    _note_begun(occurrence)
    for adjustment in occurrence.adjustments.filter(noted_at__isnull=True).select_related("plan"):
        if adjustment.plan.changes.filter(state__in=UNDERWAY).exists():
            continue
        mine = Adjustment.objects.filter(pk=adjustment.pk, noted_at__isnull=True)
        with transaction.atomic():
            if mine.update(noted_at=timezone.now()):
                for change in adjustment.plan.changes.select_related("plan").order_by("pk"):
                    (_note_back if adjustment.plan.undoes_id else _note_set)(occurrence, change)


def note_begun_of(number: PhoneNumber) -> None:
    """Note what an absence has begun to hold of a number since the clock last looked: who edits it now is asked."""
    on = Occurrence.objects.filter(state=Occurrence.State.ON).order_by()
    # Mostly nothing is on, which is known sooner than what is begun.
    if not on.exists():
        return
    applied = {"start_plan__changes__number": number, "start_plan__changes__state": Outcome.APPLIED}
    for occurrence in on.filter(**applied).exclude(holdings__number=number).select_related("start_plan"):
        _note_begun(occurrence)


def _note_begun(occurrence: Occurrence) -> None:
    done = occurrence.holdings.values("number")
    applied = Change.objects.filter(plan=occurrence.start_plan, state=Outcome.APPLIED).exclude(number__in=done)
    held = Holding.objects.filter(number__in=applied.order_by().values("number"), state=State.HELD)
    earlier = {(one.number_id, one.field): one for one in held.filter(_before(occurrence))}
    with transaction.atomic():
        found = [_begun(occurrence, change, name, earlier) for change in applied for name in change.after]
        Holding.objects.bulk_create([holding for holding in found if holding], ignore_conflicts=True)


def _before(occurrence: Occurrence) -> Q:
    """Holdings of what began before this occurrence: those that it takes over."""
    same_time = Q(occurrence__starts_at=occurrence.starts_at, occurrence__lt=occurrence.pk)
    return Q(occurrence__starts_at__lt=occurrence.starts_at) | same_time


def _begun(
    occurrence: Occurrence, change: Change, name: str, earlier: Mapping[tuple[int, str], Holding]
) -> Holding | None:
    """What the occurrence holds of a field since this change, unsaved; None where there is nothing to put back.

    What one absence still holds when the next one sets it goes over to that: what was there before the first comes
    back at the end of the last, and nothing is sent in between.
    """
    former, value = change.before[name], (change.answer or change.after).get(name, change.after[name])
    handed_on = False
    if (other := earlier.get((change.number_id, name))) is not None:
        # Where somebody had changed it meanwhile, theirs is what comes back.
        handed_on = fields.same(name, other.value, former)
        state = State.HANDED_ON if handed_on else State.LEFT
        if not Holding.objects.filter(pk=other.pk, state=State.HELD).update(state=state):
            return None
        former = other.former if handed_on else former
    if fields.same(name, value, former) and not handed_on:
        return None
    return Holding(occurrence=occurrence, number_id=change.number_id, field=name, former=former, value=value)


def _note_set(occurrence: Occurrence, change: Change) -> None:
    """The new value of a field; one that the absence had not set before is held from now on."""
    if change.state != Outcome.APPLIED:
        return
    for name, after in change.after.items():
        value = (change.answer or change.after).get(name, after)
        holding = occurrence.holdings.filter(number=change.number_id, field=name).first()
        if holding is None or holding.state == State.RETURNED:
            others = Holding.objects.filter(
                _before(occurrence), number=change.number_id, field=name, state=State.HELD
            )
            new = _begun(occurrence, change, name, {(one.number_id, one.field): one for one in others})
            held = Holding.objects.filter(number=change.number_id, field=name, state=State.HELD)
            if new is not None and not held.exists():
                facts = {"former": new.former, "value": new.value, "state": State.HELD}
                Holding.objects.update_or_create(
                    occurrence=occurrence, number_id=change.number_id, field=name, defaults=facts
                )
        elif holding.state == State.HELD and fields.same(name, holding.value, change.before[name]):
            # What a person has set there meanwhile, until its end, stays what counts.
            Holding.objects.filter(pk=holding.pk, state=State.HELD).update(value=value)


def _note_back(occurrence: Occurrence, change: Change) -> None:
    """Fields that the absence does not set any more: they went back, or somebody had changed them meanwhile."""
    if not is_back(change) and _may_still_go_back(occurrence, change):
        return
    names = {*change.after, *change.shown}
    for holding in occurrence.holdings.filter(number=change.number_id, state=State.HELD):
        # A first target cannot be taken away; forwarding goes off instead, and that is its way back.
        with_it = holding.field == "forward_to" and not holding.former and "forward_to_enabled" in names
        if holding.field in names or with_it or not names:
            state = State.RETURNED if is_back(change) else State.LEFT
            Holding.objects.filter(pk=holding.pk, state=State.HELD).update(state=state)


def _may_still_go_back(occurrence: Occurrence, change: Change) -> bool:
    """Whether what this row did not put back stays held, to be put back later."""
    if change.plan.state == Plan.State.CANCELLED:
        # While it is on there is something newer; at its end a person wants nothing more of it to be sent.
        return occurrence.state == Occurrence.State.ON
    # By a conflict Close was read: the fields that nobody has changed go back by themselves.
    return change.state == Outcome.CONFLICT or Change.objects.filter(PASSES, pk=change.pk).exists()


def is_back(change: Change | None) -> bool:
    """Whether this row of a plan that puts back has done so, or found that it is so already."""
    if change is None:
        return False
    same = change.state == Outcome.LEFT_OUT and change.verdict == Verdict.SAME
    return same or change.state == Outcome.APPLIED


def not_taken_back(occurrence: Occurrence) -> set[int]:
    """The keys of the numbers that a plan could not put back though nobody had changed them."""
    plans = Plan.objects.filter(adjusts__occurrence=occurrence, undoes__isnull=False)
    failed = Change.objects.filter(plan__in=plans, state__in=(Outcome.REFUSED, Outcome.FAILED))
    return set(failed.exclude(PASSES).values_list("number", flat=True))


def failing(occurrence: Occurrence) -> QuerySet[Change]:
    """The last changes of those of its numbers that could not be made for a reason that passes."""
    wanted = Q(number__in=occurrence.absence.numbers.values("pk")) | Q(plan__undoes__isnull=False)
    return last_of(occurrence).filter(PASSES, wanted, number__missing_since__isnull=True)


def last_of(occurrence: Occurrence) -> QuerySet[Change]:
    """The last change that its plans have for each number."""
    changes = Change.objects.filter(plan__in=plans_of(occurrence))
    later = changes.order_by().filter(number=OuterRef("number"), pk__gt=OuterRef("pk"))
    return changes.filter(~Exists(later))


def may_try_again(occurrence: Occurrence, since: datetime) -> bool:
    """Whether it is time to try again what fails since then: it waits as long as it has been failing, or an hour."""
    last = failing(occurrence).order_by("-finished_at").values_list("finished_at", flat=True).first()
    return last is None or timezone.now() - last >= min(last - since, MOST_WAIT)


def unsettled(occurrence: Occurrence) -> list[Plan]:
    """Its plans of which something has not happened yet; of one that was tried again, the first."""
    open_ = Change.objects.filter(plan__in=plans_of(occurrence), state__in=UNDERWAY)
    pks = {*open_.values_list("plan", flat=True), *failing(occurrence).values_list("plan", flat=True)}
    found = set()
    for plan in Plan.objects.filter(pk__in=pks):
        while plan.retries is not None:
            plan = plan.retries
        found.add(plan)
    return sorted(found, key=lambda plan: plan.pk)


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


def to_put_back(occurrence: Occurrence) -> list[Row]:
    """The rows that put back what it holds, without numbers that another absence is about to take over.

    For the caller's transaction, after `alone`.
    """
    taken = busy(occurrence)
    for other in Occurrence.objects.filter(state__in=(Occurrence.State.ON, Occurrence.State.RETURNING)):
        note(other)
    mine = {number: fields for number, fields in held(occurrence).items() if number.pk not in taken}
    return [row for number, fields in mine.items() for row in rows_back(number, fields.values())]


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
