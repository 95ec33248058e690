"""An import of as many rows as there may be: read, stored and checked, from CSV and from a workbook."""

import io
import time
from collections.abc import Iterator
from itertools import islice

from dashboard import access
from dashboard.models import Import, PhoneNumber
from dashboard.services import csv_out, importing, number_table, tables, xlsx_out
from tests.bench.report import Row

BAR = 10


def lines() -> Iterator[list]:
    """What an export writes, with another label in every row, and two thousand phones to forward to."""
    numbers = PhoneNumber.objects.prefetch_related("groups").order_by("pk").iterator(chunk_size=1000)
    label, target = number_table.HEADER.index("label"), number_table.HEADER.index("forward_to")
    for place, number in enumerate(islice(numbers, tables.MOST_ROWS)):
        cells = number_table.cells(number)
        cells[label], cells[target] = f"Row {place}", f"+4917{place % 2000:09}"
        yield cells


def measure(user) -> list[Row]:
    """Seconds until every row has its errors beside it."""
    files = {
        "CSV": io.BytesIO("".join(csv_out.lines(number_table.HEADER, lines())).encode()),
        "XLSX": xlsx_out.workbook(number_table.HEADER, lines()),
    }
    rows = []
    for kind, file in files.items():
        began = time.perf_counter()
        imported = importing.take(actor=access.person(user), file=file, name=f"numbers.{kind.lower()}")
        seconds = time.perf_counter() - began
        assert (imported.count, imported.checked_at is None) == (tables.MOST_ROWS, False)
        note = f"({imported.changing:,} would change something, {imported.wrong:,} with errors)"
        file.close()
        rows.append(Row(f"import of {tables.MOST_ROWS:,} rows, {kind}", seconds, BAR, "s", note=note))
    Import.objects.all().delete()
    return rows
