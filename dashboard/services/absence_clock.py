"""The clock of absences: begins them, ends them, and puts back the fields that they set, each by itself.

Each time that an absence is on is an occurrence: a plan begins it, another one puts back what is still as the absence
has set it. `tick` looks at what should hold now, so that after a gap nothing old is replayed.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from dashboard import access
from dashboard.models import (
    Absence,
    Adjustment,
    Connection,
    Drift,
    Holding,
    Notice,
    Occurrence,
    Plan,
    Source,
)
from dashboard.models.absences import OPEN
from dashboard.services import absence_adjusting, absence_holds, absences, approving, notices, planning
from dashboard.services.planning import Row
from dashboard.services.plans import NotAllowedError

State = Occurrence.State
LATE_AFTER = timedelta(minutes=15)


def tick() -> None:
    """Begin and end what is due, as of now; for the worker, each beat. May run twice or never."""
    held_since, now = Connection.load().held_since, timezone.now()
    occurrences = Occurrence.objects.filter(state__in=OPEN)
    if held_since:
        # Nobody has looked at the others yet (promise P9); one that is going back sends nothing from here.
        occurrences = occurrences.filter(Q(let_go_at__gte=held_since) | Q(state=State.RETURNING))
    else:
        for absence in Absence.objects.filter(stopped_at__isnull=True).select_related("calendar"):
            absences.look_ahead(absence, now)
    # What begins comes first: it takes over from what ends at the same time, and nothing is sent in between.
    found = occurrences.select_related("absence__author", "start_plan", "end_plan")
    for occurrence in sorted(found, key=lambda one: one.state != State.COMING):
        _go_on(occurrence, now)


def is_due(now: datetime) -> bool:
    """Whether `tick` would find something to do now."""
    coming = Q(state=State.COMING, starts_at__lte=now)
    return Occurrence.objects.filter(coming | Q(state__in=(State.ON, State.RETURNING))).exists()


def _go_on(occurrence: Occurrence, now: datetime) -> None:
    if occurrence.state == State.COMING and occurrence.ends_at <= now:
        _turn(occurrence, State.SKIPPED, words="The worker was silent at that time.")
    elif occurrence.state == State.COMING and occurrence.starts_at <= now:
        _begin(occurrence)
        if occurrence.state == State.COMING:
            _tell_if_late(occurrence, None, occurrence.starts_at, "begun")
    elif occurrence.state == State.ON:
        if occurrence.ends_at <= now:
            _end(occurrence)
        else:
            absence_holds.note(occurrence)
            absence_adjusting.adjust(occurrence)
            absence_adjusting.once_more(occurrence)
            for plan in absence_holds.unsettled(occurrence):
                begins = plan.pk == occurrence.start_plan_id
                since, what = (occurrence.starts_at, "begun") if begins else (plan.created_at, "changed")
                _tell_if_late(occurrence, plan, since, what)
    elif occurrence.state == State.RETURNING:
        _close(occurrence)
    if occurrence.ends_at <= now and occurrence.state in (State.ON, State.RETURNING):
        _tell_if_late(occurrence, occurrence.end_plan or occurrence.start_plan, occurrence.ends_at, "ended")


def _turn(occurrence: Occurrence, state: str, **facts: Any) -> bool:
    """Bring an occurrence from the state it was loaded in to another one; False where somebody was quicker."""
    mine = Occurrence.objects.filter(pk=occurrence.pk, state=occurrence.state, ends_at=occurrence.ends_at)
    if not mine.update(state=state, **facts):
        return False
    occurrence.state = state
    return True


def _intent(occurrence: Occurrence, what: str) -> UUID:
    """The same for the same beginning or end, so that two workers make one plan of it."""
    return uuid5(NAMESPACE_URL, f"occurrence:{occurrence.pk}:{what}")


def _begin(occurrence: Occurrence) -> None:
    absence = occurrence.absence
    try:
        with transaction.atomic():
            absence_holds.alone()
            numbers = list(absence.numbers.filter(missing_since__isnull=True))
            if absence_holds.busy(occurrence) & {number.pk for number in numbers}:
                # Another one is just putting these back; it begins at the next beat.
                return
            plan = planning.propose(
                actor=access.person_by_id(absence.author_id),
                source=Source.ABSENCE,
                rows=[Row(number, absence.sets) for number in numbers],
                intent=_intent(occurrence, "start"),
                name=absence.name,
                reason=absence.reason,
                selection=f"the absence “{absence.name}”",
                all_fields=True,
            )
            if not _turn(occurrence, State.ON, start_plan=plan, edition=absence.edition):
                transaction.set_rollback(True)
                return
            approving.hand_on(plan, run_at=occurrence.starts_at, drift=Drift.ANYWAY)
    except NotAllowedError as error:
        if _turn(occurrence, State.SKIPPED, words=error.words):
            _tell_everybody(occurrence, f"“{absence.name}” has not begun: {error.words}")


def _end(occurrence: Occurrence) -> None:
    """Put back what is still as the absence has set it; what somebody has changed meanwhile is left as it is."""
    if not absence_holds.break_off(occurrence, "The absence is over."):
        return
    with transaction.atomic():
        absence_holds.alone()
        plan = _plan_back(occurrence, absence_holds.to_put_back(occurrence), "end")
        if _turn(occurrence, State.RETURNING, end_plan=plan):
            approving.hand_on(plan)
        else:
            # Somebody was quicker, or has moved the end: no draft of it stays behind.
            transaction.set_rollback(True)
    if occurrence.state == State.RETURNING:
        _close(occurrence)


def _plan_back(occurrence: Occurrence, rows: list[Row], what: str) -> Plan:
    """A draft that puts these rows back."""
    absence = occurrence.absence
    return planning.propose(
        actor=access.person_by_id(absence.author_id),
        source=Source.ABSENCE,
        rows=rows,
        intent=_intent(occurrence, what),
        name=f"End of {absence.name}",
        reason=absence.reason,
        selection=f"what the absence “{absence.name}” has set",
        judged=False,
        rights=False,
        undoes=occurrence.start_plan,
    )


def _close(occurrence: Occurrence) -> None:
    """Once what puts everything back has ended: what went back, and what did not and why."""
    occurrence.refresh_from_db()
    plan = occurrence.end_plan
    if plan is None:
        return
    Adjustment.objects.get_or_create(plan=plan, defaults={"occurrence": occurrence})
    absence_holds.note(occurrence)
    if _once_more(occurrence):
        return
    words, not_back = _left_words(occurrence)
    if not _turn(occurrence, State.OVER, words=words):
        return
    name = occurrence.absence.name
    words = f"“{name}” is over. {words or 'Everything is as it was before.'}"
    (_tell_everybody if not_back else _tell)(occurrence, words, url=_plan_url(plan))


def _once_more(occurrence: Occurrence) -> bool:
    """Put back what it still holds; whether there is any such thing.

    Close may not have answered; somebody may have changed one field of a number just then, and its row ended in a
    conflict as a whole; or another absence was about to take the number over and did not.
    """
    held = occurrence.holdings.filter(state=Holding.State.HELD)
    with transaction.atomic():
        absence_holds.alone()
        if occurrence.adjustments.filter(noted_at__isnull=True).exists():
            return True
        if held.exists() and (
            _waits_for_a_look(occurrence) or not absence_holds.may_try_again(occurrence, occurrence.ends_at)
        ):
            return True
        if rows := absence_holds.to_put_back(occurrence):
            rest = _plan_back(occurrence, rows, f"rest:{occurrence.adjustments.count()}")
            _, mine = Adjustment.objects.get_or_create(plan=rest, defaults={"occurrence": occurrence})
            if mine:
                approving.hand_on(rest)
            return True
        taken = absence_holds.busy(occurrence)
        # Nothing is left to be put back of numbers that are gone.
        held.exclude(number__in=taken).update(state=Holding.State.LEFT)
        return held.exists()


def _waits_for_a_look(occurrence: Occurrence) -> bool:
    """Whether it is held since a gap, and nobody has let it go on (promise P9)."""
    since, let_go_at = Connection.load().held_since, occurrence.let_go_at
    return since is not None and (let_go_at is None or let_go_at < since)


def _left_words(occurrence: Occurrence) -> tuple[str, int]:
    """What did not go back, and why; and of how many numbers Close did not take the former value."""
    not_taken = absence_holds.not_taken_back(occurrence)
    handed_on, left = (
        set(occurrence.holdings.filter(state=state).values_list("number", flat=True))
        for state in (Holding.State.HANDED_ON, Holding.State.LEFT)
    )
    changed, not_back = len(left - not_taken), len(left & not_taken)
    words = []
    if handed_on:
        numbers, stay = (
            ("1 number stays", "it is") if len(handed_on) == 1 else (f"{len(handed_on)} numbers stay", "they are")
        )
        words.append(f"{numbers} as {stay}, because the next absence has begun.")
    if changed:
        numbers, they_are = ("1 number was", "it is") if changed == 1 else (f"{changed} numbers were", "they are")
        words.append(f"{numbers} changed meanwhile and left as {they_are}.")
    if not_back:
        numbers, its = ("1 number", "its") if not_back == 1 else (f"{not_back} numbers", "their")
        words.append(f"{numbers} could not be put back; {its} plan says why.")
    return " ".join(words), not_back


def _tell_if_late(occurrence: Occurrence, plan: Plan | None, since: datetime, what: str) -> None:
    """Fifteen minutes after its time, author and ops admins hear once of what is not settled."""
    told = occurrence.late_told_at
    if timezone.now() - since <= LATE_AFTER or (told and told >= since):
        return
    if Occurrence.objects.filter(pk=occurrence.pk, late_told_at=told).update(late_told_at=timezone.now()):
        waits_for = (plan and plan.waits_for) or "It is tried again until it works."
        words = f"“{occurrence.absence.name}” should have {what} by now and has not. {waits_for}"
        _tell_everybody(occurrence, words, url=_plan_url(plan) if plan else "")


def _tell_everybody(occurrence: Occurrence, words: str, *, url: str = "") -> None:
    """Tell author and ops admins."""
    notices.tell([occurrence.absence.author, *access.ops_admins()], Notice.Kind.ABSENCE, words, url)


def _tell(occurrence: Occurrence, words: str, *, url: str = "") -> None:
    notices.tell([occurrence.absence.author], Notice.Kind.ABSENCE, words, url)


def _plan_url(plan: Plan) -> str:
    return reverse("plan-detail", args=[plan.pk])
