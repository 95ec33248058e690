"""The views of the list: the usual ones, the saved ones, and how many numbers each has."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.models import PhoneNumber, SavedView

from ..conftest import signed_in
from ..reading import text_of
from .editing import HTMX


@pytest.fixture
def view(ops):
    return SavedView.objects.create(owner=ops, name="Off in Britain", query="country=GB&forwarding=off")


def test_each_tab_has_its_count(ops_client, synced, view):
    words = text_of(ops_client.get("/numbers/counts/", **HTMX))
    off = PhoneNumber.objects.filter(forward_to_enabled=False)
    assert words.startswith(f"All 40 Forwarding on {40 - off.count()} Forwarding off {off.count()}")
    assert f"Off in Britain {off.filter(country='GB').count()}" in words


def test_the_counts_are_those_of_the_own_numbers(synced, lead):
    client = signed_in(lead)
    seen = client.get("/numbers/").content.decode().count("<tr id=")
    assert text_of(client.get("/numbers/counts/", **HTMX)).startswith(f"All {seen} ")


def test_saves_what_is_looked_at_and_opens_it(ops_client, ops, synced):
    data = {"name": "West", "query": "?sort=-label&q=west&page=3&nonsense=1", "shared": "true"}
    response = ops_client.post("/views/", data)
    view = SavedView.objects.get()
    assert (view.owner, view.query, view.shared) == (ops, "q=west&sort=-label", True)
    assert response.status_code == 303
    assert response["Location"] == f"/numbers/?q=west&sort=-label&view={view.pk}"
    words = text_of(ops_client.get(response["Location"]))
    assert "The view “West” is saved." in words
    assert "Reset" not in words


@pytest.mark.parametrize(("data", "words"), [({"name": ""}, "required"), ({"name": "x" * 61}, "at most 60")])
def test_says_why_a_name_cannot_be(ops_client, synced, data, words):
    response = ops_client.post("/views/", {"query": "", **data})
    assert response.status_code == 303
    assert words in text_of(ops_client.get(response["Location"]))
    assert not SavedView.objects.exists()


def test_two_views_of_one_person_have_two_names(ops_client, synced, view):
    response = ops_client.post("/views/", {"name": view.name, "query": ""})
    assert "Give this one another name." in text_of(ops_client.get(response["Location"]))
    assert SavedView.objects.count() == 1


def test_a_view_that_was_moved_away_from_offers_save_and_reset(ops_client, synced, view):
    moved = text_of(ops_client.get(f"/numbers/?{view.query}&sort=label&view={view.pk}"))
    assert f"Save “{view.name}”" in moved
    assert "Reset" in moved
    ops_client.post(f"/views/{view.pk}/", {"query": f"?{view.query}&sort=label&view={view.pk}"})
    view.refresh_from_db()
    assert view.query == "country=GB&forwarding=off&sort=label"
    assert view.name == "Off in Britain"


def test_is_renamed_shared_and_deleted_by_its_owner(ops_client, synced, view):
    ops_client.post(f"/views/{view.pk}/", {"name": "Quiet Britain"})
    ops_client.post(f"/views/{view.pk}/", {"shared": "true"})
    view.refresh_from_db()
    assert (view.name, view.shared, view.query) == ("Quiet Britain", True, "country=GB&forwarding=off")
    assert "Quiet Britain" in ops_client.get("/views/").content.decode()
    assert ops_client.post(f"/views/{view.pk}/delete/").status_code == 303
    assert not SavedView.objects.exists()


def test_there_is_room_for_thirty_views_a_person(ops_client, ops, synced, view):
    SavedView.objects.bulk_create(SavedView(owner=ops, name=f"View {place}") for place in range(29))
    response = ops_client.post("/views/", {"name": "One more", "query": ""})
    assert "You have 30 views, and there is room for no more." in text_of(ops_client.get(response["Location"]))
    assert SavedView.objects.count() == 30
    ops_client.post(f"/views/{view.pk}/", {"name": "Renamed"})
    assert SavedView.objects.filter(name="Renamed").exists()


def test_all_counts_come_in_one_query(ops_client, ops, synced, view):
    costs = []
    for turn in range(2):
        with CaptureQueriesContext(connection) as queries:
            ops_client.get("/numbers/counts/", **HTMX)
        costs.append(len(queries))
        SavedView.objects.bulk_create(
            SavedView(owner=ops, name=f"View {turn} {place}", query="q=1&country=US") for place in range(9)
        )
    assert costs[0] == costs[1]


def test_an_ops_admin_takes_away_what_somebody_shared(ops_client, viewer, viewer_client, synced):
    own = SavedView.objects.create(owner=viewer, name="Own")
    shared = SavedView.objects.create(owner=viewer, name="Ours", shared=True)
    page = text_of(ops_client.get("/views/"))
    assert "Shared by others" in page
    assert "Ours Lena Fischer Delete for everybody" in page
    assert "Own" not in page.split("Shared by others")[1]
    assert ops_client.post(f"/views/{shared.pk}/", {"name": "Mine"}).status_code == 404
    assert ops_client.post(f"/views/{own.pk}/delete/").status_code == 404
    assert ops_client.post(f"/views/{shared.pk}/delete/").status_code == 303
    assert list(SavedView.objects.all()) == [own]


def test_a_shared_view_is_seen_by_others_and_changed_by_nobody_else(viewer_client, synced, view):
    assert view.name not in text_of(viewer_client.get("/numbers/"))
    SavedView.objects.update(shared=True)
    assert view.name in text_of(viewer_client.get("/numbers/"))
    assert viewer_client.post(f"/views/{view.pk}/", {"name": "Mine"}).status_code == 404
    assert viewer_client.post(f"/views/{view.pk}/delete/").status_code == 404
    assert SavedView.objects.get().name == "Off in Britain"


def test_somebody_elses_own_view_is_not_there(viewer_client, synced, view):
    assert "That saved view is not there any more" in text_of(viewer_client.get(f"/numbers/?view={view.pk}"))
