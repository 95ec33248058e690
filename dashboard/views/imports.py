"""Imports: a table is brought, its columns are mapped, its rows are checked, and a plan is made of it."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import access, uploads
from dashboard.access import TEAM_LEAD, allow
from dashboard.models import Import, ImportRow
from dashboard.services import csv_out, import_columns, importing, tables
from dashboard.services.plans import NotAllowedError
from dashboard.views import downloads, fragments
from dashboard.views.answers import intent_of

PER_PAGE = 100
EXAMPLES = 3


@allow(TEAM_LEAD)
@require_http_methods(["GET", "HEAD", "POST"])
def import_list(request: Any) -> HttpResponse:
    """Where a table is chosen, and the own imports of the last days. POST reads the table and leads to it."""
    if request.method != "POST":
        return _choose(request)
    file, mends = request.FILES.get("file"), _mended(request)
    if file is None:
        return _choose(request, mends, wrong="Choose a file first.")
    if uploads.is_too_large(file):
        words = f"This file has {file.size / 1e6:,.0f} MB, and {uploads.LARGEST / 1e6:.0f} MB is the most. Take out "
        return _choose(request, mends, wrong=f"{words}columns that are not needed, or cut it into several.")
    try:
        imported = importing.take(actor=request.person, file=file, name=file.name, mends=mends)
    except tables.TableError as error:
        return _choose(request, mends, wrong=error.words, name=file.name)
    return _see(imported)


def _mended(request: Any) -> Import | None:
    """The own import that the new file takes the place of."""
    key = request.POST.get("mends", "")
    found = access.visible_imports(request.person).filter(pk=key if key.isdecimal() and len(key) < 19 else 0)
    first: Import | None = found.first()
    return first


def _choose(request: Any, mends: Import | None = None, *, wrong: str = "", name: str = "") -> HttpResponse:
    context = {
        "imports": access.visible_imports(request.person).select_related("plan")[:20],
        "mends": mends,
        "wrong": wrong,
        "name": name,
        "columns": [(name, one) for name, one in import_columns.COLUMNS.items() if not one.note],
        "most": {"rows": tables.MOST_ROWS, "columns": tables.MOST_COLUMNS, "mb": uploads.LARGEST // 1_000_000},
    }
    return render(request, "imports/list.html", context, status=422 if wrong else 200)


def _import_of(request: Any, pk: int) -> Import:
    """An own import; anything else is not there."""
    found: Import = get_object_or_404(access.visible_imports(request.person), pk=pk)
    return found


def _see(imported: Import) -> HttpResponse:
    return HttpResponseRedirect(reverse("import-detail", args=[imported.pk]), status=303)


@allow(TEAM_LEAD)
@require_http_methods(["GET", "HEAD", "POST"])
def import_detail(request: Any, pk: int) -> HttpResponse:
    """The columns with what they are, and the rows with what is wrong. POST says what the columns are."""
    imported = _import_of(request, pk)
    if request.method == "POST":
        mapping = [request.POST.get(f"column-{place}", name) for place, name in enumerate(imported.mapping)]
        importing.map_columns(imported, request.person, mapping)
        return _see(imported)
    wrong = Paginator(imported.rows.filter(is_wrong=True), PER_PAGE).get_page(request.GET.get("page"))
    number = imported.mapping.index("number") if "number" in imported.mapping else _place_of_id(imported)
    context = {
        "imported": imported,
        "columns": _columns(imported),
        "choices": _choices(),
        "missing": "" if "" in imported.mapping else import_columns.missing(imported.mapping),
        "wrong": [_wrong(imported, row, number) for row in wrong],
        "page": wrong,
        "right": (imported.count or 0) - imported.wrong,
        "planned": (imported.count or 0) - imported.nowhere,
        "intent": uuid4(),
    }
    return render(request, "imports/detail.html", context)


def _place_of_id(imported: Import) -> int | None:
    return imported.mapping.index("id") if "id" in imported.mapping else None


def _columns(imported: Import) -> list[dict[str, Any]]:
    """What the page shows of each column: its heading, its first values, what it is, and what is wrong with that."""
    first = list(imported.rows.values_list("cells", flat=True)[:EXAMPLES])
    problems = import_columns.problems(imported.headings, imported.mapping)
    return [
        {
            "place": place,
            "letter": tables.column(place),
            "heading": heading,
            "examples": [cells[place][:80] for cells in first if place < len(cells) and cells[place].strip()],
            "name": name,
            "wrong": problems.get(place, ""),
            "note": import_columns.COLUMNS[name].note if name in import_columns.COLUMNS else "",
        }
        for place, (heading, name) in enumerate(zip(imported.headings, imported.mapping, strict=True))
    ]


def _choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """What a column can be, in groups."""
    titles = {name: one.title for name, one in import_columns.COLUMNS.items()}
    return [
        ("Which number", [(name, titles.pop(name)) for name in import_columns.KEYS]),
        ("What changes", [(name, titles.pop(name)) for name in import_columns.CHANGING]),
        ("Not looked at", list(titles.items())),
    ]


def _wrong(imported: Import, row: ImportRow, number: int | None) -> dict[str, Any]:
    """A row that is wrong: where it is, which number it is about as it was written, and each error with its cell."""
    return {
        "place": row.place,
        "number": _cell(row, number),
        "errors": [
            {
                "heading": imported.headings[place] if place is not None else "",
                "cell": f"{tables.column(place)}{row.place}" if place is not None else "",
                "value": _cell(row, place)[:120],
                "words": words,
            }
            for place, words in row.errors
        ],
    }


def _cell(row: ImportRow, place: int | None) -> str:
    return row.cells[place] if place is not None and place < len(row.cells) else ""


@allow(TEAM_LEAD)
@require_POST
def import_plan(request: Any, pk: int) -> HttpResponse:
    """Make the plan. It is a draft, which has a page of its own and has changed nothing yet."""
    imported = _import_of(request, pk)
    try:
        name = f"Import of {imported.file_name}"[:255]
        plan = importing.propose(imported, request.person, intent=intent_of(request) or uuid4(), name=name)
    except NotAllowedError as error:
        fragments.say(request, error.words, level="bad")
        return _see(imported)
    return HttpResponseRedirect(reverse("plan-detail", args=[plan.pk]), status=303)


@allow(TEAM_LEAD)
@require_safe
def import_errors(request: Any, pk: int) -> StreamingHttpResponse:
    """The rows that are wrong as a file, each beside its errors: to be mended there, and imported again."""
    imported = _import_of(request, pk)
    header = [*import_columns.OUR_OWN, *imported.headings]
    return downloads.csv_file("import-errors", header, _error_lines(imported))


def _error_lines(imported: Import) -> Iterator[list[Any]]:
    for row in imported.rows.filter(is_wrong=True).iterator(chunk_size=500):
        words = [
            f"{imported.headings[place]}: {words}" if place is not None else words for place, words in row.errors
        ]
        # As they were written: what clears a value goes on doing so.
        cells = [csv_out.AsIs(cell) if cell == importing.CLEAR else csv_out.plain(cell) for cell in row.cells]
        yield [row.place, " ".join(words), *cells]


@allow(TEAM_LEAD)
@require_POST
def import_discard(request: Any, pk: int) -> HttpResponse:
    """Throw a table away. A plan that was made of it stays."""
    imported = _import_of(request, pk)
    imported.delete()
    fragments.say(request, f"{imported.file_name} is thrown away. Nothing was changed in Close.")
    return HttpResponseRedirect(reverse("import-list"), status=303)
