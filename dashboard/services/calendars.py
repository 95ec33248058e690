"""Calendars: made, changed, deleted. What a change would do to the absences on its days is said before it is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from dashboard import access
from dashboard.access import Person
from dashboard.models import Absence, Calendar, Occurrence
from dashboard.services import absence_days, absences
from dashboard.services.plans import NotAllowedError

FIELDS = ("name", "country", "region", "own_days", "left_out")


class NameTakenError(NotAllowedError):
    """There is a calendar of this name already."""


@dataclass(frozen=True)
class Effect:
    """What a change does to the days to come, by ISO date with their names."""

    added: dict[str, str]
    removed: dict[str, str]

    @property
    def key(self) -> str:
        """The same for the same days: a page brings back what it has shown."""
        return " ".join([*(f"+{day}" for day in self.added), *(f"-{day}" for day in self.removed)])


def add(actor: Person, facts: Mapping[str, Any]) -> Calendar:
    """Store a new calendar; `facts` by the names of FIELDS."""
    if not actor.may_change_something:
        raise NotAllowedError(access.MAY_ONLY_LOOK)
    _must_be_free(facts["name"])
    return Calendar.objects.create(**facts)


def users(calendar: Calendar) -> Any:
    """The absences that are on its days; those that were stopped do not count any more."""
    return Absence.objects.filter(calendar=calendar, stopped_at__isnull=True)


def effect(calendar: Calendar, facts: Mapping[str, Any]) -> Effect:
    """Which days to come would be new, and which would not be there any more."""
    before, after = _coming(calendar), _coming(Calendar(**facts))
    return Effect(
        {day: name for day, name in after.items() if day not in before},
        {day: name for day, name in before.items() if day not in after},
    )


def _coming(calendar: Calendar) -> dict[str, str]:
    today = timezone.localdate()
    found = absence_days.days_off(calendar, today, today + absence_days.AHEAD)
    return {day.isoformat(): name for day, name in found.items()}


def edit(actor: Person, calendar: Calendar, facts: Mapping[str, Any]) -> None:
    """Make a calendar what `facts` say; absences that repeat on its days follow, what is on stays until its end.

    Raises NotAllowedError: rights, a name that is taken, or an absence that would then overlap another one.
    """
    _must_be_free(facts["name"], but=calendar)
    now = timezone.now()
    with transaction.atomic():
        _lock(actor, calendar)
        fine = [one.pk for one in users(calendar).select_related("calendar") if not absences.why_not_then(one)]
        for name in FIELDS:
            setattr(calendar, name, facts[name])
        calendar.save()
        for absence in users(calendar).select_related("calendar"):
            words = absences.why_not_then(absence) if absence.pk in fine else ""
            words = words or absences.overlap(absence, list(absence.numbers.all()), absence.sets)
            if words:
                raise NotAllowedError(f"“{absence.name}” cannot be on these days: {words}")
            absence.occurrences.filter(state=Occurrence.State.COMING).delete()
            absences.look_ahead(absence, now, anew=True)


def delete(actor: Person, calendar: Calendar) -> None:
    """Delete a calendar that no absence is on any more. Raises NotAllowedError."""
    with transaction.atomic():
        _lock(actor, calendar)
        if names := [one.name for one in users(calendar)]:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise NotAllowedError(f"“{names[0]}”{more} is on its days. Stop it or choose other days for it first.")
        Absence.objects.filter(calendar=calendar).update(calendar=None)
        calendar.delete()


def _lock(actor: Person, calendar: Calendar) -> None:
    """Let no absence come onto these days until the transaction ends; NotAllowedError if somebody else's is there."""
    list(Calendar.objects.select_for_update().filter(pk=calendar.pk))
    if words := access.why_not_calendar(actor, calendar):
        raise NotAllowedError(words)


def _must_be_free(name: str, but: Calendar | None = None) -> None:
    if Calendar.objects.filter(name=name).exclude(pk=but.pk if but else 0).exists():
        raise NameTakenError("There is a calendar of this name already. Choose another one.")
