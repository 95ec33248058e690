"""What the number list can be set to: the values of one filter, the columns of the table."""

from typing import Any

from django.db.models import F
from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from dashboard import access
from dashboard.access import VIEWER, allow
from dashboard.filters import CHOICES, COLUMNS, TITLES
from dashboard.services.preferences import prefer
from dashboard.views import number_words
from dashboard.views.fragments import fragment
from dashboard.views.number_query import people_of, read_query, teams_of


@allow(VIEWER)
@require_safe
def number_choose(request: Any, name: str) -> HttpResponse:
    """What one filter can be set to, as a list to tick: a menu to htmx, a page of its own without script."""
    if name not in TITLES:
        raise Http404
    query, _ = read_query(request)
    chosen = query.filters.values.get(name, [])
    context = {
        "name": name,
        "title": TITLES[name],
        "single": name in CHOICES,
        "choices": [(value, words, value in chosen) for value, words in choices_of(request.person, name)],
        "kept": [(key, value) for key, value in query.parameters.items() if key not in (name, "page")],
        "back": reverse("number-list") + query.address(),
    }
    if request.htmx:
        return fragment(request, "numbers/_choices.html", context)
    return render(request, "numbers/choose.html", context)


def choices_of(person: access.Person, name: str) -> list[tuple[str, str]]:
    """The values of a filter with their words."""
    if name in CHOICES:
        return list(CHOICES[name].items())
    if name == "team":
        return [(team.close_id, team.name) for team in teams_of(person)]
    if name == "member":
        return [
            (member.close_id, member.name if member.active else f"{member.name} (left)")
            for member in people_of(person).order_by(F("active").desc(), "name")
        ]
    values = access.visible_numbers(person).order_by(name).values_list(name, flat=True).distinct()
    words = number_words.country if name == "country" else number_words.kind
    return sorted(((value, words(value)) for value in values if value), key=lambda choice: choice[1])


@allow(VIEWER)
@require_POST
def number_columns(request: Any) -> HttpResponse:
    """Remember which columns this person wants, and show them. The address names them too, so it can be shared."""
    chosen = [name for name in COLUMNS if name in request.POST.getlist("columns")]
    prefer(user=request.user, columns=chosen)
    query, _ = read_query(request, QueryDict(request.POST.get("query", "").removeprefix("?")))
    return HttpResponseRedirect(
        reverse("number-list") + query.address(columns=",".join(chosen) or "number"), status=303
    )
