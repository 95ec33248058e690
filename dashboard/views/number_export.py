"""The number list as a file."""

from collections.abc import Iterator
from typing import Any

from django.http import FileResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from dashboard.access import VIEWER, allow
from dashboard.services.number_table import HEADER, cells
from dashboard.views.downloads import csv_file, xlsx_file
from dashboard.views.number_query import read_query


@allow(VIEWER)
@require_safe
def number_export(request: Any) -> StreamingHttpResponse:
    """All numbers of the current view, in its order, made while it is sent."""
    return csv_file("numbers", HEADER, _lines(request))


@allow(VIEWER)
@require_safe
def number_export_xlsx(request: Any) -> FileResponse:
    """The same as an Excel workbook, which is on the disk before it is sent."""
    return xlsx_file("numbers", HEADER, _lines(request))


def _lines(request: Any) -> Iterator[list[Any]]:
    query, numbers = read_query(request)
    rows = (
        numbers.order_by(*query.order()).defer("search_text", "people_sort", "teams_sort").prefetch_related("groups")
    )
    return (cells(number) for number in rows.iterator(chunk_size=1000))
