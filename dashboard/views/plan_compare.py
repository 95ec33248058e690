"""“Compare again”: the numbers of a draft are read from Close, then compared with what the plan starts from."""

from collections.abc import Callable
from typing import Any

from allauth.core import ratelimit
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from dashboard import tasks
from dashboard.access import TEAM_LEAD, allow
from dashboard.context import connection_of
from dashboard.models import Plan, SyncRun
from dashboard.services import comparing, health, planning
from dashboard.views import fragments
from dashboard.views.moments import read_epoch
from dashboard.views.plan import plan_of, refused

OFTEN = "You have compared often in this minute, so this time it was not done. Try again in a minute."
SILENT = "The worker is silent, so Close is not read. Ask the person who runs closephones."


@allow(TEAM_LEAD)
@require_POST
def plan_compare(request: Any, pk: int) -> HttpResponse:
    """Read Close, then compare: a few numbers at once, many by the worker, whose progress the page asks for.

    `since` (seconds of the epoch) says when the worker was asked; the answer is how far it is, or the compared plan.
    """
    plan = plan_of(request, pk)
    if plan.state != Plan.State.DRAFT:
        return _to(request, plan)
    since = read_epoch(request.POST.get("since", ""))
    if since is None and not ratelimit.consume(request, action="plan_compare", user=request.user):
        fragments.say(request, OFTEN, level="warn")
        return _to(request, plan)
    if since is None and comparing.is_few(plan):
        return _compared(request, plan, comparing.read)
    if since is None:
        tasks.refresh.enqueue(asked_by=request.person.name)
        return _to(request, plan, f"?comparing={int(timezone.now().timestamp())}")
    run = SyncRun.objects.filter(began_at__gte=since).first()
    if run and run.complete:
        return _compared(request, plan, planning.compare)
    if run and run.ended_at:
        fragments.say(request, f"Close was not read to the end, so nothing was compared. {run.error}", level="bad")
        return _to(request, plan)
    if not health.worker_is_alive(connection_of(request)):
        fragments.say(request, SILENT, level="bad")
        return _to(request, plan)
    if not request.htmx:
        return _to(request, plan, f"?comparing={int(since.timestamp())}")
    context = {
        "comparing": int(since.timestamp()),
        # How many numbers there are beyond one's teams is for those who see them.
        "run": run if request.person.all_numbers else None,
        "address": reverse("plan-detail", args=[pk]),
    }
    return fragments.fragment(request, "plans/_comparing.html", context)


def _compared(request: Any, plan: Plan, compare: Callable[[Plan], bool]) -> HttpResponse:
    try:
        differs = compare(plan)
    except planning.StaleError as error:
        return refused(request, plan, error)
    if differs:
        fragments.say(request, "Some numbers are not what they were. They stand first.", level="warn")
    else:
        fragments.say(request, "Compared with Close: nothing of it has changed.")
    return _to(request, plan)


def _to(request: Any, plan: Plan, query: str = "") -> HttpResponse:
    address = reverse("plan-detail", args=[plan.pk]) + query
    return HttpResponseClientRedirect(address) if request.htmx else HttpResponseRedirect(address, status=303)
