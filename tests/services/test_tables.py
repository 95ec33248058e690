"""Tables are read as the spreadsheets of many countries write them; of what is no table, it is said."""

import io
import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from dashboard.services import tables

ROWS = [["number", "label"], ["+14155550142", "Zürich; West"], ["+442079460958", 'a "b", c']]


def read(content):
    table = tables.read(io.BytesIO(content))
    return table, list(table.rows)


def workbook(*rows, sheets=1):
    """An Excel workbook of these rows; what begins with = is a formula."""
    book, file = openpyxl.Workbook(), io.BytesIO()
    book.active.title = "Numbers"
    for row in rows:
        book.active.append(row)
    for _ in range(sheets - 1):
        book.create_sheet()
    book.save(file)
    return file.getvalue()


CSV = 'number{0}label\r\n+14155550142{0}"Zürich; West"\r\n+442079460958{0}"a ""b"", c"\r\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_of_any_separator_and_encoding(separator, encoding):
    table, rows = read(CSV.format(separator).encode(encoding))
    assert table.headings == ROWS[0]
    assert rows == [(2, ROWS[1]), (3, ROWS[2])]
    assert table.kind == f"CSV with {tables.SEPARATORS[separator]}"
    assert ("Windows-1252" in table.note) == (encoding == "cp1252")


def test_excels_own_hint_at_the_separator_is_no_row():
    table, rows = read(b"sep=;\r\nnumber;label\r\n+14155550142;a,b,c\r\n")
    assert (table.headings, rows) == (["number", "label"], [(3, ["+14155550142", "a,b,c"])])


def test_rows_have_the_numbers_that_a_spreadsheet_shows():
    _, rows = read(b'number,label\n\n+1415,"two\nlines"\n,,\n+1416,x,,\n')
    assert rows == [(3, ["+1415", "two\nlines"]), (5, ["+1416", "x"])]


def test_a_workbook_gives_the_texts_that_csv_would():
    content = workbook(
        ["number", "on", "ring", "odd"],
        [14155550142, True, 30.0, "=1+1"],
        ["+14155550142", False, 1.5, "a_x000D_b_x0007_ _x0041_"],
        [],
        ["+1", "", "", date(2026, 11, 24)],
        sheets=3,
    )
    table, rows = read(content)
    assert table.headings == ["number", "on", "ring", "odd"]
    assert rows[0] == (2, ["14155550142", "true", "30", "=1+1"])
    assert rows[1] == (3, ["+14155550142", "false", "1.5", "a\rb\x07 _x0041_"])
    assert rows[2][0] == 5
    assert table.note == "The first sheet, “Numbers”, was read; the other 2 not."


def bomb():
    """A few kilobytes that become a hundred megabytes."""
    file = io.BytesIO(workbook(*ROWS))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/media/zeros.bin", b"\0" * 100_000_000)
    return file.getvalue()


def with_entities(definitions, text):
    """A workbook whose sheet has entities of its own, and a cell that names them."""
    source, file = zipfile.ZipFile(io.BytesIO(workbook(*ROWS))), io.BytesIO()
    head = f"<?xml version='1.0'?><!DOCTYPE odd [{definitions}]>"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        for name in source.namelist():
            part = source.read(name).decode()
            if name == "xl/worksheets/sheet1.xml":
                cell = f'<row r="9"><c r="A9" t="inlineStr"><is><t>{text}</t></is></c></row></sheetData>'
                part = head + part.partition("?>")[2].replace("</sheetData>", cell)
            parts.writestr(name, part)
    return file.getvalue()


def laughs():
    """A sheet whose text says itself a billion times."""
    names = [f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 10)]
    return with_entities(f"<!ENTITY e0 'ha'>{''.join(names)}", "&e9;")


def long_laugh():
    """A sheet with one long text that is named thousands of times: together a gigabyte."""
    return with_entities(f"<!ENTITY e '{'ha' * 25_000}'>", "&e;" * 20_000)


def stranger():
    """A sheet that asks for a file of this machine."""
    return with_entities(f"<!ENTITY e SYSTEM '{Path(__file__).as_uri()}'>", "&e;")


def broken():
    """A workbook whose sheet ends in the middle."""
    source, file = zipfile.ZipFile(io.BytesIO(workbook(*ROWS, *ROWS))), io.BytesIO()
    with zipfile.ZipFile(file, "w") as parts:
        for name in source.namelist():
            parts.writestr(name, source.read(name)[: -80 if name.endswith("sheet1.xml") else None])
    return file.getvalue()


def other_zip():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as parts:
        parts.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    return file.getvalue()


WRONG = [
    (b"", "There is nothing in this file."),
    (b"\n\n,,\n", "There is nothing in this file."),
    (b"Dear all\nplease change the numbers\n", "This table has one column only."),
    (b"\x89PNG\r\n\x1a\n\0\0\0", "This is no table that can be read here."),
    (b"%PDF-1.7\nnumber,label\n", "This is no table that can be read here."),
    (b"PK\x03\x04 and nothing more", "This is no table that can be read here."),
    (other_zip(), "This is no table that can be read here."),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "a workbook with a password, or in the old format .xls"),
    (b"number,label\n+1415,a\0b\n", "Row 2, column B holds the character NUL"),
    ("number,label\n".encode("utf-16-le"), "Row 1, column A holds the character NUL"),
    (b"\xff\xfe\x00\xd8n\0", "This is no table that can be read here."),
    (b"number,label\n+1415,\x81\x8d\n", "neither in UTF-8 nor in Windows-1252"),
    (b'number,label\n+1415,"a"b"\n', "Row 2 cannot be read: quotation marks"),
    (b'number,label\n+1415,x\n+1416,"a\n+1417,b\n', "Row 3 cannot be read: quotation marks"),
    (b"number,label\n+1415," + b"x" * 40_001, "Row 2, column B holds 40,001 characters"),
    (b",".join([b"x"] * 300), "Row 1 has 300 columns, and 50 is the most"),
    (b"number,label\n+1415" + b",x" * 60, "Row 2 has 61 columns"),
    (b"number,label\n" + b"+1415,x\n" * 20_001, "more than 20,000 rows"),
    (workbook(["number", "label"], ["+1415", "a_x0000_b"]), "Row 2, column B holds the character NUL"),
    (workbook(["x"] * 300), "Row 1 has 300 columns"),
    (bomb(), "becomes too large once it is unpacked (100 MB; 60 is the most)"),
    (laughs(), "This is no table that can be read here."),
    (long_laugh(), "This is no table that can be read here."),
    (stranger(), "This is no table that can be read here."),
    (broken(), "of this workbook cannot be read"),
]


@pytest.mark.parametrize(("content", "words"), WRONG, ids=[words for _, words in WRONG])
def test_what_cannot_be_read_is_said_with_its_place(content, words):
    with pytest.raises(tables.TableError) as caught:
        read(content)
    assert words in caught.value.words


def test_memory_does_not_grow_with_a_sheet_that_says_it_is_huge():
    """A single cell at the very end is not a million rows in memory."""
    source, file = zipfile.ZipFile(io.BytesIO(workbook(*ROWS))), io.BytesIO()
    with zipfile.ZipFile(file, "w") as parts:
        for name in source.namelist():
            text = source.read(name).decode()
            if name == "xl/worksheets/sheet1.xml":
                cell = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
                text = text.replace("</sheetData>", cell)
            parts.writestr(name, text)
    with pytest.raises(tables.TableError, match="Row 1048576 has 16384 columns"):
        read(file.getvalue())
