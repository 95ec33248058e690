"""What can be done with a plan: narrow and discard a draft; stop, resume, repeat and take back a run."""

import functools
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from dashboard import tasks
from dashboard.access import TEAM_LEAD, Person, allow
from dashboard.models import Plan, Verdict
from dashboard.services import planning, plans, replanning, running
from dashboard.views import fragments
from dashboard.views.answers import intent_of
from dashboard.views.plan import draft_context, plan_of, refused
from dashboard.views.plan_rows import seen_changes


@allow(TEAM_LEAD)
@require_POST
def plan_rows(request: Any, pk: int) -> HttpResponse:
    """Take rows out of a draft (`leave`), or let them start from what Close holds now (`mine`).

    Both hold the key of a row, or "moved" for all that were changed meanwhile. To htmx the answer is the plan with
    what was typed beside it; without script, its page.
    """
    plan = plan_of(request, pk)
    try:
        if "mine" in request.POST:
            planning.take_as_now(plan, request.person, _rows(request, plan, request.POST["mine"]))
        else:
            planning.narrow(plan, request.person, _rows(request, plan, request.POST.get("leave", "")))
        if not request.htmx and "name" in request.POST:
            name, reason = (_in_one_line(request.POST.get(field, "")) for field in ("name", "reason"))
            planning.describe(plan, request.person, name=name, reason=reason)
    except plans.NotAllowedError as error:
        return refused(request, plan, error)
    if request.htmx:
        return fragments.fragment(request, "plans/_draft.html", draft_context(request, plan))
    return _to(plan, request.GET.urlencode())


def _in_one_line(text: str) -> str:
    """What was typed so far as it can be kept; it is judged once the plan is approved."""
    return " ".join(text.replace("\0", "").split())[:255]


def _rows(request: Any, plan: Plan, text: str) -> list[int]:
    if text == Verdict.MOVED.value:
        return list(seen_changes(plan, request.person).filter(verdict=Verdict.MOVED).values_list("pk", flat=True))
    return [int(text)] if re.fullmatch(r"[0-9]{1,18}", text) else []


@allow(TEAM_LEAD)
@require_POST
def plan_discard(request: Any, pk: int) -> HttpResponse:
    """Throw a draft away."""
    plan = plan_of(request, pk)
    title = replanning.title(plan)
    try:
        planning.discard(plan, request.person)
    except plans.NotAllowedError as error:
        return refused(request, plan, error)
    fragments.say(request, f"The draft “{title}” is gone. Nothing was sent to Close.")
    return HttpResponseRedirect(reverse("plan-list"), status=303)


@allow(TEAM_LEAD)
@require_POST
def plan_pause(request: Any, pk: int) -> HttpResponse:
    """Stop after the changes that are under way."""
    return _turned(request, pk, running.pause, "Paused. What is under way is carried out; the rest waits.")


@allow(TEAM_LEAD)
@require_POST
def plan_resume(request: Any, pk: int) -> HttpResponse:
    """Go on with a paused plan, or try at once with one that waits."""
    answer = _turned(request, pk, running.resume, "It goes on.")
    tasks.run_plans.enqueue()
    return answer


@allow(TEAM_LEAD)
@require_POST
def plan_cancel(request: Any, pk: int) -> HttpResponse:
    """End a plan; what is not done stays undone."""
    return _turned(request, pk, running.cancel, "Cancelled. What was done by then stays, and can be put back.")


def _turned(request: Any, pk: int, turn: Callable[[Plan, Person], Any], words: str) -> HttpResponse:
    plan = plan_of(request, pk)
    try:
        turn(plan, request.person)
    except plans.NotAllowedError as error:
        return refused(request, plan, error)
    fragments.say(request, words)
    return HttpResponseRedirect(_back(request, plan), status=303)


def _back(request: Any, plan: Plan) -> str:
    return reverse("plan-list") if request.POST.get("back") == "list" else reverse("plan-detail", args=[plan.pk])


@allow(TEAM_LEAD)
@require_POST
def plan_retry(request: Any, pk: int) -> HttpResponse:
    """Make a draft of what this plan could not change: of all of it, or of the one row named by `change`."""
    key = request.POST.get("change", "")
    only = int(key) if re.fullmatch(r"[0-9]{1,18}", key) else None
    return _made(request, pk, functools.partial(replanning.try_again, only=only))


@allow(TEAM_LEAD)
@require_POST
def plan_undo(request: Any, pk: int) -> HttpResponse:
    """Make a draft that puts back what this plan has changed."""
    return _made(request, pk, replanning.take_back)


def _made(request: Any, pk: int, make: Callable[..., Plan]) -> HttpResponse:
    plan = plan_of(request, pk)
    try:
        made = make(plan, request.person, intent=intent_of(request) or uuid4())
    except plans.NotAllowedError as error:
        return refused(request, plan, error)
    return _to(made)


def _to(plan: Plan, query: str = "") -> HttpResponse:
    return HttpResponseRedirect(reverse("plan-detail", args=[plan.pk]) + (f"?{query}" if query else ""), status=303)
