"""The pages of imports: a table is brought, mended, and becomes a plan; what an export wrote changes nothing."""

import csv
import io
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.models import Group, Import, PhoneNumber, Plan

from ..services.planned import some, verdicts
from .story import words


def upload(client, content, name="numbers.csv", **more):
    content = content.encode() if isinstance(content, str) else content
    return client.post("/imports/", {"file": SimpleUploadedFile(name, content), **more})


def page_of(client, response):
    assert response.status_code == 303, words(response)
    return client.get(response["Location"])


def make_plan(client, response):
    """Go on from the page that an upload led to; the draft."""
    answer = client.post(f"{response['Location']}plan/", {"intent": str(uuid4())})
    assert answer.status_code == 303
    plan = Plan.objects.get(source="import")
    assert answer["Location"] == f"/plans/{plan.pk}/"
    return plan


def test_a_table_is_checked_and_becomes_a_plan(ops_client, synced):
    one, two = some(2)
    response = upload(ops_client, f"Number;Label\n{one.number};Christmas\n{two.number};{two.label}\n")
    page = words(page_of(ops_client, response))
    assert "numbers.csv 2 rows · CSV with semicolons · brought just now" in page
    assert "Rows that change something 1 Rows with errors 0 Rows 2" in page
    plan = make_plan(ops_client, response)
    assert (verdicts(plan), plan.name) == (["change", "same"], "Import of numbers.csv")
    assert "See the plan" in words(ops_client.get("/imports/"))
    assert synced.puts() == []


def test_a_misspelt_heading_has_to_be_settled_first(ops_client, synced):
    number = some(1)[0]
    response = upload(ops_client, f"number,lable,remark\n{number.number},Christmas,x\n")
    page = words(page_of(ops_client, response))
    assert "There is no field “lable”. Did you mean “label”?" in page
    assert "First the columns" in page
    assert b"make-plan" not in page_of(ops_client, response).content
    chosen = {"column-0": "number", "column-1": "label", "column-2": "leave"}
    page = words(page_of(ops_client, ops_client.post(response["Location"], chosen)))
    assert "Rows that change something 1 Rows with errors 0" in page
    assert make_plan(ops_client, response).changes.get().after == {"label": "Christmas"}


def test_errors_stand_beside_their_rows_and_are_mended_in_the_downloaded_file(ops_client, synced):
    one, two, three = some(3)
    lines = f"number,label,inbound_ring_duration\n{one.number},-,5\n{two.number},fine,\n+4930000001,-,\n"
    response = upload(ops_client, lines)
    page = words(page_of(ops_client, response))
    assert "With errors 2 · of 3 rows" in page
    assert f"2 {one.number} inbound_ring_duration C2 5 Type a whole number of seconds from 15 to 90." in page
    assert "4 +4930000001 number A4 +4930000001 No number in Close is +4930000001." in page
    assert "Go on with the 1 row without errors" in page

    file = b"".join(ops_client.get(f"{response['Location']}errors.csv").streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(file)))
    assert [(row["row"], row["number"], row["label"]) for row in rows] == [
        ("2", one.number, "-"),
        ("4", "+4930000001", "-"),
    ]
    assert rows[0]["errors"] == "inbound_ring_duration: Type a whole number of seconds from 15 to 90."

    mended = file.replace(",5\r\n", ",50\r\n").replace("+4930000001", three.number)
    first = Import.objects.get()
    response = upload(ops_client, mended, mends=first.pk)
    assert "Rows with errors 0 Rows 2" in words(page_of(ops_client, response))
    assert not Import.objects.filter(pk=first.pk).exists()
    plan = make_plan(ops_client, response)
    assert {change.after["label"] for change in plan.changes.exclude(after__label=None)} <= {""}
    assert synced.puts() == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89PNG\r\n\x1a\n\0", "numbers.csv was not imported. This is no table that can be read here."),
        (b"number,label\n+1415,a\0b\n", "Row 2, column B holds the character NUL"),
        (b"number,label\n", "There is nothing below the headings"),
        (b"x" * 10_000_001, "This file has 10 MB, and 10 MB is the most."),
    ],
    ids=["picture", "nul", "empty", "large"],
)
def test_what_cannot_be_imported_is_said_and_nothing_is_kept(ops_client, synced, content, said):
    response = upload(ops_client, content)
    assert response.status_code == 422
    assert said in words(response)
    assert not Import.objects.exists()


def test_of_a_huge_file_no_more_is_kept_than_the_limit(ops_client, synced, tmp_path, settings):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    kept = []
    handler = settings.FILE_UPLOAD_HANDLERS[1]
    assert handler == "dashboard.uploads.BoundedUploadHandler"
    from dashboard.views import imports

    def measure(file):
        kept.append((file.size, sum(1 for _ in iter(lambda: file.read(65536), b"")) * 65536))
        return True

    old, imports.uploads.is_too_large = imports.uploads.is_too_large, measure
    try:
        response = upload(ops_client, b"number,label\n" * 3_000_000)
    finally:
        imports.uploads.is_too_large = old
    assert response.status_code == 422
    assert kept[0][0] == 39_000_000
    assert kept[0][1] < 10_200_000


def test_nobody_sees_the_import_of_somebody_else(ops_client, lead_client, synced):
    number = some(1)[0]
    response = upload(ops_client, f"number,label\n{number.number},x\n")
    address = response["Location"]
    for answer in (
        lead_client.get(address),
        lead_client.post(address, {"column-0": "leave"}),
        lead_client.post(f"{address}plan/"),
        lead_client.get(f"{address}errors.csv"),
        lead_client.post(f"{address}discard/"),
    ):
        assert answer.status_code == 404
    assert "numbers.csv" not in words(lead_client.get("/imports/"))
    assert not Plan.objects.filter(source="import").exists()


def test_an_import_is_thrown_away(ops_client, synced):
    response = upload(ops_client, "number,label\n+1,x\n")
    assert ops_client.post(f"{response['Location']}discard/").status_code == 303
    assert not Import.objects.exists()
    assert "numbers.csv is thrown away. Nothing was changed in Close." in words(ops_client.get("/imports/"))


def test_without_a_number_there_is_nothing_to_plan(ops_client, synced):
    response = upload(ops_client, "number,label\n+4930000001,x\n")
    assert "there is nothing to plan" in words(page_of(ops_client, response))
    ops_client.post(f"{response['Location']}plan/", {"intent": str(uuid4())})
    assert not Plan.objects.filter(source="import").exists()


def test_the_list_leads_to_the_import_of_whoever_may_change_something(ops_client, viewer_client, synced):
    assert b'href="/imports/"' in ops_client.get("/numbers/").content
    assert b'href="/imports/"' not in viewer_client.get("/numbers/").content
    assert viewer_client.get("/imports/").status_code == 403


# What Close may hold: all of Unicode that a database can store, and what spreadsheets and our own marks make of it.
ODD = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
    st.text("=+-@'\"＝;,\t\r\n _x0041Z é", max_size=12),
    st.sampled_from(
        ["-", "'-", "=1+1", "#N/A", "on", "  ", "_x0041_", "_x005F_x0007_", "sep=;", "+4917604069180", "1e5"]
    ),
)


# Of one number: label, target, greeting, switch, ring duration, and the name of its people and groups.
HELD = st.tuples(ODD, ODD, ODD, st.booleans(), st.sampled_from([None, 0, 30, 1234]), ODD)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@given(odd=st.lists(HELD, min_size=4, max_size=4))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_export_imported_unchanged_changes_nothing(kind, ops_client, synced, odd):
    numbers = list(PhoneNumber.objects.filter(type="internal").order_by("pk")[:4])
    for number, (label, target, greeting, switch, ring, name) in zip(numbers, odd, strict=True):
        number.label, number.forward_to, number.voicemail_greeting_url = label, target[:60], greeting
        number.forward_to_enabled, number.inbound_ring_duration = switch, ring
        number.people = [[close_id, name, active] for close_id, _, active in number.people]
    fields = (
        "label",
        "forward_to",
        "voicemail_greeting_url",
        "forward_to_enabled",
        "inbound_ring_duration",
        "people",
    )
    PhoneNumber.objects.bulk_update(numbers, fields)
    Group.objects.update(name=odd[0][-1])
    content = b"".join(ops_client.get(f"/numbers/export.{kind}").streaming_content)
    response = upload(ops_client, content, name=f"numbers.{kind}")
    assert response.status_code == 303, words(response)
    imported = Import.objects.latest("pk")
    assert list(imported.rows.filter(is_wrong=True).values_list("errors", flat=True)) == []
    assert (imported.count, imported.changing) == (PhoneNumber.objects.count(), 0)
    ops_client.post(f"/imports/{imported.pk}/plan/")
    imported.refresh_from_db()
    assert set(verdicts(imported.plan)) == {"same"}
