"""Refresh from Close: the button in the header, the live line during a walk, the question of a doubted one."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from dashboard import tasks
from dashboard.access import OPS_ADMIN, VIEWER, allow
from dashboard.context import connection_of, freshness
from dashboard.models import SyncRun
from dashboard.services import sync
from dashboard.views.fragments import fragment, say


@allow(VIEWER)
@require_http_methods(["GET", "POST"])
def refresh(request: Any) -> HttpResponse:
    """POST asks the worker for a walk; GET is the freshness line, polled while the walk goes on."""
    if request.method == "POST":
        tasks.refresh.enqueue(asked_by=request.person.name)
        if not request.htmx:
            say(
                request, "Close will be read now. A thousand numbers take about half a minute."
            )
            return redirect(_back(request))
    connection = connection_of(request)
    run = SyncRun.objects.first()
    context = {
        "freshness": freshness(connection),
        "run": run if run and run.ended_at is None else None,
        "asked": request.method == "POST",
    }
    return fragment(request, "_freshness.html", context)


@allow(OPS_ADMIN)
@require_POST
def missing(request: Any) -> HttpResponse:
    """An ops admin says that the numbers which the last walk did not meet are gone."""
    gone = sync.believe(actor=request.person)
    say(request, f"{gone} numbers are marked as gone from Close. Their history stays.")
    return redirect(_back(request))


def _back(request: Any) -> str:
    """The page the form was on."""
    page = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        return str(page)
    return "/"
