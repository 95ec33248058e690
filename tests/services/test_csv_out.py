"""CSV files are safe to open in a spreadsheet, and nothing is lost by it."""

import csv
import io
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.services import csv_out


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("https://evil.test")',
        "+1+1",
        "-1",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "\nx",
        " =1",
        "＝1",
        "＋1",
        "'quoted",
    ],
)
def test_text_that_a_spreadsheet_would_calculate_gets_one_apostrophe(text):
    assert csv_out.safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["West inbound", "", "a=b", "+14155550142", "Zürich", "https://a.test/x.mp3"])
def test_other_text_and_phone_numbers_stay_as_they_are(text):
    assert csv_out.safe(text) == text


@pytest.mark.parametrize("text", ["+1415555014２", "+14155550142\n", "+0123456789", "+1"])
def test_what_only_resembles_a_phone_number_is_made_safe(text):
    assert csv_out.safe(text).startswith("'+")


# What a spreadsheet does that splits at semicolons, tabs or ends of lines and takes quotes for text, or drops them.
SPLIT_AT = re.compile(r"[;\t\r\n]")


@given(st.text(alphabet="=+-@';\t\n\r \"＝,x1", max_size=12))
def test_no_way_to_split_a_file_makes_a_formula_and_nothing_is_lost(text):
    written = csv_out.safe(text)
    for piece in SPLIT_AT.split(written):
        assert not piece.replace('"', "").lstrip().startswith(("=", "+", "-", "@", "＝"))
    assert csv_out.plain(written) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("x;=1+1", "x;'=1+1"),
        ("x; -1;@y", "x;' -1;'@y"),
        ('x;"=1', "x;'\"=1"),
        ("x\n=1", "x\n'=1"),
        ("\t=1", "'\t'=1"),
        ("a;b, c=d", "a;b, c=d"),
        (";'", ";''"),
    ],
)
def test_what_follows_a_semicolon_is_a_cell_in_many_countries(text, written):
    assert csv_out.safe(text) == written


def test_times_are_those_of_a_zone():
    moment = datetime(2026, 11, 24, 10, 58, tzinfo=UTC)
    assert csv_out.safe(moment, ZoneInfo("Asia/Kolkata")) == "2026-11-24T16:28:00+05:30"


def test_values_of_other_types():
    moment = datetime(2026, 11, 24, 10, 58, tzinfo=UTC)
    assert [csv_out.safe(value) for value in (None, True, False, 30)] == ["", "true", "false", "30"]
    assert csv_out.safe(moment) == "2026-11-24T10:58:00+00:00"


def test_a_file_is_read_back_with_the_words_that_went_in():
    text = "".join(csv_out.lines(["number", "label"], [["+14155550142", '=a,"b"\nc']]))
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert rows == [{"number": "+14155550142", "label": '\'=a,"b"\nc'}]
