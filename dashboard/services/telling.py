"""Who should hear of what has happened: found out each minute from the rows, so that no write has to think of it."""

from datetime import timedelta

from django.contrib.auth import get_user_model
from django.db.models import Max
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from dashboard import access
from dashboard.models import Change, Counter, Notice, Outcome, Plan, Source, Verdict
from dashboard.services import absence_holds, fields, notices, planning, replanning
from dashboard.services.planning import CHUNK
from dashboard.templatetags.ui import phone

WARN_BEFORE = timedelta(hours=24)
TOLD = "told_changes"


def look() -> None:
    """Leave messages about plans that have ended, plans of tomorrow, and changes made in Close. May run twice."""
    for plan in Plan.objects.filter(background=True, told_at__isnull=True, ended_at__isnull=False):
        _ended(plan)
    now = timezone.now()
    soon = Plan.objects.filter(
        state=Plan.State.APPROVED, run_at__gt=now, run_at__lte=now + WARN_BEFORE, warned_at__isnull=True
    )
    for plan in soon:
        _tomorrow(plan)
    _outside()


def _ended(plan: Plan) -> None:
    if not Plan.objects.filter(pk=plan.pk, told_at__isnull=True).update(told_at=timezone.now()):
        return
    if plan.source == Source.ABSENCE:
        _not_begun(plan)
        return
    counts = {state: plan.changes.filter(state=state).count() for state in Outcome.values}
    failed = sum(counts[state] for state in (Outcome.FAILED, Outcome.REFUSED, Outcome.CONFLICT))
    words = f"“{replanning.title(plan)}” has ended: {_numbers(counts[Outcome.APPLIED])} changed"
    words += f", {failed} could not be." if failed else "."
    if plan.state == Plan.State.CANCELLED:
        words = f"“{replanning.title(plan)}” was cancelled after {_numbers(counts[Outcome.APPLIED])}."
    notices.tell([plan.author], Notice.Kind.PLAN, words, reverse("plan-detail", args=[plan.pk]))


def _not_begun(plan: Plan) -> None:
    """An absence tells by itself how it ended; what it could not set is told here, unless it tries that again."""
    if plan.undoes_id:
        return
    refused = plan.changes.filter(state__in=(Outcome.REFUSED, Outcome.FAILED, Outcome.CONFLICT))
    left_out = plan.changes.filter(state=Outcome.LEFT_OUT).exclude(verdict__in=(Verdict.CHANGE, Verdict.SAME))
    if count := refused.exclude(absence_holds.PASSES).count() + left_out.count():
        words = f"“{replanning.title(plan)}” could not be set for {_numbers(count)}. Its plan says why."
        url = reverse("plan-detail", args=[plan.pk])
        notices.tell([plan.author, *access.ops_admins()], Notice.Kind.ABSENCE, words, url)


def _tomorrow(plan: Plan) -> None:
    """A day before it runs its author hears of numbers that hold something else by now, and so would be left out."""
    if not Plan.objects.filter(pk=plan.pk, warned_at__isnull=True).update(warned_at=timezone.now()):
        return
    _, differ = planning.differing(plan)
    if differ and plan.drift == "leave":
        words = (
            f"“{replanning.title(plan)}” runs within a day. {_numbers(differ)} "
            f"{'holds' if differ == 1 else 'hold'} something else by now and would be left as they are."
        )
        notices.tell([plan.author], Notice.Kind.PLAN, words, reverse("plan-detail", args=[plan.pk]))


def _outside() -> None:
    """Whoever a number belongs to hears that it was changed in Close."""
    counter, new = Counter.objects.get_or_create(
        name=TOLD, defaults={"value": Change.objects.aggregate(last=Max("pk"))["last"] or 0}
    )
    if new:
        return
    changes = Change.objects.filter(pk__gt=counter.value, state=Outcome.OBSERVED).select_related("number")
    found = list(changes.order_by("pk")[:CHUNK])
    if not found or not Counter.objects.filter(name=TOLD, value=counter.value).update(value=found[-1].pk):
        return
    for change in found:
        emails = {member.email.lower() for member in change.number.members.all() if member.email}
        # Close and the company account need not agree on capitals.
        people = get_user_model().objects.alias(address=Lower("email")).filter(address__in=emails, is_active=True)
        words = f"{phone(change.number.number)} {_what(change)}."
        notices.tell(people, Notice.Kind.OUTSIDE, words, reverse("number-detail", args=[change.number.close_id]))


def _what(change: Change) -> str:
    if "released" in change.after:
        return "is gone from Close" if change.after["released"] else "is in Close again"
    return f"was changed in Close: {fields.terms(change.after)}"


def _numbers(count: int) -> str:
    return "1 number" if count == 1 else f"{count} numbers"
