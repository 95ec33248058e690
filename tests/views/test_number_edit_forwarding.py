"""Editing the forwarding: target, switch, press 1; and where calls may not go."""

from uuid import uuid4

import pytest

from dashboard import validators
from dashboard.models import PhoneNumber

from ..reading import text_of
from .editing import HTMX, any_number, save
from .story import in_and_out_of_scope

NEW = "+14155550142"


@pytest.fixture
def number(synced):
    """A number with forwarding on, in the United States."""
    return any_number(forward_to_enabled=True, forward_to__gt="", country="US")


@pytest.fixture
def bare(synced):
    """A number without a target, off."""
    return any_number(forward_to="", forward_to_enabled=False, country="US")


def cached(row, /, **facts):
    """Let the cache and the simulated Close hold these facts of a number."""
    PhoneNumber.objects.filter(pk=row.pk).update(**facts)
    row.refresh_from_db()


class TestTheSwitch:
    def switch(self, client, number, on, **more):
        """Press the switch in the row: it posts itself, and what the row shows as `was_`."""
        return save(client, number, "forwarding", forward_to_enabled=on, **more)

    def test_off_is_one_keystroke(self, ops_client, number, synced):
        response = self.switch(ops_client, number, "false")
        assert response.status_code == 200
        assert synced.puts() == [(number.close_id, {"forward_to_enabled": False})]
        assert 'aria-checked="false"' in response.content.decode()

    def test_and_on_again(self, ops_client, number, synced):
        self.switch(ops_client, number, "false")
        number.refresh_from_db()
        # The simulated organisation forwards to made-up numbers whose range no table may know.
        self.switch(ops_client, number, "true", confirm_forward_to="true")
        assert synced.puts()[-1] == (number.close_id, {"forward_to_enabled": True})

    def test_on_without_a_target_opens_the_target_editor_and_sends_nothing(self, ops_client, bare, synced):
        response = self.switch(ops_client, bare, "true")
        html = response.content.decode()
        assert response.status_code == 422
        assert html.startswith(f'<td id="number-{bare.close_id}-forwarding" class="c-fwd editing"')
        assert "Type the number that calls shall go to" in text_of(response)
        assert not synced.journal

    def test_a_stale_row_conflicts_although_only_the_switch_was_pressed(self, ops_client, number, synced):
        synced.change_as_somebody_else(number.close_id, forward_to=NEW)
        response = self.switch(ops_client, number, "false")
        assert response.status_code == 409
        assert "Now in Close on, to +1 415 555 0142" in text_of(response)
        assert not synced.puts()

    def test_without_script_it_is_a_form(self, ops_client, number, synced):
        response = self.switch(ops_client, number, "false", htmx=False)
        assert response.status_code == 303
        assert synced.puts() == [(number.close_id, {"forward_to_enabled": False})]

    @pytest.mark.parametrize("value", ["on", "1", "True", ""])
    def test_takes_true_and_false_only(self, ops_client, number, synced, value):
        assert self.switch(ops_client, number, value).status_code == 422
        assert not synced.puts()


class TestTheTarget:
    @pytest.mark.parametrize("typed", ["+1 415 555 0142", "(415) 555-0142", "4155550142"])
    def test_is_sent_in_e164(self, ops_client, number, synced, typed):
        response = save(ops_client, number, "forwarding", forward_to=typed)
        assert synced.puts() == [(number.close_id, {"forward_to": NEW})]
        assert "+1 415 555 0142" in text_of(response)

    def test_as_it_was_shown_is_no_change(self, ops_client, number, synced):
        shown = ops_client.get(f"/numbers/{number.close_id}/edit/forwarding/", **HTMX).content.decode()
        typed = shown.split('name="forward_to" value="')[1].split('"')[0]
        assert " " in typed
        response = save(ops_client, number, "forwarding", forward_to=typed)
        assert response.status_code == 200
        assert not synced.journal

    def test_switch_and_target_travel_together(self, ops_client, bare, synced):
        save(ops_client, bare, "forwarding", forward_to=NEW, forward_to_enabled="true", press_1_to_accept="true")
        assert synced.puts() == [
            (bare.close_id, {"forward_to": NEW, "forward_to_enabled": True, "press_1_to_accept": True})
        ]

    def test_a_first_use_is_said(self, ops_client, number, bare):
        first = text_of(save(ops_client, number, "forwarding", forward_to="+1 503 555 0134"))
        again = text_of(save(ops_client, bare, "forwarding", forward_to="+1 503 555 0134"))
        assert "First use" in first
        assert "First use" not in again

    def test_what_an_undo_cannot_bring_back_is_said_before_the_click(self, ops_client, bare):
        words = text_of(save(ops_client, bare, "forwarding", forward_to=NEW))
        assert "Before you undo it: Close cannot take" in words

    def test_cannot_be_taken_away(self, ops_client, number, synced):
        response = save(ops_client, number, "forwarding", forward_to=" ")
        assert response.status_code == 422
        assert "Switch forwarding off instead." in text_of(response)
        assert not synced.journal

    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ("+1 917 555 0", "Too short for a US number: 10 digits needed."),
            ("call Ana", "Only digits can be dialled."),
            ("+999 12345678", "No country has this code."),
            ("+1 900 555 0199", "Premium-rate numbers cost extra"),
            ("+881 6 1234 5678", "Satellite numbers cost extra"),
        ],
    )
    def test_that_cannot_be(self, ops_client, number, synced, typed, words):
        response = save(ops_client, number, "forwarding", forward_to=typed)
        assert response.status_code == 422
        assert words in text_of(response)
        assert f'value="{typed}"' in response.content.decode()
        assert not synced.journal

    def test_outside_the_allowed_countries(self, ops_client, number, synced, settings):
        settings.FORWARD_COUNTRIES = ["US"]
        response = save(ops_client, number, "forwarding", forward_to="+44 20 7946 0958")
        assert response.status_code == 422
        assert "Calls may go to US only" in text_of(response)
        assert not synced.journal


class TestUnknownRange:
    typed = "+33 6 39 98 12 34"

    def test_is_warned_of_with_the_tables_date(self, ops_client, number, synced):
        response = save(ops_client, number, "forwarding", forward_to=self.typed)
        assert response.status_code == 422
        assert validators.TABLES in text_of(response)
        assert "Use it anyway" in text_of(response)
        assert not synced.journal

    def test_is_used_anyway(self, ops_client, number, synced):
        save(ops_client, number, "forwarding", forward_to=self.typed, confirm_forward_to="true")
        assert synced.puts() == [(number.close_id, {"forward_to": "+33639981234"})]

    def test_the_confirmation_covers_nothing_else(self, ops_client, number, synced):
        response = save(ops_client, number, "forwarding", forward_to="+1 900 555 0199", confirm_forward_to="true")
        assert response.status_code == 422
        assert not synced.journal


class TestLoops:
    def test_the_number_itself(self, ops_client, number, synced):
        response = save(ops_client, number, "forwarding", forward_to=number.number)
        assert response.status_code == 422
        assert "This is the number itself." in text_of(response)
        assert not synced.journal

    def test_a_way_back_over_two_numbers(self, ops_client, number, synced):
        second, third = PhoneNumber.objects.exclude(pk=number.pk).order_by("pk")[:2]
        cached(second, number="+12125550101", forward_to="+12125550102", forward_to_enabled=True)
        cached(third, number="+12125550102", forward_to=number.number, forward_to_enabled=True)
        response = save(ops_client, number, "forwarding", forward_to="+1 212 555 0101")
        assert response.status_code == 422
        assert "by way of +1 212 555 0102" in text_of(response)
        assert not synced.journal

    def test_a_number_outside_the_own_teams_is_not_named(self, synced, lead, lead_client):
        inside, outside = in_and_out_of_scope(lead)
        second = PhoneNumber.objects.exclude(pk__in=[inside.pk, outside.pk]).first()
        cached(inside, country="US")
        cached(second, number="+12125550101", forward_to="+12125550102", forward_to_enabled=True)
        cached(outside, number="+12125550102", forward_to=inside.number, forward_to_enabled=True)
        words = text_of(save(lead_client, inside, "forwarding", forward_to="+1 212 555 0101"))
        assert "come back to this number by way of a number outside your teams, so they would go round." in words
        assert "0102" not in words

    def test_a_chain_that_ends_elsewhere_is_no_loop(self, ops_client, number, synced):
        second, third = PhoneNumber.objects.exclude(pk=number.pk).order_by("pk")[:2]
        cached(second, number="+12125550101", forward_to="+12125550102", forward_to_enabled=True)
        cached(third, number="+12125550102", forward_to=number.number, forward_to_enabled=False)
        save(ops_client, number, "forwarding", forward_to="+1 212 555 0101")
        assert synced.puts() == [(number.close_id, {"forward_to": "+12125550101"})]

    def test_a_circle_of_others_does_not_hang(self, ops_client, number, synced):
        second, third = PhoneNumber.objects.exclude(pk=number.pk).order_by("pk")[:2]
        cached(second, number="+12125550101", forward_to="+12125550102", forward_to_enabled=True)
        cached(third, number="+12125550102", forward_to="+12125550101", forward_to_enabled=True)
        save(ops_client, number, "forwarding", forward_to="+1 212 555 0101")
        assert synced.puts() == [(number.close_id, {"forward_to": "+12125550101"})]


class TestWhatWasSetInClose:
    def test_an_odd_target_can_be_switched_off_and_left_alone(self, ops_client, number, synced):
        synced.change_as_somebody_else(number.close_id, forward_to="+19005550199")
        cached(number, forward_to="+19005550199")
        assert save(ops_client, number, "forwarding", forward_to_enabled="false").status_code == 200
        assert synced.puts() == [(number.close_id, {"forward_to_enabled": False})]

    def test_a_costly_target_is_not_switched_on(self, ops_client, number, synced):
        cached(number, forward_to="+19005550199", forward_to_enabled=False)
        response = save(ops_client, number, "forwarding", forward_to_enabled="true")
        assert response.status_code == 422
        assert "Premium-rate" in text_of(response)
        assert not synced.journal


def test_a_viewer_is_told_why(viewer_client, number, synced):
    response = save(viewer_client, number, "forwarding", forward_to_enabled="false")
    assert response.status_code == 403
    assert "You may look at this number" in text_of(response)
    assert not synced.journal


def test_close_away_keeps_all_that_was_typed(ops_client, number, synced):
    synced.fault("503", method="GET")
    response = save(ops_client, number, "forwarding", forward_to="+1 415 555 0142", press_1_to_accept="true")
    assert response.status_code in (502, 503)
    assert 'value="+1 415 555 0142"' in response.content.decode()
    assert not synced.puts()


def test_the_same_press_twice_is_one_change(ops_client, number, synced):
    intent = str(uuid4())
    for _ in range(2):
        assert save(ops_client, number, "forwarding", intent=intent, forward_to_enabled="false").status_code == 200
    assert synced.puts() == [(number.close_id, {"forward_to_enabled": False})]


def test_press_1_can_be_asked_for_first(ops_client, number):
    html = ops_client.get(
        f"/numbers/{number.close_id}/edit/forwarding/?focus=press_1_to_accept", **HTMX
    ).content.decode()
    assert 'name="press_1_to_accept" value="true"' in html
    assert html.index("data-focus") > html.index('name="press_1_to_accept"')
