"""The number list as a file: CSV, or an Excel workbook."""

import csv
import io
import subprocess

from dashboard.models import PhoneNumber
from dashboard.services import csv_out

from .editing import any_number

# What spreadsheets calculate, shorten, take apart or turn round.
ODD = [
    "=1+1",
    '=HYPERLINK("https://evil.test")',
    "+1+1",
    "-2",
    "@SUM(A1)",
    "x;=1+1",
    "\t=1",
    "'apostrophe",
    'a, "b"\nand a second line',
    '"quoted"',
    "  blanks  ",
    "Zürich ☎️ 🔥",
    "שלום, عليكم",
    "007",
    "+4917604069180",
    "1e5",
    "1/2",
    "12:30",
    "TRUE",
    "#N/A",
    "_x0041_",
    "a\u2028b",
]
CSV_OUT = "csv:Text - txt - csv (StarCalc):44,34,UTF8,1,,0,false,true,false"
# Commas, quotation marks, UTF-8, from the first row on, and each of the columns is text: what the dialog asks.
CSV_IN = f"Text - txt - csv (StarCalc):44,34,UTF8,1,{'/'.join(f'{column}/2' for column in range(1, 21))}"


def rows_of(response):
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_holds_the_current_view_in_its_order(ops_client, synced):
    response = ops_client.get("/numbers/export.csv?forwarding=on&sort=-number&per_page=25&page=2")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in response["Content-Disposition"]
    expected = (
        PhoneNumber.objects.filter(forward_to_enabled=True).order_by("-number").values_list("number", flat=True)
    )
    assert [row["number"] for row in rows_of(response)] == list(expected)


def test_values_are_as_close_has_them(ops_client, synced):
    number = any_number(forward_to__gt="", label__gt="")
    row = next(row for row in rows_of(ops_client.get("/numbers/export.csv")) if row["id"] == number.close_id)
    assert row["number"] == number.number
    assert row["forward_to"] == number.forward_to
    assert row["forward_to_enabled"] == str(number.forward_to_enabled).lower()
    assert row["members"] == ", ".join(entry[1] for entry in number.people)


def test_a_formula_cannot_start(ops_client, synced):
    PhoneNumber.objects.update(label="=HYPERLINK(1)")
    assert {row["label"] for row in rows_of(ops_client.get("/numbers/export.csv"))} == {"'=HYPERLINK(1)"}


def test_a_viewer_exports_what_the_list_shows(viewer_client, synced):
    assert len(rows_of(viewer_client.get("/numbers/export.csv"))) == 40


def test_a_mistyped_view_is_no_error(ops_client, synced):
    assert len(rows_of(ops_client.get("/numbers/export.csv?sort=nonsense&page=0"))) == 40


def opened_by_libreoffice(file, *options):
    """The rows of a file, as LibreOffice has them once it has opened it."""
    profile = f"-env:UserInstallation={(file.parent / 'profile').as_uri()}"
    out = file.parent / "out"
    command = ["soffice", profile, "--headless", *options, "--convert-to", CSV_OUT, "--outdir", str(out), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return table(out / f"{file.stem}.csv")


def table(file):
    with file.open(encoding="utf-8-sig", newline="") as text:
        return list(csv.reader(text))


def test_libreoffice_and_python_read_what_the_list_shows(ops_client, synced, tmp_path):
    numbers = list(PhoneNumber.objects.order_by("number"))
    for place, number in enumerate(numbers):
        number.label = ODD[place % len(ODD)]
    PhoneNumber.objects.bulk_update(numbers, ["label"])
    as_csv, as_workbook = tmp_path / "as-csv.csv", tmp_path / "as-workbook.xlsx"
    for file in (as_csv, as_workbook):
        address = f"/numbers/export{file.suffix}?sort=number"
        file.write_bytes(b"".join(ops_client.get(address).streaming_content))

    by_python = table(as_csv)
    assert opened_by_libreoffice(as_workbook) == by_python
    assert opened_by_libreoffice(as_csv, f"--infilter={CSV_IN}") == by_python
    place = by_python[0].index("label")
    assert [csv_out.plain(row[place]) for row in by_python[1:]] == [number.label for number in numbers]
    assert [row[1] for row in by_python[1:]] == [number.number for number in numbers]
