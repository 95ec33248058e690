"""The page Settings: what one person chooses, and the switch for all writes."""

import pytest
from django.utils import timezone

from dashboard.models import Connection, Preference

from .story import plain_number, save, words


def test_what_is_chosen_is_kept_and_used(viewer, viewer_client):
    assert "Stop all writes" not in words(viewer_client.get("/settings/"))
    answer = viewer_client.post("/settings/", {"theme": "dark", "zone": "Europe/Berlin", "letter_keys": "false"})
    assert (answer.status_code, answer["Location"]) == (303, "/settings/")
    page = viewer_client.get("/settings/").content.decode()
    assert "Settings saved." in page
    assert 'data-bs-theme="dark"' in page
    assert 'value="Europe/Berlin"' in page
    assert "data-letter-keys" not in page
    preference = Preference.objects.get(user=viewer)
    assert (preference.theme, preference.zone, preference.letter_keys) == ("dark", "Europe/Berlin", False)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"zone": "Europe/Atlantis"}, "This is no time zone that is known here."),
        ({"theme": "pink"}, "Choose one of the three themes."),
    ],
)
def test_what_makes_no_sense_is_said(viewer, viewer_client, typed, told):
    posted = {"theme": "dark", "zone": "", "letter_keys": "true", **typed}
    answer = viewer_client.post("/settings/", posted)
    assert answer.status_code == 422
    assert told in words(answer)
    assert not Preference.objects.filter(user=viewer).exists()


def test_an_ops_admin_stops_all_writes_and_starts_them_again(synced, ops, ops_client, viewer_client):
    ops_client.post("/settings/writes/", {"writes": "stop"})
    connection = Connection.load()
    assert connection.writes_stopped_by == "Marta Klein"
    assert connection.writes_stopped_at <= timezone.now()
    assert "Marta Klein stopped all writes on" in words(ops_client.get("/settings/"))
    assert "Writes are stopped. Marta Klein stopped all writes." in words(viewer_client.get("/changes/"))

    ops_client.post("/settings/writes/", {"writes": "start"})
    assert "Writes have started again." in words(ops_client.get("/settings/"))
    assert save(ops, plain_number(), label="West").state == "applied"


def test_nonsense_switches_nothing(ops_client):
    ops_client.post("/settings/writes/", {"writes": "perhaps"})
    assert Connection.load().writes_stopped_at is None


def test_an_installation_without_writes_offers_no_switch(settings, ops_client):
    settings.WRITES = "off"
    page = words(ops_client.get("/settings/"))
    assert "This installation is set to WRITES=off" in page
    assert "Stop all writes" not in page


def test_the_switch_is_for_ops_admins(viewer_client, lead_client):
    for client in (viewer_client, lead_client):
        assert client.post("/settings/writes/", {"writes": "stop"}).status_code == 403
    assert Connection.load().writes_stopped_at is None
