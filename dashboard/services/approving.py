"""Approving a draft: what was shown is confirmed, its count typed where that is needed, and handed to the worker."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from dashboard.access import Person
from dashboard.models import Change, Connection, Drift, Member, Occurrence, Outcome, PhoneNumber, Plan, Verdict
from dashboard.models.absences import OPEN as ABSENCE_OPEN
from dashboard.models.people import MAY_BE_ACTIVE
from dashboard.models.plans import digest_of, digest_of_change, digest_of_digests
from dashboard.services import bulk
from dashboard.services import connection as connections
from dashboard.services.planning import StaleError, compare, locked, must_be_draft
from dashboard.services.plans import HeldError, NotAllowedError

# Over so many numbers, or over this part of the organisation's, the count has to be typed (promise P4).
MANY, MANY_PART = 25, 0.3
MANY_WITHIN = timedelta(hours=1)
DRAFT_LASTS = timedelta(days=7)


class CountError(NotAllowedError):
    """The count of numbers has to be typed, and was not, or was another one."""


def to_change(plan: Plan, *, later: bool = False) -> Any:
    """The rows of a draft that would change something.

    `later`: with those that are so already. A plan that runs later makes sure of them too: much may happen by then.
    """
    rows = plan.changes.filter(state=Outcome.PLANNED)
    if later:
        return rows.filter(verdict__in=(Verdict.CHANGE, Verdict.SAME)).exclude(after={})
    return rows.filter(verdict=Verdict.CHANGE)


def digest(plan: Plan) -> str:
    """The hash of what a draft would do, now or later; its page shows it, and approving it brings it back (P2)."""
    return digest_of_digests(to_change(plan, later=True).values_list("digest", flat=True))


def count_needed(actor: Person, count: int, *, at: datetime | None = None) -> bool:
    """Whether the count of numbers has to be typed (promise P4).

    `at`: when they will be changed; now where it is None. What this person has approved in the last hour counts too,
    and what is due of theirs within an hour of that time: their plans, and their absences that begin or end then.
    """
    if count <= 1:
        return False
    now = timezone.now()
    around = ((at or now) - MANY_WITHIN, (at or now) + MANY_WITHIN)
    theirs = Change.objects.made().filter(
        Q(plan__approved_at__gte=now - MANY_WITHIN) | Q(plan__run_at__range=around),
        plan__author=actor.user.pk,
        plan__background=True,
    )
    absent = Occurrence.objects.filter(
        Q(starts_at__range=around) | Q(ends_at__range=around), absence__author=actor.user.pk, state__in=ABSENCE_OPEN
    )
    others = PhoneNumber.objects.filter(
        Q(pk__in=theirs.values("number")) | Q(pk__in=absent.values("absence__numbers"))
    )
    total = count + others.count()
    return total > MANY or total > PhoneNumber.objects.here().count() * MANY_PART


def leaves_nobody(plan: Plan) -> bool:
    """Whether a draft takes the last active member off any number; then the count is typed, however small."""
    rows = to_change(plan).filter(after__has_key="participants").values_list("before", "after")
    people = [(set(before["participants"] or []), set(after["participants"] or [])) for before, after in rows]
    if not people:
        return False
    active = set(Member.objects.filter(MAY_BE_ACTIVE).values_list("close_id", flat=True))
    return any(before & active and not after & active for before, after in people)


def ask_count(actor: Person, count: int, typed: str, *, at: datetime | None = None, always: bool = False) -> None:
    """Raise CountError where the count has to be typed and this is not it; `at` as in `count_needed`."""
    if (always or count_needed(actor, count, at=at)) and typed.strip() != str(count):
        what = "1 number changes" if count == 1 else f"{count} numbers change"
        raise CountError(f"Type {count} to confirm that {what}.")


def approve(
    plan: Plan,
    actor: Person,
    *,
    digest: str,
    typed: str = "",
    run_at: datetime | None = None,
    drift: str = Drift.LEAVE,
    hold: str = "",
) -> Plan:
    """Hand a draft on to be run, now or at `run_at` (aware); exactly what was shown, or not at all.

    `digest`: of what the page showed. `typed`: the count, where it has to be typed. `hold`: one of Hold, for what an
    absence holds; without it the end of that absence leaves such a field as it is. Raises HeldError,
    NotAllowedError, StaleError (approved already, changed underneath, too old) and CountError.
    """
    must_be_draft(plan, actor)
    if words := connections.why_no_write(Connection.load()):
        raise HeldError(words)
    if plan.created_at < timezone.now() - DRAFT_LASTS:
        raise StaleError(
            "This draft is more than 7 days old. Make it anew, so that it starts from what is there now."
        )
    if run_at is not None and run_at <= timezone.now():
        raise NotAllowedError("That time has passed already. Choose a later one.")
    compare(plan)
    with locked(plan):
        rows = list(to_change(plan, later=True))
        if digest_of(rows) != digest:
            raise StaleError("The plan is not what you saw any more. Look at it again, then confirm it.")
        if run_at is None:
            rows = [change for change in rows if change.verdict == Verdict.CHANGE]
        if not rows:
            raise StaleError("Nothing in this plan would change a number.")
        ask_count(actor, len(rows), typed, at=run_at, always=leaves_nobody(plan))
        return _hand_on(plan, rows, run_at=run_at, drift=drift, hold=hold)


def hand_on(plan: Plan, *, run_at: datetime | None = None, drift: str = Drift.LEAVE) -> Plan:
    """Let a draft be run by itself, as an absence does when its time has come; without rows it has ended with that.

    Raises StaleError where it is not a draft any more.
    """
    with locked(plan):
        rows = list(to_change(plan, later=run_at is not None))
        return _hand_on(plan, rows, run_at=run_at, drift=drift)


def _hand_on(plan: Plan, rows: list[Change], *, run_at: datetime | None, drift: str, hold: str = "") -> Plan:
    """Make a locked draft a plan that runs; `rows`: all that it comes to (`to_change`), read since it was locked."""
    now = timezone.now()
    plan.run_at, plan.drift = run_at, drift
    if plan.reads_before_again:
        for change in rows:
            # What is so already belongs to what it will make sure of then.
            change.before, change.after = {**change.before, **change.shown}, {**change.after, **change.shown}
            change.shown = {}
            change.digest = digest_of_change(plan, change)
    approved = {
        "state": Plan.State.APPROVED if rows else Plan.State.DONE,
        "approved_at": now,
        "ended_at": None if rows else now,
        "run_at": run_at,
        "drift": drift,
        "hold": hold,
        "digest": digest_of(rows),
    }
    Plan.objects.filter(pk=plan.pk).update(**approved)
    if plan.reads_before_again:
        fixed = [(one.before, one.after, one.shown, one.digest, one.pk) for one in rows]
        bulk.update(Change, ("before", "after", "shown", "digest"), fixed)
    to_change(plan, later=run_at is not None).update(state=Outcome.PENDING, created_at=now, error="")
    plan.changes.filter(state=Outcome.PLANNED).update(state=Outcome.LEFT_OUT, finished_at=now)
    plan.refresh_from_db()
    return plan
