"""Tables as CSV, safe to open in a spreadsheet. Every export writes through this module."""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.utils import timezone

# With this mark a spreadsheet reads the file as UTF-8; without it "Zürich" comes out garbled.
BYTE_ORDER_MARK = "\ufeff"
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_STARTS_A_FORMULA = tuple("=+-@'")


def safe(value: Any) -> str:
    """One cell: None is empty, times are ISO 8601 with their offset, and no text can start a formula.

    A text that a spreadsheet would calculate gets an apostrophe in front, and so does a text that begins with an
    apostrophe: whoever reads the file back takes exactly one away. Phone numbers in E.164 stay as they are.
    https://owasp.org/www-community/attacks/CSV_Injection
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(timespec="seconds")
    text = str(value)
    if _E164.fullmatch(text):
        return text
    # Full-width signs count like their narrow twins, and blanks before a sign do not disarm it.
    first = unicodedata.normalize("NFKC", text.lstrip()[:1])
    if first.startswith(_STARTS_A_FORMULA) or text.startswith(("\t", "\r", "\n")):
        return f"'{text}"
    return text


class _Echo:
    """A file that gives each line back to the writer instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def lines(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """The lines of the file, one at a time, so that an export of any length needs no memory of its size."""
    writer = csv.writer(_Echo())
    yield BYTE_ORDER_MARK + writer.writerow([safe(name) for name in header])
    for row in rows:
        yield writer.writerow([safe(value) for value in row])
