"""The number list as a CSV file."""

import csv
import io

from dashboard.models import PhoneNumber

from .editing import any_number


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
