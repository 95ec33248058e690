"""Refresh from Close: the button in the header, and the line that asks by itself."""

from datetime import timedelta

from django.utils import timezone

from dashboard.models import Connection, PhoneNumber, SyncRun
from dashboard.services import sync

from .editing import HTMX
from .story import words


def test_without_script_it_leads_back_to_the_page_it_was_asked_on(ops_client):
    answer = ops_client.post("/refresh/", headers={"Referer": "http://testserver/changes/?view=mine"})
    assert (answer.status_code, answer["Location"]) == (303, "http://testserver/changes/?view=mine")


def test_it_leads_to_no_page_of_another_site(ops_client):
    answer = ops_client.post("/refresh/", headers={"Referer": "https://elsewhere.example/"})
    assert (answer.status_code, answer["Location"]) == (303, "/")


def test_the_line_says_that_a_later_walk_found_others(ops_client, synced):
    shown = Connection.load().synced_at - timedelta(hours=1)
    SyncRun.objects.update(ended_at=shown)
    Connection.objects.update(synced_at=shown)
    address = f"/refresh/?shown={int(shown.timestamp())}"
    assert "HX-Trigger" not in ops_client.get(address, **HTMX)
    sync.sync()
    assert "HX-Trigger" not in ops_client.get(address, **HTMX)
    synced.change_as_somebody_else(PhoneNumber.objects.first().close_id, label="Theirs")
    sync.sync()
    assert ops_client.get(address, **HTMX)["HX-Trigger"] == "numbers-changed"


def test_what_stands_above_the_page_comes_with_the_line(ops_client, synced):
    Connection.objects.update(away_since=timezone.now())
    answer = ops_client.get("/refresh/", **HTMX)
    assert "Close unreachable" in words(answer)
    assert "Close has not answered since" in words(answer)
    Connection.objects.update(away_since=None)
    assert "not answered" not in words(ops_client.get("/refresh/", **HTMX))
