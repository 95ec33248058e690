"""The page Changes: everything that was changed, by whom and wherever, and taking it back."""

import json
import re
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from uuid import uuid4

from django.core.paginator import Paginator
from django.db.models import Count
from django.db.models.functions import TruncDate
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from dashboard import access
from dashboard.access import TEAM_LEAD, VIEWER, allow
from dashboard.models import Change, Outcome
from dashboard.services import changes as record
from dashboard.services import plans
from dashboard.templatetags.days import zone_words
from dashboard.views import change_query, downloads, fragments
from dashboard.views.answers import intent_of, status_of_change, status_of_refusal
from dashboard.views.change_query import ChangeQuery
from dashboard.views.change_rows import prepare
from dashboard.views.change_table import HEADER, rows


@allow(VIEWER)
@require_safe
def index(request: Any) -> HttpResponse:
    """The changes that match the address, newest first, grouped by day."""
    person = request.person
    query = ChangeQuery.read(request.GET, person)
    visible = access.visible_changes(person)
    matching = query.apply(visible)
    paginator = Paginator(record.with_story(matching), change_query.PER_PAGE)
    query.stay_within(paginator.num_pages)
    page = paginator.page(query.page)
    shown = list(page.object_list)
    names = prepare(person, shown)
    context = {
        "query": query,
        "page": page,
        "total": paginator.count,
        "older": query.address(page=str(page.number + 1)),
        "newer": query.address(page=str(page.number - 1)),
        "tabs": _tabs(visible, query),
        "days": _days(matching, shown),
        "names": names,
        "to_mark": [change.pk for change in shown if change.may_mark],
        "filters": _filters(visible, query),
        "dates": _dates(query),
        "only_unseen": query.address(seen="no"),
        "without": {
            "number": query.address(number=None),
            "seen": query.address(seen=None),
            "dates": query.address(**{"from": None, "to": None}),
            "all": query.address(**dict.fromkeys(set(query.chosen) - {"view"})),
        },
        "one_number": _one_number(person, query),
        "zone": zone_words(),
        "here": request.get_full_path(),
    }
    return render(request, "changes/list.html", context)


def _tabs(visible: Any, query: ChangeQuery) -> list[dict[str, Any]]:
    """The tabs with their exact counts, which no filter narrows; one query."""
    tabs = change_query.tabs(query.person)
    counts = {f"n_{name}": Count("pk", filter=condition) for name, (_, condition) in tabs.items() if condition}
    found = visible.aggregate(n_=Count("pk"), **counts)
    here = query.chosen.get("view", "")
    return [
        {
            "label": label,
            "count": found[f"n_{name}"],
            "link": f"?view={name}" if name else reverse("change-list"),
            "here": name == here,
        }
        for name, (label, _) in tabs.items()
    ]


def _days(matching: Any, shown: list[Change]) -> list[dict[str, Any]]:
    """The shown changes by day, each day with the number of all matching changes of that day."""
    by_day = [(day, list(some)) for day, some in groupby(shown, key=_day_of)]
    if not by_day:
        return []
    since, until = by_day[-1][0], by_day[0][0] + timedelta(days=1)
    in_days = matching.filter(created_at__gte=_midnight(since), created_at__lt=_midnight(until))
    per_day = in_days.order_by().annotate(day=TruncDate("created_at")).values_list("day").annotate(Count("pk"))
    counts = dict(per_day)
    return [{"day": day, "count": counts.get(day, len(some)), "changes": some} for day, some in by_day]


def _dates(query: ChangeQuery) -> str:
    """The chosen days in words: "23 Nov – 24 Nov", "from 23 Nov", "until 24 Nov"."""
    since, until = (
        f"{day.day} {day:%b}" if (day := parse_date(query.chosen.get(name, ""))) else "" for name in ("from", "to")
    )
    if since and until:
        return since if since == until else f"{since} – {until}"
    return f"from {since}" if since else f"until {until}" if until else ""


def _one_number(person: access.Person, query: ChangeQuery) -> str:
    """The number that the page is narrowed to, where this person may see it."""
    if "number" not in query.chosen:
        return ""
    found = access.visible_numbers(person).filter(close_id=query.chosen["number"])
    return found.values_list("number", flat=True).first() or ""


def _day_of(change: Change) -> date:
    return timezone.localtime(change.created_at).date()


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _filters(visible: Any, query: ChangeQuery) -> list[dict[str, Any]]:
    """The filters that are chosen from a list: what is chosen, and where each choice leads."""
    authors = visible.exclude(plan__author_name="").order_by().values_list("plan__author_name", flat=True).distinct()
    choices = {
        "person": ("Person", {name: name for name in sorted(authors, key=str.casefold)[:200]}),
        "field": ("Field", change_query.FIELD_WORDS),
        "source": ("Source", change_query.SOURCES),
        "outcome": ("Outcome", change_query.OUTCOMES),
    }
    return [
        {
            "name": name,
            "label": label,
            "chosen": options.get(chosen := query.chosen.get(name, ""), chosen),
            "without": query.address(**{name: None}),
            "options": [(text, query.address(**{name: value}), value == chosen) for value, text in options.items()],
        }
        for name, (label, options) in choices.items()
    ]


@allow(VIEWER)
@require_safe
def export(request: Any) -> StreamingHttpResponse:
    """The changes of the same filter as a CSV file, one line for each changed field."""
    query = ChangeQuery.read(request.GET, request.person)
    matching = record.with_story(query.apply(access.visible_changes(request.person)))
    return downloads.csv_file("changes", HEADER, rows(matching.iterator(chunk_size=500), record.all_names()))


@allow(TEAM_LEAD)
@require_POST
def undo(request: Any, pk: int) -> HttpResponse:
    """Take a change back by a plan of its own."""
    change = _change(request, pk)
    try:
        undoing = plans.undo(actor=request.person, change=change, intent=intent_of(request) or uuid4())
    except plans.NotAllowedError as error:
        return _answer(request, pk, error.words, status=status_of_refusal(error), level="warn")
    status = status_of_change(undoing)
    if undoing.state == Outcome.APPLIED:
        return _answer(request, pk, "Undone, and saved to Close.", undo_of=undoing)
    if undoing.state == Outcome.CONFLICT:
        words = "Not undone: Close holds something else by now, so nothing was sent."
        return _answer(request, pk, words, status=status, level="warn", attempt=undoing)
    words = "What became of the undo is not known yet. It is read again every minute."
    if undoing.error:
        words = f"Not undone. {undoing.error}"
    return _answer(request, pk, words, status=status, level="bad", attempt=undoing)


@allow(TEAM_LEAD)
@require_POST
def settle(request: Any, pk: int) -> HttpResponse:
    """Read from Close now what became of a change whose outcome is unknown."""
    change = _change(request, pk)
    plans.settle(change)
    change.refresh_from_db()
    if change.state == Outcome.UNKNOWN:
        words = "It is still not known what became of this change. It is read again every minute."
        return _answer(request, pk, words, level="warn")
    return _answer(request, pk, f"This change is settled: {Outcome(change.state).label.lower()}.")


@allow(TEAM_LEAD)
@require_POST
def seen(request: Any) -> HttpResponse:
    """Mark changes as seen: the field `change` holds one or more of their keys."""
    ids = [int(text) for text in request.POST.getlist("change") if re.fullmatch(r"[0-9]{1,18}", text)][:500]
    count = record.mark_seen(actor=request.person, ids=ids)
    words = "Marked as seen." if count == 1 else f"Marked {count} changes as seen."
    if request.htmx and len(ids) == 1:
        response = _answer(request, ids[0], words)
        response["HX-Trigger"] = "changes-seen"
        return response
    fragments.say(request, words)
    return _back(request)


def _change(request: Any, pk: int) -> Change:
    """A change that this person may see; anything else is not there."""
    change: Change | None = record.with_story(access.visible_changes(request.person)).filter(pk=pk).first()
    if change is None:
        raise Http404
    return change


def _answer(
    request: Any,
    pk: int,
    words: str,
    *,
    status: int = 200,
    level: str = "ok",
    attempt: Change | None = None,
    undo_of: Change | None = None,
) -> HttpResponse:
    """Say what became of it. With htmx the answer is the change's row as it is now; without, the page before."""
    fragments.say(request, words, level=level)
    if not request.htmx:
        return _back(request)
    change = _change(request, pk)
    change.attempt = attempt  # type: ignore[attr-defined]
    names = prepare(request.person, [change, attempt] if attempt else [change])
    here = fragments.current_address(request).geturl() or reverse("change-list")
    context = {"change": change, "names": names, "here": here, "answered": True}
    response = fragments.fragment(request, "changes/_row.html", context, status=status)
    if undo_of or attempt:
        response["HX-Trigger"] = json.dumps({"number-changed": {"id": change.number.close_id}})
    return response


def _back(request: HttpRequest) -> HttpResponse:
    """The page that the form stood on, if it is one of ours."""
    target = request.POST.get("back", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts=None) or not target.startswith("/"):
        target = reverse("change-list")
    return HttpResponseRedirect(target, status=303)
