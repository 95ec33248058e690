"""Editing a label in the table, and with it everything that all editors share."""

import re
from uuid import uuid4

import pytest

from dashboard import access
from dashboard.models import Change, PhoneNumber, Plan
from dashboard.services import sync

from ..conftest import signed_in
from ..reading import text_of
from .editing import HTMX, any_number, save


@pytest.fixture
def number(synced):
    return any_number(label__gt="")


def edit_url(number):
    return f"/numbers/{number.close_id}/edit/label/"


class TestOpening:
    def test_shows_the_cached_label_in_its_cell(self, ops_client, number, synced):
        response = ops_client.get(edit_url(number), **HTMX)
        html = response.content.decode()
        assert html.startswith(f'<td id="number-{number.close_id}-label" class="c-label editing"')
        assert f'name="was_label" value="{number.label}"' in html
        assert not synced.journal

    def test_is_a_page_without_script(self, ops_client, number):
        response = ops_client.get(edit_url(number))
        assert "<h1" in response.content.decode()
        assert "Save" in text_of(response)

    def test_cancel_gives_the_closed_cell(self, ops_client, number):
        html = ops_client.get(f"{edit_url(number)}?cancel=1", **HTMX).content.decode()
        assert f'id="number-{number.close_id}-label-edit"' in html
        assert "<form" not in html

    def test_each_opening_has_an_intent_of_its_own(self, ops_client, number):
        one, other = (ops_client.get(edit_url(number), **HTMX).content for _ in range(2))
        assert one != other


class TestSaving:
    def test_sends_the_label_and_nothing_else(self, ops_client, number, synced):
        response = save(ops_client, number, "label", label="  West overflow ")
        assert response.status_code == 200
        assert synced.puts() == [(number.close_id, {"label": "West overflow"})]
        assert response.content.decode().startswith(f'<td id="number-{number.close_id}-label"')
        assert "West overflow" in text_of(response)
        assert "saved to Close." in text_of(response)
        assert "Undo" in text_of(response)
        assert number.close_id in response["HX-Trigger"]

    def test_without_script_leads_to_the_numbers_page(self, ops_client, number, synced):
        response = save(ops_client, number, "label", htmx=False, label="Plain")
        assert response.status_code == 303
        assert response["Location"] == f"/numbers/{number.close_id}/"
        assert synced.puts() == [(number.close_id, {"label": "Plain"})]
        assert "saved to Close." in text_of(ops_client.get(response["Location"]))

    def test_what_was_not_changed_closes_without_asking_close(self, ops_client, number, synced):
        response = save(ops_client, number, "label", label=number.label)
        assert response.status_code == 200
        assert "editing" not in response.content.decode()
        assert not synced.journal
        assert not Plan.objects.exists()

    def test_a_label_can_be_emptied(self, ops_client, number, synced):
        assert "Add label" in text_of(save(ops_client, number, "label", label=""))
        assert synced.puts() == [(number.close_id, {"label": ""})]

    def test_the_same_form_twice_is_one_change(self, ops_client, number, synced):
        intent = str(uuid4())
        first = save(ops_client, number, "label", intent=intent, label="Once")
        second = save(ops_client, number, "label", intent=intent, label="Once")
        assert (first.status_code, second.status_code) == (200, 200)
        assert synced.puts() == [(number.close_id, {"label": "Once"})]

    def test_says_what_close_made_of_it(self, ops_client, number, synced):
        synced.fault("saves-capitals")
        words = text_of(save(ops_client, number, "label", label="west"))
        assert "Close saved it as WEST." in words

    def test_markup_in_a_label_is_text(self, ops_client, number):
        label = '"><img src=x onerror=alert(1)> hx-get=/x'
        html = save(ops_client, number, "label", label=label).content.decode()
        assert "<img" not in html
        assert "&lt;img src=x" in html


class TestRefusing:
    @pytest.mark.parametrize(
        ("typed", "words"),
        [("x" * 10_000, "at most 200 characters"), ("a\x07b", "without control characters")],
    )
    def test_a_label_that_cannot_be(self, ops_client, number, synced, typed, words):
        response = save(ops_client, number, "label", label=typed)
        assert response.status_code == 422
        assert words in text_of(response)
        assert f'value="{typed}"' in response.content.decode()
        assert 'aria-invalid="true"' in response.content.decode()
        assert not synced.journal

    @pytest.mark.parametrize(
        "data", [{}, {"label": "x"}, {"label": "x", "was_label": "y"}, {"intent": "1", "label": ""}]
    )
    def test_an_incomplete_form(self, ops_client, number, synced, data):
        response = ops_client.post(edit_url(number), data, **HTMX)
        assert response.status_code == 422
        assert "This form is incomplete, so nothing was saved." in text_of(response)
        assert not synced.puts()

    def test_without_script_the_page_comes_again_with_what_was_typed(self, ops_client, number):
        response = save(ops_client, number, "label", htmx=False, label="x" * 300)
        assert response.status_code == 422
        assert "x" * 300 in response.content.decode()
        assert "<h1" in response.content.decode()


class TestNotAllowed:
    def test_a_viewer_is_told_why(self, viewer_client, number, synced):
        response = save(viewer_client, number, "label", label="Mine")
        assert response.status_code == 403
        assert "You may look at this number, not change it." in text_of(response)
        assert response.content.decode().startswith("<td")
        assert not synced.journal

    def test_a_viewer_cannot_open_it_either(self, viewer_client, number):
        assert viewer_client.get(edit_url(number), **HTMX).status_code == 403
        assert viewer_client.get(edit_url(number)).status_code == 403

    def test_a_lead_changes_the_numbers_of_the_own_team_only(self, synced, lead):
        client, person = signed_in(lead), access.person(lead)
        seen, mine = access.visible_numbers(person), access.changeable_numbers(person)
        foreign = PhoneNumber.objects.exclude(pk__in=seen).first()
        assert save(client, foreign, "label", label="Taken").status_code == 404
        shared = seen.exclude(pk__in=mine).first()
        response = save(client, shared, "label", label="Taken")
        assert response.status_code == 403
        assert "people or groups outside your teams" in text_of(response)
        assert save(client, mine.first(), "label", label="Ours").status_code == 200
        assert synced.puts() == [(mine.first().close_id, {"label": "Ours"})]

    def test_what_is_not_there_is_404(self, ops_client, synced):
        assert ops_client.get("/numbers/phon_nothing/edit/label/", **HTMX).status_code == 404

    def test_a_missing_permission_at_close_is_said_beforehand(self, ops_client, number, synced):
        synced.permissions(manage=False)
        sync.sync()
        synced.journal.clear()
        team_number = next(n for n in PhoneNumber.objects.all() if len(n.people) != 1)
        response = save(ops_client, team_number, "label", label="No")
        assert response.status_code == 403
        assert "Manage Team Phone Numbers" in text_of(response)
        assert not synced.puts()


class TestWhatCloseSays:
    def test_a_refusal_stands_at_the_field_in_closes_words(self, ops_client, number, synced):
        synced.fault("400", method="PUT")
        response = save(ops_client, number, "label", label="Refused")
        assert response.status_code == 422
        assert "Close refused this:" in text_of(response)
        assert 'value="Refused"' in response.content.decode()
        assert Change.objects.get().state == "refused"

    @pytest.mark.parametrize("fault", ["503", "html-error", "no-answer"])
    def test_close_away_keeps_what_was_typed(self, ops_client, number, synced, fault):
        synced.fault(fault, method="GET")
        response = save(ops_client, number, "label", label="Typed")
        assert response.status_code in (502, 503)
        assert "Not saved: Close is unreachable. What you typed is kept here." in text_of(response)
        assert "Try again" in text_of(response)
        assert 'value="Typed"' in response.content.decode()
        assert "Close unreachable" in text_of(response)
        assert not synced.puts()

    def test_an_unknown_outcome_is_said_plainly(self, ops_client, number, synced):
        synced.fault("done-later")
        response = save(ops_client, number, "label", label="Perhaps")
        assert response.status_code == 502
        assert "Close did not say whether it saved this." in text_of(response)
        assert 'value="Perhaps"' in response.content.decode()

    def test_too_many_requests(self, ops_client, number, synced):
        synced.fault("429", method="GET", delay=60)
        response = save(ops_client, number, "label", label="Later")
        assert response.status_code == 503
        assert 'value="Later"' in response.content.decode()
        assert not synced.puts()

    def test_stopped_writes_say_so(self, ops_client, number, synced, settings):
        settings.WRITES = "off"
        response = save(ops_client, number, "label", label="Held")
        assert response.status_code == 503
        assert "WRITES=off" in text_of(response)
        assert 'value="Held"' in response.content.decode()
        assert not synced.journal


class TestConflict:
    def test_shows_was_yours_and_now_and_sends_nothing(self, ops_client, number, synced):
        was = number.label
        synced.change_as_somebody_else(number.close_id, label="Theirs")
        response = save(ops_client, number, "label", label="Mine")
        assert response.status_code == 409
        words = text_of(response)
        assert f"Was {was} Yours Mine Now in Close Theirs Keep Close’s Use mine" in words
        assert "Nothing has been sent." in words
        assert not synced.puts()

    def test_use_mine_starts_from_what_close_holds(self, ops_client, number, synced):
        synced.change_as_somebody_else(number.close_id, label="Theirs")
        save(ops_client, number, "label", label="Mine")
        response = save(ops_client, number, "label", was={"was_label": "Theirs"}, label="Mine")
        assert response.status_code == 200
        assert synced.puts() == [(number.close_id, {"label": "Mine"})]

    def test_is_a_page_without_script(self, ops_client, number, synced):
        synced.change_as_somebody_else(number.close_id, label="Theirs")
        response = save(ops_client, number, "label", htmx=False, label="Mine")
        assert response.status_code == 409
        assert "Use mine" in text_of(response)
        assert "<h1" in response.content.decode()

    def test_somebody_else_saving_is_named(self, ops_client, number, synced, viewer):
        plan = Plan.objects.create(
            intent=uuid4(), source="inline", author=viewer, author_name="Lena Fischer", created_at=number.fetched_at
        )
        Change.objects.create(
            plan=plan, number=number, after={"label": "x"}, state="unknown", created_at=number.fetched_at
        )
        response = save(ops_client, number, "label", label="Mine")
        assert response.status_code == 409
        assert "Lena Fischer" in text_of(response)
        assert 'value="Mine"' in response.content.decode()
        assert not synced.puts()


class TestReason:
    def test_stands_in_the_record_and_in_the_history(self, ops_client, number):
        save(ops_client, number, "label", label="Fair", reason=" Trade fair in Munich ")
        assert Plan.objects.get().reason == "Trade fair in Munich"
        assert "Trade fair in Munich" in text_of(ops_client.get(f"/numbers/{number.close_id}/history/", **HTMX))

    def test_nobody_has_to_give_one(self, ops_client, number):
        html = ops_client.get(edit_url(number)).content.decode()
        assert re.search(r'<details class="why"><summary[^>]*>Add a reason</summary><input', html)
        save(ops_client, number, "label", label="Fair", reason="")
        assert Plan.objects.get().reason == ""

    @pytest.mark.parametrize(
        ("reason", "words"), [("x" * 256, "a reason has at most 255 characters"), ("a\0b", "A reason is one line")]
    )
    def test_one_that_cannot_be_is_shown_again(self, ops_client, number, synced, reason, words):
        response = save(ops_client, number, "label", label="Fair", reason=reason)
        html = response.content.decode()
        assert response.status_code == 422
        assert words in text_of(response)
        assert html.count('aria-invalid="true"') == 1
        assert re.search(r'<details[^>]* open>.*name="reason"[^>]*aria-invalid="true"', html)
        assert not synced.journal

    def test_outlives_an_error_and_a_conflict(self, ops_client, number, synced):
        wrong = save(ops_client, number, "label", label="x" * 300, reason="Fair")
        assert 'name="reason" value="Fair"' in wrong.content.decode()
        synced.change_as_somebody_else(number.close_id, label="Theirs")
        conflict = save(ops_client, number, "label", label="Mine", reason="Fair")
        assert conflict.status_code == 409
        assert '<input type="hidden" name="reason" value="Fair">' in conflict.content.decode()
