"""Jump to: a few letters lead to a page, a number, or the numbers of a person or a team."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard.access import VIEWER, Person, allow
from dashboard.services import jumping
from dashboard.templatetags.ui import phone
from dashboard.views.fragments import fragment
from dashboard.views.number_query import people_of, teams_of


def pages_of(person: Person) -> list[tuple[str, str]]:
    """The pages that this person may open, by the words that lead to them elsewhere."""
    pages = [("Numbers", "number-list"), ("Changes", "change-list"), ("Saved views", "view-list")]
    if person.may_change_something:
        pages += [("Plans", "plan-list"), ("Absences", "absence-list"), ("Import a table", "import-list")]
    if person.is_ops_admin:
        pages += [("People", "people-list"), ("Sign-ins and access", "event-list")]
        pages += [("Connection to Close", "connection")]
    pages += [("Messages", "notice-list"), ("Settings and theme", "settings")]
    return [(words, reverse(name)) for words, name in pages]


def _places(person: Person, text: str) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """What was found, in groups with a title each: the words, what is said beside them, and the address."""

    def listed(**values: str) -> str:
        return f"{reverse('number-list')}?{urlencode(values)}"

    found = jumping.find(person, text, people=people_of(person), teams=teams_of(person))
    places = {
        "Numbers": [
            (phone(one.number), one.label, reverse("number-detail", args=[one.close_id])) for one in found.numbers
        ],
        "People": [(one.name, "" if one.active else "left", listed(member=one.close_id)) for one in found.people],
        "Teams": [(one.name, "", listed(team=one.close_id)) for one in found.teams],
        "Pages": [(words, "", address) for words, address in jumping.named(pages_of(person), text)],
    }
    return [(title, some) for title, some in places.items() if some]


@allow(VIEWER)
@require_safe
def jump(request: Any) -> HttpResponse:
    """A dialog to htmx, and what is found while somebody types; a page without script. `go` leads to the first."""
    text = request.GET.get("q", "").replace("\0", "").strip()[: jumping.LONGEST]
    groups = _places(request.person, text)
    context = {"text": text, "groups": groups}
    if request.htmx and request.htmx.target == "jump-found":
        return fragment(request, "jump/_found.html", context)
    if request.htmx:
        response = fragment(request, "jump/_dialog.html", context)
        response["HX-Trigger-After-Settle"] = '{"show-dialog": "jump-dialog"}'
        return response
    if "go" in request.GET and groups:
        return HttpResponseRedirect(groups[0][1][0][2], status=303)
    return render(request, "jump/page.html", context)
