"""What a number will be set to at a moment to come, as far as it is known here: by absences and scheduled plans."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from dashboard.models import Absence, Change, Holding, Occurrence, Outcome, PhoneNumber, Plan
from dashboard.services import absence_days, fields


@dataclass(frozen=True)
class Forecast:
    """`number` is a copy, set as it will be; never save it. `reasons` names what has made it so, oldest first."""

    number: PhoneNumber
    reasons: list[Absence | Plan]


@dataclass(frozen=True)
class _Event:
    """At this moment these fields become these values; without values, what they were before `cause` set them."""

    at: datetime
    cause: Absence | Plan
    sets: dict[str, Any] | None


def forecast(number: PhoneNumber, moment: datetime) -> Forecast:
    """How `number` will be set at `moment` (aware), if nobody changes it by then.

    Two absences never hold one field at the same time, so what one puts back is what was there when it began.
    """
    values, former = fields.held(number, fields.EDITABLE), _former(number)
    reasons: list[Absence | Plan] = [cause for cause, _ in former.values()]
    # Where one absence follows another, what the first has set is gone before the second sets its own.
    for event in sorted(_events(number, moment), key=lambda event: (event.at, event.sets is not None)):
        if event.sets is None:
            _, before = former.pop(_key(event.cause), (event.cause, {}))
            values |= before
            reasons = [reason for reason in reasons if reason != event.cause]
        else:
            if isinstance(event.cause, Absence):
                former[_key(event.cause)] = (event.cause, {name: values[name] for name in event.sets})
            values |= event.sets
            reasons.append(event.cause)
    expected = copy.copy(number)
    for name, value in values.items():
        setattr(expected, name, value)
    return Forecast(expected, reasons)


def _key(cause: Absence | Plan) -> tuple[str, int]:
    return type(cause).__name__, cause.pk


def _former(number: PhoneNumber) -> dict[tuple[str, int], tuple[Absence, dict[str, Any]]]:
    """What absences that are on now will put back, by absence."""
    found: dict[tuple[str, int], tuple[Absence, dict[str, Any]]] = {}
    held = Holding.objects.filter(number=number, state=Holding.State.HELD).select_related("occurrence__absence")
    for holding in held:
        absence = holding.occurrence.absence
        _, values = found.setdefault(_key(absence), (absence, {}))
        values[holding.field] = holding.former if holding.former is not None else _nothing(holding.field)
    return found


def _nothing(name: str) -> Any:
    return None if name == "inbound_ring_duration" else ""


def _events(number: PhoneNumber, moment: datetime) -> Iterator[_Event]:
    now = timezone.now()
    on = Occurrence.objects.filter(
        absence__numbers=number, state__in=(Occurrence.State.ON, Occurrence.State.RETURNING)
    ).select_related("absence")
    for occurrence in on:
        if occurrence.ends_at <= moment:
            yield _Event(occurrence.ends_at, occurrence.absence, None)
    begun = {(occurrence.absence_id, occurrence.day) for occurrence in on}
    for absence in number.absences.filter(stopped_at__isnull=True).select_related("calendar"):
        # What begins at this very moment is on.
        for day, starts_at, ends_at in absence_days.spans(absence, now, moment + timedelta(microseconds=1)):
            if (absence.pk, day) in begun:
                continue
            if starts_at <= moment:
                yield _Event(starts_at, absence, absence.sets)
            if ends_at <= moment:
                yield _Event(ends_at, absence, None)
    scheduled = Change.objects.filter(
        number=number, state=Outcome.PENDING, plan__state=Plan.State.APPROVED, plan__run_at__lte=moment
    ).select_related("plan")
    for change in scheduled:
        yield _Event(change.plan.run_at or now, change.plan, change.after)
