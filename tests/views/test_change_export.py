"""The changes as a CSV file: the same filter, nothing that a spreadsheet would calculate, times with their zone."""

import csv
import io
import re

import pytest

from dashboard.models import Member, Preference

from .story import happened, in_and_out_of_scope, plain_number, save


@pytest.fixture
def number(synced):
    return plain_number()


def rows_of(answer):
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_each_changed_field_is_a_line(number, ops, ops_client):
    change = save(ops, number, label="West", inbound_ring_duration=45)
    label, ring = rows_of(ops_client.get("/changes/export.csv"))
    assert {label["field"], ring["field"]} == {"label", "inbound_ring_duration"}
    line = label if label["field"] == "label" else ring
    assert line["change"] == str(change.pk)
    assert line["number"] == number.number
    assert (line["from"], line["to"], line["field_name"]) == (number.label, "West", "Label")
    assert (line["who"], line["source"], line["outcome"]) == ("Marta Klein", "Edited here", "Applied")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", line["time"])


def test_times_are_those_of_whoever_asks(number, ops, ops_client):
    happened(number, "applied", {"label": "a"}, {"label": "b"})
    Preference.objects.create(user=ops, zone="Asia/Kolkata")
    assert rows_of(ops_client.get("/changes/export.csv"))[0]["time"].endswith("+05:30")


def test_no_text_can_become_a_formula(number, ops_client):
    evil = '=HYPERLINK("https://evil.test","x")'
    happened(number, "applied", {"label": evil}, {"label": "@x"}, author_name="+1+1", reason="-1")
    line = rows_of(ops_client.get("/changes/export.csv"))[0]
    assert (line["from"], line["to"], line["who"], line["reason"]) == (f"'{evil}", "'@x", "'+1+1", "'-1")
    assert line["number"].startswith("+")


def test_people_stand_by_name(number, ops_client):
    member = Member.objects.first()
    happened(number, "observed", {"participants": []}, {"participants": [member.close_id]})
    line = rows_of(ops_client.get("/changes/export.csv"))[0]
    assert (line["from"], line["to"], line["who"]) == ("", member.name, "not known")


def test_the_filter_of_the_page_is_that_of_the_file(number, ops_client):
    happened(number, "applied", {"label": "a"}, {"label": "b"})
    happened(number, "refused", {"label": "a"}, {"label": "b"}, error="No.")
    lines = rows_of(ops_client.get("/changes/export.csv?outcome=refused&page=9"))
    assert [line["words"] for line in lines] == ["No."]
    assert (
        'href="/changes/export.csv?outcome=refused"' in ops_client.get("/changes/?outcome=refused").content.decode()
    )


def test_a_lead_takes_home_what_a_lead_may_see(number, lead, lead_client):
    inside, outside = in_and_out_of_scope(lead)
    happened(inside, "applied", {"label": "a"}, {"label": "b"})
    happened(outside, "applied", {"label": "a"}, {"label": "b"})
    assert [line["number"] for line in rows_of(lead_client.get("/changes/export.csv"))] == [inside.number]
