"""Tables as Excel workbooks, with the same texts in the same cells as in a CSV file (csv_out.py)."""

import re
import tempfile
from collections.abc import Iterable
from itertools import chain
from typing import IO, Any

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils import get_column_letter

from dashboard.services import csv_out

LONGEST = 32_767
"""Characters that a cell can hold, https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3."""

# What XML cannot hold, and the line that would make _x0007_ of a text look like it (ECMA-376, part 1, 22.9.2.19).
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


def workbook(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> IO[bytes]:
    """A file with one sheet, ready to be read; it is gone once it is closed.

    Every cell is a text that stays one, also when somebody edits it: none is a formula, an error, or a number that
    loses its +. A row is on the disk before the next one is made. A text that is too long for a cell is left out,
    which an import takes for "leave it alone".
    """
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Numbers")
    sheet.freeze_panes = "A2"
    names = list(header)
    for column in range(1, len(names) + 1):
        sheet.column_dimensions[get_column_letter(column)].width = 20
    for values in chain([names], rows):
        sheet.append([_cell(sheet, value) for value in values])
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it.
    book.save(file)
    file.seek(0)
    return file


def _cell(sheet: Any, value: Any) -> Any:
    text = csv_out.safe(value)
    if not text or len(text) > LONGEST:
        return None
    cell = WriteOnlyCell(sheet, _UNWRITABLE.sub(lambda sign: f"_x{ord(sign[0]):04X}_", text))
    # Whatever it looks like, and whatever becomes of it.
    cell.data_type, cell.number_format = "s", "@"
    return cell
