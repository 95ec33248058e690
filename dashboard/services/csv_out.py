"""Tables as CSV, safe to open in a spreadsheet. Every export writes through this module."""

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from typing import Any

from django.utils import timezone

# With this mark a spreadsheet reads the file as UTF-8; without it "Zürich" comes out garbled.
BYTE_ORDER_MARK = "\ufeff"
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# Signs that begin a formula, also wide, small, raised or lowered ones; and the apostrophe that disarms them.
_SIGNS = "-=+@'＝＋－＠﹦﹢﹣﹫⁺⁼₊₌"
# Where a cell begins for some spreadsheet or other: where ours do, and after what some split at, whatever the quotes
# say. Blanks and quotes before a sign do not disarm it.
_STARTS_A_FORMULA = re.compile(rf"""(^|[;\t\r\n])(?=[\s"]*[{_SIGNS}])|^(?=[\t\r\n])""")
_DISARMED = re.compile(rf"""(^|[;\t\r\n])'(?=[\s"]*[{_SIGNS}])|^'(?=[\t\r\n])""")


class AsIs(str):
    """A text of ours that begins no formula, whatever it looks like."""

    __slots__ = ()


def safe(value: Any, zone: tzinfo | None = None) -> str:
    """One cell: None is empty, times are ISO 8601 with their offset (in `zone`), and no text can start a formula.

    A text that a spreadsheet would calculate gets an apostrophe in front, and so does one that begins with an
    apostrophe. The same goes for what follows a semicolon, a tab or the end of a line, since many spreadsheets split
    there: whoever reads the file back takes exactly one apostrophe away at each of these places. Phone numbers in
    E.164 stay as they are. https://owasp.org/www-community/attacks/CSV_Injection
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return timezone.localtime(value, zone).isoformat(timespec="seconds")
    text = str(value)
    if isinstance(value, AsIs):
        return text
    return text if _E164.fullmatch(text) else _STARTS_A_FORMULA.sub(r"\1'", text)


def plain(text: str) -> str:
    """A cell as it was before `safe`: without the apostrophes that disarm, and with all others."""
    return _DISARMED.sub(r"\1", text)


class _Echo:
    """A file that gives each line back to the writer instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def lines(header: Iterable[str], rows: Iterable[Iterable[Any]], zone: tzinfo | None = None) -> Iterator[str]:
    """The lines of the file, one at a time, so that an export of any length needs no memory of its size.

    `zone`: whose times they are. They are written after the request is over, which had a zone of its own.
    """
    writer = csv.writer(_Echo())
    yield BYTE_ORDER_MARK + writer.writerow([safe(name) for name in header])
    for row in rows:
        yield writer.writerow([safe(value, zone) for value in row])
