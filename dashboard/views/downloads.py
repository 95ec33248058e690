"""Files that are made while they are sent."""

from collections.abc import Iterable
from typing import Any

from django.http import FileResponse, StreamingHttpResponse
from django.utils import timezone

from dashboard.services import csv_out, xlsx_out


def csv_file(name: str, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> StreamingHttpResponse:
    """Answer with a CSV file called `<name>-<today>.csv`; its times are in the reader's zone."""
    lines = csv_out.lines(header, rows, timezone.get_current_timezone())
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{timezone.localdate():%Y-%m-%d}.csv"'
    return response


def xlsx_file(name: str, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> FileResponse:
    """Answer with an Excel workbook called `<name>-<today>.xlsx`; its times are in the reader's zone."""
    file_name = f"{name}-{timezone.localdate():%Y-%m-%d}.xlsx"
    return FileResponse(xlsx_out.workbook(header, rows), as_attachment=True, filename=file_name)
