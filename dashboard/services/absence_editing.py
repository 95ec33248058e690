"""An absence is edited: what is coming becomes another one, what is on is brought up to it by the clock.

What was there before it began stays what comes back at its end (absence_holds.py, absence_adjusting.py).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from dashboard import access
from dashboard.access import Person
from dashboard.models import Absence, Occurrence, PhoneNumber
from dashboard.services import absence_days, absences, approving
from dashboard.services.planning import StaleError
from dashboard.services.plans import NotAllowedError

State = Occurrence.State
NOT_OVER = (State.COMING, State.ON)
# What says when it is; all but the end stays for one that is on and does not repeat.
BEGINNING = ("repeats", "first_day", "start_time", "start_later")
TIMES = (*BEGINNING, "zone", "weekdays", "calendar", "last_day", "end_time", "end_days", "end_later")


def why_not_edit(absence: Absence, actor: Person, *, over: bool | None = None) -> str:
    """Why this person may not edit an absence: a sentence, or "".

    `over`: whether one of its times is over, where the caller knows.
    """
    if words := absences.why_not_stop(absence, actor):
        return words
    if absence.stopped_at:
        return "This absence was stopped, so it stays as it was. Plan a new one."
    if absence.repeats != Absence.Repeats.ONCE:
        return ""
    if over is None:
        over = absence.occurrences.exclude(state__in=NOT_OVER).exists()
    if over:
        return "This absence is over, so it stays as it was. Plan a new one."
    return ""


def is_on(absence: Absence) -> Occurrence | None:
    """The occurrence that is on now; its beginning stays what it was."""
    return absence.occurrences.filter(state=State.ON).first()


def edit(
    *,
    actor: Person,
    absence: Absence,
    wanted: Absence,
    numbers: Iterable[PhoneNumber],
    sets: Mapping[str, Any],
    typed: str = "",
) -> Absence:
    """Make `absence` what `wanted` (unsaved), `numbers` and `sets` say; returns it as it is then.

    `absence` is as the caller has read it: where somebody has edited it since, StaleError is raised. Other errors as
    in `absences.make`; the count has to be typed where other numbers or other values are asked for.
    """
    if words := why_not_edit(absence, actor):
        raise NotAllowedError(words)
    numbers = list(numbers)
    before = set(absence.numbers.values_list("pk", flat=True))
    on = is_on(absence)
    if on and absence.repeats == Absence.Repeats.ONCE and _differ(absence, wanted, BEGINNING):
        raise NotAllowedError("It has begun, so its beginning stays, and it does not repeat. Change its end.")
    wanted.pk = absence.pk
    sets = absences.checked(actor=actor, absence=wanted, numbers=numbers, sets=sets)
    _author_may(absence, [number for number in numbers if number.pk not in before])
    other = sets != absence.sets or {number.pk for number in numbers} != before
    if other:
        approving.ask_count(actor, len(numbers), typed)
    now = timezone.now()
    with transaction.atomic():
        facts = {name: getattr(wanted, name) for name in ("name", "reason", *TIMES)}
        facts |= {"sets": sets, "edited_by": actor.user if isinstance(actor.user, User) else None}
        mine = Absence.objects.filter(pk=absence.pk, edition=absence.edition, stopped_at__isnull=True)
        if not mine.update(edition=absence.edition + 1, **facts):
            raise StaleError("Somebody has edited this absence meanwhile.")
        absence.refresh_from_db()
        absence.numbers.set(numbers)
        # What has not begun is made anew; what begins at this moment is on, and is brought up to it.
        absence.occurrences.filter(state=State.COMING).delete()
        for occurrence in absence.occurrences.filter(state=State.ON):
            occurrence.ends_at = absence_days.span(absence, occurrence.day)[1].at
            if not other and occurrence.edition == absence.edition - 1:
                occurrence.edition = absence.edition
            occurrence.save(update_fields=["ends_at", "edition"])
        absences.look_ahead(absence, now, anew=True)
    return absence


def _differ(one: Absence, other: Absence, names: Iterable[str]) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in names)


def _author_may(absence: Absence, added: list[PhoneNumber]) -> None:
    """Its author's rights are asked at each beginning, so no number is added that they may not change."""
    author = access.person_by_id(absence.author_id)
    allowed = access.changeable_ids(author, added) if author.may_change_something else {one.pk for one in added}
    if foreign := [number for number in added if number.pk not in allowed]:
        words = f"{absence.author_name}, whose absence this is, may not change it. Plan one of its own."
        raise NotAllowedError(f"{foreign[0].number}: {words}")
