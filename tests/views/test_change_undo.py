"""Taking a change back from the page Changes, from a number's history and from the message line."""

import json
from uuid import uuid4

import pytest
from django.utils import timezone

from dashboard.models import Change, Connection, PhoneNumber

from .story import happened, in_and_out_of_scope, plain_number, row_of, save, words

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/changes/?view=mine"}


@pytest.fixture
def number(synced):
    return plain_number()


def test_an_undo_sends_what_was_there_and_the_row_says_undone(number, synced, ops, ops_client):
    before = number.label
    change = save(ops, number, label="West overflow")
    synced.journal.clear()

    answer = ops_client.post(f"/changes/{change.pk}/undo/", {"intent": uuid4()}, headers=HTMX)

    assert answer.status_code == 200
    assert synced.puts() == [(number.close_id, {"label": before})]
    assert "Undone" in row_of(answer, change)
    assert "Put back today" in row_of(answer, change)
    assert "by Marta Klein" in row_of(answer, change)
    assert "Undone, and saved to Close." in words(answer)
    assert json.loads(answer["HX-Trigger"]) == {"number-changed": {"id": number.close_id}}
    assert answer["X-Fragment"] == "1"
    assert (
        'name="back" value="/changes/?view=mine"' in answer.content.decode() or "Undo<" not in answer.content.decode()
    )


def test_without_script_it_leads_back_to_where_one_was(number, synced, ops, ops_client):
    change = save(ops, number, label="West overflow")
    back = f"/numbers/{number.close_id}/"
    answer = ops_client.post(f"/changes/{change.pk}/undo/", {"intent": uuid4(), "back": back})
    assert (answer.status_code, answer["Location"]) == (303, back)
    assert "Undone, and saved to Close." in words(ops_client.get(back))


def test_the_same_click_twice_is_one_undo(number, synced, ops, ops_client):
    change = save(ops, number, label="West overflow")
    synced.journal.clear()
    intent = uuid4()
    for _ in range(2):
        answer = ops_client.post(f"/changes/{change.pk}/undo/", {"intent": intent}, headers=HTMX)
        assert answer.status_code == 200
    assert len(synced.puts()) == 1


def test_a_second_undo_is_told_that_it_was_taken_back_already(number, synced, ops, ops_client):
    change = save(ops, number, label="West overflow")
    ops_client.post(f"/changes/{change.pk}/undo/", {"intent": uuid4()}, headers=HTMX)
    answer = ops_client.post(f"/changes/{change.pk}/undo/", {"intent": uuid4()}, headers=HTMX)
    assert answer.status_code == 403
    assert "This was already undone." in words(answer)
    assert "Undone" in row_of(answer, change)


def test_what_was_made_in_close_is_taken_back_too(number, synced, ops_client):
    before = number.label
    synced.change_as_somebody_else(number.close_id, label="Theirs")
    ops_client.post(f"/numbers/{number.close_id}/refresh/", headers=HTMX)
    change = Change.objects.get()
    answer = ops_client.post(f"/changes/{change.pk}/undo/", {"intent": uuid4()}, headers=HTMX)
    assert answer.status_code == 200
    assert synced.puts() == [(number.close_id, {"label": before})]


def test_a_conflict_sends_nothing_and_shows_all_three(number, synced, ops, ops_client):
    before = number.label
    change = save(ops, number, label="Ours")
    synced.journal.clear()
    synced.change_as_somebody_else(number.close_id, label="Theirs")

    answer = ops_client.post(f"/changes/{change.pk}/undo/", {"intent": uuid4()}, headers=HTMX)

    assert answer.status_code == 409
    assert synced.puts() == []
    row = row_of(answer, change)
    assert "Not undone, nothing was sent: Close holds something else by now." in row
    assert f"Was Ours The undo wanted {before} Now in Close Theirs" in row
    assert "Undo" in row
    page = ops_client.get("/changes/")
    attempt = Change.objects.order_by("-id").exclude(plan__source="close").first()
    assert "Nothing was sent: Close already held Theirs." in row_of(page, attempt)
    assert "Compare" in row_of(page, attempt)


def test_with_writes_stopped_it_says_so_and_sends_nothing(number, synced, ops, ops_client):
    change = save(ops, number, label="Ours")
    synced.journal.clear()
    Connection.note(writes_stopped_at=timezone.now(), writes_stopped_by="Priya Nair")
    answer = ops_client.post(f"/changes/{change.pk}/undo/", {"intent": uuid4()}, headers=HTMX)
    assert answer.status_code == 503
    assert "Priya Nair stopped all writes." in words(answer)
    assert synced.puts() == []


def test_a_refusal_by_close_is_told(synced, ops, ops_client):
    number = plain_number(groups=True)
    change = save(ops, number, label="Ours")
    synced.organisation.permit(manage=False)
    answer = ops_client.post(f"/changes/{change.pk}/undo/", {"intent": uuid4()}, headers=HTMX)
    assert answer.status_code == 403
    assert "Not undone." in row_of(answer, change)
    assert "Undone" not in row_of(answer, change)


def test_leads_take_back_what_is_theirs_to_change(number, synced, lead, lead_client, ops):
    inside, _ = in_and_out_of_scope(lead)
    change = save(ops, inside, label="By ops")
    assert "Undo" in row_of(lead_client.get("/changes/"), change)
    answer = lead_client.post(f"/changes/{change.pk}/undo/", {"intent": uuid4()}, headers=HTMX)
    assert answer.status_code == 200


def test_a_change_that_did_not_happen_cannot_be_taken_back(number, synced, ops_client):
    change = happened(number, "refused", {"label": "a"}, {"label": "b"}, error="No.")
    answer = ops_client.post(f"/changes/{change.pk}/undo/", {"intent": "not a uuid"}, headers=HTMX)
    assert answer.status_code == 403
    assert "Nothing was changed in Close, so there is nothing to take back." in words(answer)
    assert synced.puts() == []


def test_there_is_no_undo_by_get_or_of_nothing(number, ops_client):
    assert ops_client.get("/changes/1/undo/").status_code == 405
    assert ops_client.post("/changes/999999/undo/").status_code == 404


def test_the_history_of_a_number_reads_itself_again(number, ops, ops_client):
    change = save(ops, number, label="West overflow")
    number = PhoneNumber.objects.get(pk=number.pk)
    part = ops_client.get(f"/numbers/{number.close_id}/history/", headers=HTMX).content.decode()
    assert 'hx-trigger="number-changed from:body"' in part
    assert f'hx-post="/changes/{change.pk}/undo/" hx-swap="none"' in part
