"""The page Sign-ins and access: who came in and from where, who was refused, what was given, stopped or exported."""

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.access import OPS_ADMIN, allow
from dashboard.models import Event, Kind
from dashboard.templatetags.days import zone_words

PER_PAGE = 50
MOST_NAMES = 200
KINDS = {kind.value: str(kind.label) for kind in Kind if kind != Kind.CHANGE}


@allow(OPS_ADMIN)
@require_safe
def index(request: Any) -> HttpResponse:
    """The entries of the history but for changes, which have a page of their own; newest first."""
    everything = Event.objects.exclude(kind=Kind.CHANGE)
    chosen, notes = _read(request.GET)
    found = everything
    if kind := chosen.get("kind"):
        found = found.filter(kind=kind)
    if person := chosen.get("person"):
        found = found.filter(Q(who=person) | Q(about=person))
    paginator = Paginator(found, PER_PAGE)
    page = paginator.get_page(request.GET.get("page", "1"))
    context = {
        "page": page,
        "total": paginator.count,
        "notes": notes,
        "filtered": bool(chosen),
        "newer": _link(chosen, page=page.number - 1),
        "older": _link(chosen, page=page.number + 1),
        "filters": _filters(everything, chosen),
        "zone": zone_words(),
    }
    return render(request, "events/list.html", context)


def _read(parameters: Any) -> tuple[dict[str, str], list[str]]:
    """What the address asks for, and what of it makes no sense, in sentences."""
    chosen, notes = {}, []
    for name in parameters:
        text = parameters[name].strip()
        if name == "page" or not text:
            continue
        if name not in ("kind", "person"):
            notes.append(f"“{name[:40]}” is no filter of this page and was left out.")
        elif (name == "kind" and text not in KINDS) or "\0" in text:
            notes.append(f"The filter {name} does not know “{text[:40]}”, so it was left out.")
        else:
            chosen[name] = text
    return chosen, notes


def _filters(everything: Any, chosen: dict[str, str]) -> list[dict[str, Any]]:
    """The filters: what is chosen, and where each choice leads."""
    names = everything.exclude(who="").order_by().values_list("who", flat=True).distinct()[:MOST_NAMES]
    choices = {
        "kind": ("Kind", KINDS),
        "person": ("Person", {name: name for name in sorted(names, key=str.casefold)}),
    }
    return [
        {
            "name": name,
            "label": label,
            "chosen": options.get(now := chosen.get(name, ""), now),
            "without": _link(chosen, **{name: None}),
            "options": [(text, _link(chosen, **{name: value}), value == now) for value, text in options.items()],
        }
        for name, (label, options) in choices.items()
    ]


def _link(chosen: dict[str, str], **other: Any) -> str:
    """This query with other values, as the end of an address: None takes a parameter away, page begins anew."""
    values = {**chosen, **other}
    return "?" + urlencode({name: value for name, value in values.items() if value not in (None, "")})
