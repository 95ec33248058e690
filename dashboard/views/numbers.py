"""The number list: one page of the table, and a single row of it."""

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard import access
from dashboard.access import VIEWER, allow
from dashboard.context import beside_of, connection_of
from dashboard.filters import CHOICES, COLUMNS, PER_PAGE, TITLES, NumberQuery
from dashboard.services import holdings
from dashboard.views import number_words
from dashboard.views.fragments import current_address, fragment
from dashboard.views.number_query import page_of, read_query, trail_of
from dashboard.views.number_rows import intents, row_for, row_of, why_locked
from dashboard.views.saved_views import view_of, views_of


@allow(VIEWER)
@require_safe
def number_list(request: Any) -> HttpResponse:
    """The page; to htmx, the table with its chips and its foot."""
    query, numbers = read_query(request)
    page = page_of(query, numbers, request.person)
    view = view_of(request, query)
    numbers = page.pop("numbers")
    held = holdings.on_now(numbers) if beside_of(request).something_on else {}
    connection = connection_of(request)
    rows = [
        row_of(
            number,
            why=why_locked(request.person, number, connection, changeable=number.changeable),
            intent=intent,
            held=held.get(number.pk),
        )
        for number, intent in zip(numbers, intents(), strict=False)
    ]
    context = {
        "query": query,
        "view": view,
        "rows": rows,
        "may_select": request.person.may_change_something,
        "columns": dict.fromkeys(query.columns, True),
        "heads": heads(query),
        "chips": chips(query),
        "sizes": [(size, query.address(per_page=str(size))) for size in PER_PAGE],
        "all_columns": COLUMNS,
        "clear": reverse("number-list") + query.address(**dict.fromkeys(["q", *TITLES, "view"])).removesuffix("?")
        if query.filters.values
        else "",
        "without_team": query.address(team=None) if "team" in query.filters.values else "",
        "here": query.address(page=str(query.page) if query.page > 1 else None),
        "trail": trail_of(query),
        "previous": query.address(page=str(query.page - 1)) if query.page > 1 else "",
        "next": query.address(page=str(query.page + 1)) if query.page < page["pages"] else "",
        "kept": [
            (name, query.parameters[name])
            for name in ("sort", "per_page", "columns", "view")
            if name in query.parameters
        ],
        "asked": asked(query),
        **page,
    }
    if request.htmx and not request.htmx.history_restore_request:
        response = fragment(request, "numbers/_table.html", context)
        response["HX-Replace-Url"] = reverse("number-list") + (context["here"] if query.parameters else "")
        return response
    return render(request, "numbers/list.html", {**context, "views": views_of(request, query)})


def heads(query: NumberQuery) -> list[dict[str, Any]]:
    """The headings of the shown columns: where a click sorts to, and how the list is sorted now."""
    now = query.sort.removeprefix("-")
    found = []
    for name, title in {"number": "Number", **COLUMNS}.items():
        if name != "number" and name not in query.columns:
            continue
        down = query.sort == name
        to = f"-{name}" if down else name
        found.append(
            {
                "name": name,
                "title": title,
                "address": query.address(sort=None if to == "number" else to),
                "sorted": "" if now != name else "ascending" if down else "descending",
            }
        )
    return found


def chips(query: NumberQuery) -> list[dict[str, Any]]:
    """The filters as chips: what is set in words, and the address without it."""
    found = []
    for name, title in TITLES.items():
        values = query.filters.values.get(name, [])
        values = values if isinstance(values, list) else [values]
        if name == "changed" and not values:
            continue
        words = [words_of(query, name, value) for value in values]
        shown = ", ".join(words[:2]) + (f" +{len(words) - 2}" if len(words) > 2 else "")
        found.append(
            {
                "name": name,
                "title": title,
                "values": values,
                "words": shown,
                "choose": reverse("number-choose", args=[name]) + query.address(),
                "without": query.address(**{name: None}) if values else "",
            }
        )
    return found


def asked(query: NumberQuery) -> list[str]:
    """What was looked for, part by part, for the sentence that says that nothing was found."""
    parts = [f"“{query.filters.values['q']}”"] if "q" in query.filters.values else []
    return parts + [f"{chip['title'].lower()} {chip['words']}" for chip in chips(query) if chip["words"]]


def words_of(query: NumberQuery, name: str, value: str) -> str:
    """A filter's value as people read it."""
    if name in ("team", "member"):
        return query.filters.names[value]
    if name == "country":
        return number_words.country(value)
    return number_words.kind(value) if name == "type" else CHOICES[name][value]


@allow(VIEWER)
@require_safe
def number_row(request: Any, close_id: str) -> HttpResponse:
    """One row of the table, with the columns that the table shows."""
    number = get_object_or_404(access.visible_numbers(request.person), close_id=close_id)
    query, _ = read_query(request)
    held = holdings.on_now([number]).get(number.pk)
    row = row_for(request.person, number, connection_of(request), held=held)
    listed, _ = read_query(request, QueryDict(current_address(request).query))
    context = {
        "rows": [row],
        "may_select": request.person.may_change_something,
        "columns": dict.fromkeys(query.columns, True),
        "trail": trail_of(listed),
    }
    return fragment(request, "numbers/_row.html", context)
