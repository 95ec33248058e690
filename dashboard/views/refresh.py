"""Refresh from Close: the button in the header, the live line during a walk, the question of a doubted one."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from dashboard import tasks
from dashboard.access import OPS_ADMIN, VIEWER, Person, allow
from dashboard.context import connection_of, freshness
from dashboard.models import Connection, SyncRun
from dashboard.services import health, sync
from dashboard.views.fragments import fragment, say
from dashboard.views.moments import read_epoch


@allow(VIEWER)
@require_http_methods(["GET", "POST"])
def refresh(request: Any) -> HttpResponse:
    """POST asks the worker for a walk; GET is the freshness line, which a page asks for while it waits.

    `since` says when the walk was asked for (seconds of the epoch): the line that carries it asks again until that
    walk has ended, then says what it found. `shown` is the walk whose numbers the page shows: `numbers-changed` says
    that a later one found others. What stands above the page comes along, as it is now.
    """
    if request.method == "POST":
        tasks.refresh.enqueue(asked_by=request.person.name)
        if not request.htmx:
            say(request, "Close will be read now. A thousand numbers take about half a minute.")
            return HttpResponseRedirect(_back(request), status=303)
        since: datetime | None = timezone.now()
    else:
        since = read_epoch(request.GET.get("since", ""))
    connection = connection_of(request)
    context: dict[str, Any] = {"freshness": freshness(connection)}
    if since:
        run = SyncRun.objects.filter(Q(ended_at__isnull=True) | Q(ended_at__gte=since)).first()
        if run and run.ended_at:
            say(request, _told(run, request.person), level="bad" if run.error else "ok")
        elif run or health.worker_is_alive(connection):
            context |= {"run": run if request.person.all_numbers else None, "since": int(since.timestamp())}
        else:
            words = "The worker is silent, so Close is not read. Ask the person who runs closephones."
            say(request, words, level="bad")
    response = fragment(request, "_freshness.html", context, parts=("banners",))
    if _others_since(read_epoch(request.GET.get("shown", "")), connection):
        response["HX-Trigger"] = "numbers-changed"
    return response


def _others_since(shown: datetime | None, connection: Connection) -> bool:
    """Whether walks that ended after this second have found anything new, changed or gone."""
    if not shown or not connection.synced_at or connection.synced_at < shown + timedelta(seconds=1):
        return False
    runs = SyncRun.objects.filter(ended_at__gte=shown + timedelta(seconds=1))
    return runs.filter(Q(new__gt=0) | Q(changed__gt=0) | Q(missing__gt=0)).exists()


def _told(run: SyncRun, person: Person) -> str:
    """What a walk found, in a sentence."""
    if run.error:
        return f"Close was not read to the end. {run.error}"
    if not person.all_numbers:
        # How many numbers there are beyond one's teams is for those who see them.
        return "Close was read, and the numbers here are up to date."
    found = [
        f"{count:,} {word}"
        for count, word in ((run.new, "new"), (run.changed, "changed"), (run.missing, "gone"))
        if count
    ]
    return f"Read {run.seen:,} numbers from Close: {', '.join(found) or 'nothing has changed'}."


@allow(OPS_ADMIN)
@require_POST
def missing(request: Any) -> HttpResponse:
    """An ops admin says that the numbers which the last walk did not meet are gone."""
    gone = sync.believe(actor=request.person)
    say(request, f"{gone} numbers are marked as gone from Close. Their history stays.")
    return HttpResponseRedirect(_back(request), status=303)


def _back(request: Any) -> str:
    """The page the form was on."""
    page = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        return str(page)
    return "/"
