"""Absences: numbers ring elsewhere for a while, and what was there comes back by itself.

Who may make one, and when it can be. Its beginnings and ends are carried out by the clock (absence_clock.py).
"""

import itertools
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from dashboard import access
from dashboard.access import Person
from dashboard.models import Absence, Change, Occurrence, PhoneNumber, Verdict
from dashboard.services import absence_days, approving, judging
from dashboard.services.plans import NotAllowedError

State = Occurrence.State
# What an absence may set. The label says what a number is, not where it rings.
FIELDS = ("forward_to", "forward_to_enabled", "press_1_to_accept", "voicemail_greeting_url", "inbound_ring_duration")


class OverlapError(NotAllowedError):
    """Another absence holds one of these fields at that time: `words` names it."""


def make(
    *,
    actor: Person,
    absence: Absence,
    numbers: Iterable[PhoneNumber],
    sets: Mapping[str, Any],
    typed: str = "",
    intent: UUID | None = None,
) -> Absence:
    """Store an absence and its first occurrence; returns it, saved. The same `intent` again gives the first again.

    `absence` comes unsaved, with name, reason, zone and its days. Raises NotAllowedError with the sentence that says
    what cannot be: rights, values, times; OverlapError; approving.CountError where the count has to be typed.
    """
    if (first := _first_of(intent, actor)) is not None:
        return first
    numbers = list(numbers)
    wanted = checked(actor=actor, absence=absence, numbers=numbers, sets=sets)
    now = timezone.now()
    _, starts_at, _ = next(absence_days.spans(absence, now, now + absence_days.AHEAD))
    approving.ask_count(actor, len(numbers), typed, at=starts_at)
    absence.author = actor.user if isinstance(actor.user, User) else None
    absence.author_name = actor.name
    absence.sets, absence.created_at, absence.intent = wanted, now, intent
    try:
        with transaction.atomic():
            absence.save()
            absence.numbers.set(numbers)
            look_ahead(absence, absence.created_at)
    except IntegrityError:
        # The same form was submitted twice at the same moment.
        if (first := _first_of(intent, actor)) is not None:
            return first
        raise
    return absence


def _first_of(intent: UUID | None, actor: Person) -> Absence | None:
    first = Absence.objects.filter(intent=intent).first() if intent else None
    if first is not None and first.author_id != actor.user.pk:
        raise NotAllowedError("This form belongs to another absence. Reload the page and try again.")
    return first


def checked(
    *, actor: Person, absence: Absence, numbers: list[PhoneNumber], sets: Mapping[str, Any]
) -> dict[str, Any]:
    """What an absence would set, once all of it is judged: rights, values, times, overlaps. Raises as `make` does."""
    if not actor.may_change_something:
        raise NotAllowedError(access.MAY_ONLY_LOOK)
    if not numbers:
        raise NotAllowedError("Choose at least one number.")
    allowed = access.changeable_ids(actor, numbers)
    if foreign := [number for number in numbers if number.pk not in allowed]:
        raise NotAllowedError(f"{foreign[0].number}: {access.BEYOND_TEAMS}")
    wanted = {name: value for name, value in sets.items() if name in FIELDS}
    if not wanted:
        raise NotAllowedError("Choose what shall be different meanwhile.")
    for number in numbers:
        if words := judging.values(number, wanted)[1]:
            raise NotAllowedError(f"{number.number}: {words}")
    # Asked again when it begins; what is wrong by now is said now.
    rows = [Change(number=number, after=wanted, verdict=Verdict.CHANGE) for number in numbers]
    judging.mark_loops(rows)
    for row in rows:
        if row.verdict == Verdict.LOOP:
            raise NotAllowedError(f"{row.number.number}: {row.error}")
    if words := why_not_then(absence):
        raise NotAllowedError(words)
    if words := overlap(absence, numbers, wanted):
        raise OverlapError(words)
    return wanted


def look_ahead(absence: Absence, now: datetime, *, anew: bool = False) -> None:
    """Make sure that the next occurrence is there; what was passed over since the last one is recorded as skipped.

    `anew`: its days are others than before, so nothing that lies behind was passed over.
    """
    last = absence.occurrences.order_by("-starts_at").first()
    if last is not None and last.ends_at > now:
        return
    since = last.ends_at if last and not anew else max(absence.created_at, now)
    for day, starts_at, ends_at in absence_days.spans(absence, since, now + absence_days.AHEAD):
        passed = ends_at <= now
        Occurrence.objects.get_or_create(
            absence=absence,
            day=day,
            defaults={
                "starts_at": starts_at,
                "ends_at": ends_at,
                "state": State.SKIPPED if passed else State.COMING,
                "words": "The worker was silent at that time." if passed else "",
            },
        )
        if not passed:
            return


def why_not_then(absence: Absence) -> str:
    """Why an absence cannot be at its times: a sentence, or ""."""
    starts, ends = absence_days.span(absence, absence.first_day)
    if ends.at <= starts.at:
        return "It would end before it begins. Choose a later end."
    if absence.last_day and absence.last_day < absence.first_day:
        return "Its last day is before its first one. Choose a later one."
    now = timezone.now()
    if starts.at > now + absence_days.AHEAD:
        return f"Only the next {absence_days.AHEAD.days} days are looked at. Choose an earlier beginning."
    if next(absence_days.spans(absence, now, now + absence_days.AHEAD), None) is None:
        return "All of it is in the past, or on no day at all. Choose other days."
    # Each day beside the next: a day on which the clocks change is longer or shorter than the others.
    since = max(now, starts.at)
    coming = absence_days.spans(absence, since, since + absence_days.AHEAD)
    for (_, _, ended), (day, begins, _) in itertools.pairwise(coming):
        if begins < ended:
            return (
                f"On {day:%d %b %Y} it would begin again before it has ended. Make it shorter, or choose fewer days."
            )
    return ""


def overlap(absence: Absence, numbers: Iterable[PhoneNumber], sets: Mapping[str, Any]) -> str:
    """Which other absence sets one of these fields of one of these numbers at the same time: a sentence, or ""."""
    now = timezone.now()
    mine = list(absence_days.spans(absence, now, now + absence_days.AHEAD))
    others = Absence.objects.filter(numbers__in=[number.pk for number in numbers], stopped_at__isnull=True).exclude(
        pk=absence.pk or 0
    )
    for other in others.distinct().select_related("calendar"):
        if not set(other.sets) & set(sets):
            continue
        for _, starts, ends in absence_days.spans(other, now, now + absence_days.AHEAD):
            if any(start < ends and starts < end for _, start, end in mine):
                return (
                    f"“{other.name}” of {other.author_name} sets the same on {starts:%d %b %Y}. Two absences cannot "
                    "hold one field at a time: choose other days or numbers, or stop that one first."
                )
    return ""


def stop(absence: Absence, actor: Person) -> None:
    """End an absence for good: what is on goes back now, what is coming does not begin."""
    if words := why_not_stop(absence, actor):
        raise NotAllowedError(words)
    now = timezone.now()
    mine = Absence.objects.filter(pk=absence.pk, stopped_at__isnull=True)
    if not mine.update(stopped_at=now, stopped_by=actor.name):
        raise NotAllowedError("This absence was stopped already.")
    Occurrence.objects.filter(absence=absence, state=State.COMING).update(state=State.STOPPED)
    Occurrence.objects.filter(absence=absence, state=State.ON).update(ends_at=now)


def why_not_stop(absence: Absence, actor: Person) -> str:
    """Why this person may not stop or change an absence: a sentence, or ""."""
    if actor.is_ops_admin or (actor.may_change_something and absence.author_id == actor.user.pk):
        return ""
    return f"This absence is {absence.author_name}’s. Ask them or an ops admin."
