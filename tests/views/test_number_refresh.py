"""Reading one number from Close anew: for an open editor, and for the page of the number."""

import json

import pytest

from ..reading import text_of
from .editing import HTMX, any_number, started_from


@pytest.fixture
def number(synced):
    return any_number(label__gt="")


def ask(client, number, editor):
    return client.post(f"/numbers/{number.close_id}/refresh/?field={editor}", started_from(number, editor), **HTMX)


def test_an_open_editor_is_told_what_close_holds_by_now(ops_client, number, synced):
    synced.change_as_somebody_else(number.close_id, label="Theirs")
    assert text_of(ask(ops_client, number, "label")) == "Now in Close: Theirs"


def test_an_editor_is_told_of_its_own_field_only(ops_client, number, synced):
    synced.change_as_somebody_else(number.close_id, label="Theirs")
    assert text_of(ask(ops_client, number, "forwarding")) == ""


def test_nothing_is_said_where_nothing_differs(ops_client, number):
    assert text_of(ask(ops_client, number, "label")) == ""


def test_close_away_is_said_and_the_editor_stays(ops_client, number, synced):
    synced.fault("503")
    response = ask(ops_client, number, "label")
    assert response.status_code == 200
    assert text_of(response) == "Close does not answer just now. This is what it said last."


def test_a_number_that_is_gone_is_said(ops_client, number, synced):
    synced.hide(number.close_id)
    assert text_of(ask(ops_client, number, "label")) == "Close no longer has this number."


def test_a_page_is_told_that_it_was_read_and_whether_something_differs(ops_client, number, synced):
    url = f"/numbers/{number.close_id}/refresh/"
    quiet = ops_client.post(url, **HTMX)
    synced.change_as_somebody_else(number.close_id, label="Theirs")
    told = ops_client.post(url, **HTMX)
    assert (quiet.status_code, json.loads(quiet["HX-Trigger"])) == (204, {"number-read": {"id": number.close_id}})
    assert (told.status_code, json.loads(told["HX-Trigger"])) == (204, {"number-changed": {"id": number.close_id}})


def test_without_script_it_leads_to_the_number(ops_client, number):
    response = ops_client.post(f"/numbers/{number.close_id}/refresh/")
    assert (response.status_code, response["Location"]) == (303, f"/numbers/{number.close_id}/")


def test_a_viewer_may_read_too(viewer_client, number):
    assert viewer_client.post(f"/numbers/{number.close_id}/refresh/", **HTMX).status_code == 204


@pytest.mark.parametrize("path", ["phon_nothing/refresh/", "{id}/refresh/?field=nothing"])
def test_what_is_not_there_is_404(ops_client, number, path):
    assert ops_client.post(f"/numbers/{path.format(id=number.close_id)}", **HTMX).status_code == 404


def test_nobody_has_close_read_more_than_thirty_times_a_minute(ops_client, viewer_client, number, synced):
    for _ in range(30):
        assert ops_client.post(f"/numbers/{number.close_id}/refresh/", **HTMX).status_code == 204
    asked = len(synced.journal)
    page, editor = ops_client.post(f"/numbers/{number.close_id}/refresh/", **HTMX), ask(ops_client, number, "label")
    assert (page.status_code, editor.status_code) == (429, 429)
    assert "You have had many numbers read in this minute" in text_of(page)
    assert "A save reads it in any case." in text_of(editor)
    assert (page["X-Message"], editor["X-Fragment"]) == ("1", "1")
    assert ops_client.post(f"/numbers/{number.close_id}/refresh/").status_code == 303
    assert len(synced.journal) == asked
    assert viewer_client.post(f"/numbers/{number.close_id}/refresh/", **HTMX).status_code == 204


def test_a_get_reads_nothing(ops_client, number, synced):
    assert ops_client.get(f"/numbers/{number.close_id}/refresh/").status_code == 405
    assert not synced.journal
