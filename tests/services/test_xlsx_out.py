"""A workbook holds texts and nothing else, whatever was put in."""

import zipfile

import openpyxl
import pytest

from dashboard.services import xlsx_out


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "#N/A",
        "<r><t>x</t></r></is></c><c><f>1+1</f></c>",
        "007",
        "_x0041_",
        "_x005F_x0007_",
        "\x07\r\ufffe",
        " a \n",
    ],
)
def test_every_cell_is_a_text_that_stays_one(text):
    with xlsx_out.workbook(["number", "label"], [["+14155550142", text]]) as file:
        sheet = zipfile.ZipFile(file).read("xl/worksheets/sheet1.xml").decode()
        cells = openpyxl.load_workbook(file).active[2]
    assert "<f>" not in sheet
    assert {(cell.data_type, cell.number_format) for cell in cells} == {("s", "@")}
    assert cells[0].value == "+14155550142"


def test_what_no_cell_can_hold_is_left_out():
    with xlsx_out.workbook(["label"], [["x" * 32_768], ["fits"]]) as file:
        rows = list(openpyxl.load_workbook(file).active.values)
    assert rows == [("label",), (None,), ("fits",)]
