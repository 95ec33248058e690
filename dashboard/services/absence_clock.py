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
    Outcome,
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
    for occurrence in occurrences.select_related("absence__author", "start_plan", "end_plan"):
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
    elif occurrence.state == State.ON:
        absence_holds.note(occurrence)
        if occurrence.ends_at <= now:
            _end(occurrence)
            return
        absence_adjusting.adjust(occurrence)
        _tell_if_late(occurrence, occurrence.start_plan, occurrence.starts_at, "begun")
        for adjustment in occurrence.adjustments.filter(noted_at__isnull=True).select_related("plan"):
            _tell_if_late(occurrence, adjustment.plan, adjustment.plan.created_at, "changed")
    elif occurrence.state == State.RETURNING:
        _close(occurrence)
        _tell_if_late(occurrence, occurrence.end_plan, occurrence.ends_at, "ended")


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
    rows = [Row(number, absence.sets) for number in absence.numbers.filter(missing_since__isnull=True)]
    try:
        with transaction.atomic():
            plan = planning.propose(
                actor=access.person_by_id(absence.author_id),
                source=Source.ABSENCE,
                rows=rows,
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
            _tell(occurrence, f"“{absence.name}” has not begun: {error.words}")


def _end(occurrence: Occurrence) -> None:
    """Put back what is still as the absence has set it; what somebody has changed meanwhile is left as it is."""
    if not absence_holds.break_off(occurrence, "The absence is over."):
        return
    absence_holds.note(occurrence)
    held = absence_holds.held(occurrence)
    rows = [row for number, mine in held.items() for row in absence_holds.rows_back(number, mine.values())]
    with transaction.atomic():
        plan = _plan_back(occurrence, rows, "end")
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
    """Once the plan that puts everything back has ended: what went back, and what did not and why."""
    occurrence.refresh_from_db()
    plan = occurrence.end_plan
    if plan is None or plan.changes.filter(state__in=absence_holds.UNDERWAY).exists():
        return
    if _once_more(occurrence, plan):
        return
    outcomes = {change.number_id: change for change in plan.changes.all()}
    for holding in occurrence.holdings.filter(state=Holding.State.HELD):
        change = outcomes.get(holding.number_id)
        state = Holding.State.RETURNED if absence_holds.is_back(change) else Holding.State.LEFT
        Holding.objects.filter(pk=holding.pk, state=Holding.State.HELD).update(state=state)
    words = _left_words(occurrence)
    if not _turn(occurrence, State.OVER, words=words):
        return
    name = occurrence.absence.name
    _tell(occurrence, f"“{name}” is over. {words or 'Everything is as it was before.'}", url=_plan_url(plan))


def _once_more(occurrence: Occurrence, plan: Plan) -> bool:
    """Put back what is left of numbers of which somebody has changed one field just then; whether that is under way.

    Their rows ended in a conflict as a whole, and by that Close was read: the other fields come back by themselves.
    """
    absence_holds.note(occurrence)
    if occurrence.adjustments.filter(noted_at__isnull=True).exists():
        return True
    # A person who cancelled the end wants nothing more of it to be sent.
    if plan.state == Plan.State.CANCELLED or Plan.objects.filter(intent=_intent(occurrence, "rest")).exists():
        return False
    disputed = set(plan.changes.filter(state=Outcome.CONFLICT).values_list("number", flat=True))
    held = {number: mine for number, mine in absence_holds.held(occurrence).items() if number.pk in disputed}
    rows = [row for number, mine in held.items() for row in absence_holds.rows_back(number, mine.values())]
    if not rows:
        return False
    with transaction.atomic():
        rest = _plan_back(occurrence, rows, "rest")
        _, mine = Adjustment.objects.get_or_create(plan=rest, defaults={"occurrence": occurrence})
        if mine:
            approving.hand_on(rest)
    return True


def _left_words(occurrence: Occurrence) -> str:
    """What did not go back, and why: a person changed it, or Close did not take the former value."""
    not_taken = absence_holds.not_taken_back(occurrence)
    left = set(occurrence.holdings.filter(state=Holding.State.LEFT).values_list("number", flat=True))
    changed, not_back = len(left - not_taken), len(left & not_taken)
    words = []
    if changed:
        numbers, they_are = ("1 number was", "it is") if changed == 1 else (f"{changed} numbers were", "they are")
        words.append(f"{numbers} changed meanwhile and left as {they_are}.")
    if not_back:
        numbers, its = ("1 number", "its") if not_back == 1 else (f"{not_back} numbers", "their")
        words.append(f"{numbers} could not be put back; {its} plan says why.")
    return " ".join(words)


def _tell_if_late(occurrence: Occurrence, plan: Plan | None, since: datetime, what: str) -> None:
    """Fifteen minutes after its time, author and ops admins hear of what is not settled."""
    late = timezone.now() - since > LATE_AFTER
    if plan is None or occurrence.late_told_at or not late:
        return
    if not plan.changes.filter(state__in=absence_holds.UNDERWAY).exists():
        return
    if Occurrence.objects.filter(pk=occurrence.pk, late_told_at__isnull=True).update(late_told_at=timezone.now()):
        words = f"“{occurrence.absence.name}” should have {what} by now and has not. {plan.waits_for}".strip()
        notices.tell_ops_admins(Notice.Kind.ABSENCE, words, _plan_url(plan))
        author = occurrence.absence.author
        if author is not None and not access.person(author).is_ops_admin:
            _tell(occurrence, words, url=_plan_url(plan))


def _tell(occurrence: Occurrence, words: str, *, url: str = "") -> None:
    notices.tell([occurrence.absence.author], Notice.Kind.ABSENCE, words, url)


def _plan_url(plan: Plan) -> str:
    return reverse("plan-detail", args=[plan.pk])
