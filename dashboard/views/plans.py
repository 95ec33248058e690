"""The page Plans: what is held and needs a person, what is under way and what comes, drafts, and what has ended."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard import access
from dashboard.access import TEAM_LEAD, allow
from dashboard.context import connection_of
from dashboard.models import Change, Outcome, Plan, Verdict
from dashboard.services import holding, replanning
from dashboard.views import held as held_items
from dashboard.views import plan_words
from dashboard.views.plan_rows import NOT_CHANGED, WAITING

PER_PAGE = 25
# Who has more open plans than this sees the newest; the others come as these end.
MOST_OPEN = 200
ENDED = (Plan.State.DONE, Plan.State.CANCELLED)
SECTIONS = {
    "paused": "Waiting for a decision",
    "going": "Under way",
    "coming": "Coming",
    "drafts": "Drafts",
    "ended": "Ended",
}


@allow(TEAM_LEAD)
@require_safe
def plan_list(request: Any) -> HttpResponse:
    """The plans of this person, for ops admins everybody's: all that are open, and those that have ended by page."""
    visible = access.visible_plans(request.person)
    connection = connection_of(request)
    held = holding.held_plans(connection)
    page = Paginator(visible.filter(state__in=ENDED), PER_PAGE).get_page(request.GET.get("page"))
    shown = [*visible.exclude(state__in=ENDED).exclude(pk__in=held.values("pk"))[:MOST_OPEN], *page.object_list]
    lines = _lines(request.person, shown)
    context = {
        "sections": [
            (name, title, some)
            for name, title in SECTIONS.items()
            if (some := [line for line in lines if line["section"] == name])
        ],
        "held": held_items.lines(request.person, connection),
        "held_words": holding.words(connection),
        "page": page,
    }
    return render(request, "plans/list.html", context)


def _lines(person: access.Person, plans: list[Plan]) -> list[dict[str, Any]]:
    """Each plan with its counts, in two queries."""
    keys = [plan.pk for plan in plans]
    changes = Change.objects.filter(plan__in=keys).order_by()
    states: dict[int, dict[str, int]] = {key: {} for key in keys}
    for key, state, count in changes.values_list("plan", "state").annotate(Count("pk")):
        states[key][state] = count
    would = dict(
        changes.filter(state=Outcome.PLANNED, verdict=Verdict.CHANGE).values_list("plan").annotate(Count("pk"))
    )
    return [_line(person, plan, states[plan.pk], would.get(plan.pk, 0)) for plan in plans]


def _line(person: access.Person, plan: Plan, states: dict[str, int], would: int) -> dict[str, Any]:
    waiting, failed = (sum(states.get(state, 0) for state in some) for some in (WAITING, NOT_CHANGED))
    applied = states.get(Outcome.APPLIED, 0)
    return {
        "plan": plan,
        "title": replanning.title(plan),
        "mark": plan_words.state(plan),
        "section": _section(plan),
        "would": would,
        "waiting": waiting,
        "applied": applied,
        "failed": failed,
        "count": waiting + applied + failed,
        "may_cancel": plan.state not in (*ENDED, Plan.State.DRAFT) and not access.why_not_plan(person, plan),
    }


def _section(plan: Plan) -> str:
    if plan.state == Plan.State.DRAFT:
        return "drafts"
    if plan.state in ENDED:
        return "ended"
    if plan.state == Plan.State.PAUSED:
        return "paused"
    return "coming" if plan_words.state(plan) is plan_words.SCHEDULED else "going"
