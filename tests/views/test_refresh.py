"""Refresh from Close: the button in the header, and the line that asks by itself."""

from datetime import timedelta

import pytest
from django.utils import timezone

from dashboard.close import ForbiddenError
from dashboard.models import Connection, PhoneNumber, SyncRun
from dashboard.services import health, sync

from ..reading import html_of
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


def test_a_walk_that_failed_is_said_with_its_reason(ops_client, synced):
    synced.fault("403", path="/group/")
    with pytest.raises(ForbiddenError):
        sync.sync()
    answer = ops_client.get("/numbers/")
    assert "Refresh failed; last read · just now" in words(answer)
    assert "Close was not read to the end. Close does not allow the account that closephones uses" in words(answer)
    assert 'class="fresh bad" id="freshness"' in html_of(answer)
    synced.clear_faults()
    sync.sync()
    answer = ops_client.get("/numbers/")
    assert "In step with Close · just now" in words(answer)
    assert "not read to the end" not in words(answer)


def test_everybody_reads_that_the_worker_is_silent(lead_client, viewer_client, synced):
    for client in (lead_client, viewer_client):
        for page in ("/numbers/", "/absences/"):
            assert "The worker is silent. Nothing scheduled will run." in words(client.get(page))
    health.worker_lives()
    assert "The worker is silent." not in words(lead_client.get("/numbers/"))
