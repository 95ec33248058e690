"""Tables that people bring: CSV as the spreadsheets of many countries write it, and XLSX.

A table is read row by row, within bounds, and nothing in it is calculated. What cannot be read is a TableError with
a sentence that names row and column where there is one.
"""

import codecs
import csv
import io
import os
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time
from typing import IO, Any

# Where defusedxml happens to be installed, openpyxl would read with it, which takes twice as long. What it holds off,
# texts that multiply, the parser of Python 3.11 refuses by itself (expat 2.4.1 and newer).
os.environ.setdefault("OPENPYXL_DEFUSEDXML", "False")

import openpyxl
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.formula import ArrayFormula, DataTableFormula

MOST_ROWS = 20_000
MOST_COLUMNS = 50
LONGEST_CELL = 40_000
# An XLSX is a ZIP, which may be a thousand times larger than its file.
MOST_UNPACKED = 60_000_000
LAST_ROW = 1_048_576

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
WESTERN = "It is not in UTF-8, so it was read as Windows-1252. Look whether accents and umlauts are right."
NOT_A_TABLE = (
    "This is no table that can be read here. Save it as CSV or as an Excel workbook (.xlsx), and choose that."
)
# A character that XML cannot hold, as a workbook writes it, and the line before a text that only looks like one.
_ESCAPED = re.compile(r"_x(00[01][0-9A-Fa-f]|005[Ff]|[Ff]{3}[EeFf])_")


class TableError(Exception):
    """The file cannot be read as a table; `words` say why and what to do."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True)
class Table:
    """`kind`: what the file is, in words. `note`: what to know of how it was read. `rows`: each with its number."""

    kind: str
    headings: list[str]
    rows: Iterator[tuple[int, list[str]]]
    note: str = ""


def column(at: int) -> str:
    """What spreadsheets call a column, counted from 0: "C"."""
    return get_column_letter(at + 1)


def read(file: IO[bytes]) -> Table:
    """The table in a file: its headings at once, its rows as they are asked for. Raises TableError, then too."""
    start = file.read(8)
    file.seek(0)
    if start.startswith(b"PK"):
        kind, rows, note = _xlsx(file)
    elif start.startswith(b"\xd0\xcf\x11\xe0"):
        raise TableError(
            "This is a workbook with a password, or in the old format .xls. Save it without a password as .xlsx, or "
            "as CSV."
        )
    elif start.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8")):
        raise TableError(NOT_A_TABLE)
    else:
        kind, rows, note = _csv(file)
    checked = _checked(rows)
    first = next(checked, None)
    if first is None:
        raise TableError("There is nothing in this file. The first row holds the headings, the others the numbers.")
    headings = [heading.strip() for heading in first[1]]
    if len(headings) == 1:
        raise TableError(
            "This table has one column only. It needs two at least, parted by commas, semicolons or tabs: one that "
            "says which number, and one with what to change."
        )
    return Table(kind, headings, _within(checked), note)


def _checked(rows: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold something, without empty cells at their end, each cell a text that can be stored."""
    for number, cells in rows:
        while cells and not cells[-1].strip():
            cells.pop()
        if len(cells) > MOST_COLUMNS:
            raise TableError(
                f"Row {number} has {len(cells)} columns, and {MOST_COLUMNS} is the most that an import has. Take out "
                "those that are not needed."
            )
        for at, cell in enumerate(cells):
            if "\0" in cell:
                raise TableError(
                    f"Row {number}, column {column(at)} holds the character NUL, which no text has. Save the table "
                    "once more as CSV in UTF-8, or as .xlsx."
                )
            if len(cell) > LONGEST_CELL:
                raise TableError(
                    f"Row {number}, column {column(at)} holds {len(cell):,} characters, and {LONGEST_CELL:,} is the "
                    "most. Perhaps a quotation mark is missing there."
                )
        if cells:
            yield number, cells


def _within(rows: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    for count, row in enumerate(rows, start=1):
        if count > MOST_ROWS:
            raise TableError(
                f"This table has more than {MOST_ROWS:,} rows. Cut it into several, and import one after the other."
            )
        yield row


# --- CSV --------------------------------------------------------------------------------------


def _csv(file: IO[bytes]) -> tuple[str, Iterator[tuple[int, list[str]]], str]:
    encoding = _encoding(file)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    try:
        first = text.readline(LONGEST_CELL)
    except UnicodeError as error:
        raise TableError(NOT_A_TABLE) from error
    text.seek(0)
    # Excel's own hint at the separator is no row of the table.
    if hint := re.fullmatch(r"\ufeff?sep=([,;\t])\s*", first):
        text.readline()
    separator = hint[1] if hint else max(SEPARATORS, key=lambda sign: _cells_of(first, sign))
    note = WESTERN if encoding == "cp1252" else ""
    return f"CSV with {SEPARATORS[separator]}", _records(text, separator, begin=2 if hint else 1), note


def _encoding(file: IO[bytes]) -> str:
    """The encoding that the whole file can be read in."""
    if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    for encoding in ("utf-8-sig", "cp1252"):
        file.seek(0)
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            while chunk := file.read(65536):
                decoder.decode(chunk)
            decoder.decode(b"", True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise TableError(
        "The characters of this file are neither in UTF-8 nor in Windows-1252. Save it once more as CSV in UTF-8, or "
        "as .xlsx."
    )


def _cells_of(line: str, separator: str) -> int:
    return len(next(csv.reader([line], delimiter=separator), []))


def _records(text: IO[str], separator: str, *, begin: int) -> Iterator[tuple[int, list[str]]]:
    number = begin - 1
    records = csv.reader(text, delimiter=separator, strict=True)
    try:
        for number, cells in enumerate(records, start=begin):
            yield number, cells
    except (csv.Error, UnicodeError) as error:
        raise TableError(
            f"Row {number + 1} cannot be read: quotation marks stand in it that do not belong together. A text with "
            'a quotation mark in it is written "like ""this""".'
        ) from error


# --- XLSX -------------------------------------------------------------------------------------


def _xlsx(file: IO[bytes]) -> tuple[str, Iterator[tuple[int, list[str]]], str]:
    _unpackable(file)
    file.seek(0)
    try:
        workbook = openpyxl.load_workbook(file, read_only=True, keep_links=False)
        sheets = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
    except Exception as error:
        raise TableError(NOT_A_TABLE) from error
    if not sheets:
        raise TableError("This workbook has no sheet with a table. Choose another one.")
    others = len(sheets) - 1
    note = f"The first sheet, “{sheets[0].title}”, was read; the other {others} not." if others else ""
    return "Excel workbook", _sheet_rows(sheets[0]), note


def _unpackable(file: IO[bytes]) -> None:
    """Raise unless this is a ZIP that stays within bounds. Python reads of a part no more than it declares."""
    try:
        parts = zipfile.ZipFile(file).infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise TableError(NOT_A_TABLE) from error
    if not any(part.filename.lower() == "xl/workbook.xml" for part in parts):
        raise TableError(NOT_A_TABLE)
    size = sum(part.file_size for part in parts)
    if size > MOST_UNPACKED or len(parts) > 1000:
        raise TableError(
            f"This workbook becomes too large once it is unpacked ({size / 1e6:,.0f} MB; {MOST_UNPACKED / 1e6:.0f} "
            "is the most). Copy the rows that you need into a new one, or save it as CSV."
        )


def _sheet_rows(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    # How large a sheet says that it is need not be true.
    sheet.reset_dimensions()
    number = 0
    try:
        for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
            if number > LAST_ROW:
                raise TableError(NOT_A_TABLE)
            yield number, [_text(value) for value in values]
    except TableError:
        raise
    except Exception as error:
        # A file that somebody made by hand can break a reader in any way.
        raise TableError(
            f"Row {number + 1} of this workbook cannot be read. Save it once more, or as CSV."
        ) from error


def _text(value: Any) -> str:
    """A cell as text, as it would stand in a CSV file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, ArrayFormula | DataTableFormula):
        return "="
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), str(value))
