"""The page of one number: its settings, what happens to a call, its history, and all that Close says of it."""

from typing import Any

from django.core.exceptions import TooManyFieldsSent
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard import access
from dashboard.access import VIEWER, allow
from dashboard.context import connection_of
from dashboard.models import Holding, Member, PhoneNumber
from dashboard.services import changes as record
from dashboard.services import holdings
from dashboard.services.callpath import call_path
from dashboard.services.fields import terms
from dashboard.templatetags.changes import Diff, between
from dashboard.views import number_facts
from dashboard.views.change_rows import prepare
from dashboard.views.fragments import fragment
from dashboard.views.number_query import place_of, read_query, trail_of
from dashboard.views.number_rows import row_for, sub_of

HISTORY_SHOWN = 15

# What reads itself again when the number has changed.
PARTS = {
    "head": "numbers/_head.html",
    "call": "numbers/_callpath.html",
    "press-1": "numbers/_press_1.html",
    "history": "numbers/_history.html",
}


@allow(VIEWER)
@require_safe
def number_detail(request: Any, close_id: str) -> HttpResponse:
    """The page. A number that Close no longer has is there for ops admins only, and nothing of it can be changed."""
    number = find(request, close_id)
    return render(request, "numbers/detail.html", contents_of(request, number) | listed(request, number))


@allow(VIEWER)
@require_safe
def number_part(request: Any, close_id: str, part: str) -> HttpResponse:
    """One part of the page as it is now: head, call, press-1 or history."""
    number = find(request, close_id)
    context = {"number": number, "here": _address(number)}
    if part in ("head", "press-1"):
        context |= {"row": row_for(request.person, number, connection_of(request)), "about": about(number)}
        context |= absences_on(number)
    elif part == "call":
        context |= {"call": call_path(number, request.person), **absences_on(number)}
    else:
        context |= history_of(request, number)
    return fragment(request, PARTS[part], context)


def find(request: Any, close_id: str) -> PhoneNumber:
    """The number, as far as this person may see it."""
    numbers = access.known_numbers(request.person)
    number = numbers.filter(close_id=close_id).select_related("answer").first()
    if number is None:
        raise Http404
    return number


def contents_of(request: Any, number: PhoneNumber) -> dict[str, Any]:
    """All that the page shows of a number."""
    call = call_path(number, request.person)
    return {
        "number": number,
        "row": row_for(request.person, number, connection_of(request)),
        "about": about(number),
        "call": call,
        "phones": call.ringing.phones,
        "members": _members(number),
        "groups": call.ringing.groups,
        "panels": number_facts.panels(number, connection_of(request)),
        "raw": number_facts.raw_text(number),
        "here": _address(number),
        **history_of(request, number),
        **absences_on(number),
    }


def absences_on(number: PhoneNumber) -> dict[str, Any]:
    """The absences that are on at this number: what each holds, and what comes back at its end."""
    found: dict[Any, list[Holding]] = {}
    for holding in holdings.of_number(number).select_related("occurrence__absence"):
        found.setdefault(holding.occurrence, []).append(holding)
    return {"absences": [(one, *_held(some)) for one, some in found.items()]}


def _held(some: list[Holding]) -> tuple[str, list[Diff]]:
    """What an absence holds of a number, as terms, and how that changes when it ends."""
    value, former = ({held.field: getattr(held, name) for held in some} for name in ("value", "former"))
    return terms(held.field for held in some), between(value, former, record.Names())


def about(number: PhoneNumber) -> str:
    """What kind of number it is: "Germany · local"."""
    return sub_of(number, in_full=True)


def listed(request: Any, number: PhoneNumber) -> dict[str, Any]:
    """The list that the number was opened from, if its address says so: the way back, and to its neighbours there."""
    if "from" not in request.GET:
        return {}
    try:
        query, numbers = read_query(request, QueryDict(request.GET["from"]))
    except TooManyFieldsSent:
        return {}
    found = place_of(number, query, numbers)
    query.page = -(-found.get("place", 0) // query.per_page) or 1
    page = {"page": str(query.page)} if query.page > 1 else {}
    return {**found, "trail": trail_of(query), "back": query.address(**page)}


def history_of(request: Any, number: PhoneNumber) -> dict[str, Any]:
    """The newest changes of this number, and how many there are."""
    changes = record.with_story(access.visible_changes(request.person).filter(number=number))
    shown = list(changes.order_by("-id")[:HISTORY_SHOWN])
    return {
        "history": shown,
        "history_count": len(shown) if len(shown) < HISTORY_SHOWN else changes.count(),
        "history_since": number.changes.order_by("id").values_list("created_at", flat=True).first(),
        "names": prepare(request.person, shown),
    }


def _members(number: PhoneNumber) -> list[dict[str, Any]]:
    """The members with their groups and whether they left, active ones first."""
    members: Any = Member.objects.filter(numbers=number).prefetch_related("groups").order_by("-active", "name")
    return [
        {
            "close_id": member.close_id,
            "name": member.name,
            "active": member.active,
            "groups": ", ".join(sorted(group.name for group in member.groups.all() if not group.gone)),
        }
        for member in members
    ]


def _address(number: PhoneNumber) -> str:
    return f"/numbers/{number.close_id}/"
