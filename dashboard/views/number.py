"""The page of one number: its settings, what happens to a call, its history, and all that Close says of it."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard import access
from dashboard.access import VIEWER, allow
from dashboard.context import connection_of
from dashboard.models import Member, PhoneNumber
from dashboard.services import changes as record
from dashboard.services.callpath import call_path
from dashboard.views import number_facts
from dashboard.views.change_rows import prepare
from dashboard.views.fragments import fragment
from dashboard.views.number_rows import row_for

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
    return render(request, "numbers/detail.html", page_of(request, find(request, close_id)))


@allow(VIEWER)
@require_safe
def number_part(request: Any, close_id: str, part: str) -> HttpResponse:
    """One part of the page as it is now: head, call, press-1 or history."""
    number = find(request, close_id)
    context = {"number": number, "here": _address(number)}
    if part in ("head", "press-1"):
        context |= {"row": row_for(request.person, number, connection_of(request))}
    elif part == "call":
        context |= {"call": call_path(number, request.person)}
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


def page_of(request: Any, number: PhoneNumber) -> dict[str, Any]:
    """All that the page shows of a number."""
    call = call_path(number, request.person)
    return {
        "number": number,
        "row": row_for(request.person, number, connection_of(request)),
        "call": call,
        "phones": call.ringing.phones,
        "members": _members(number),
        "groups": call.ringing.groups,
        "panels": number_facts.panels(number),
        "raw": number_facts.raw_text(number),
        "here": _address(number),
        **history_of(request, number),
    }


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
            "name": member.name,
            "active": member.active,
            "groups": ", ".join(sorted(group.name for group in member.groups.all() if not group.gone)),
        }
        for member in members
    ]


def _address(number: PhoneNumber) -> str:
    return f"/numbers/{number.close_id}/"
