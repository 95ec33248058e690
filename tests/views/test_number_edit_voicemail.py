"""Editing the voicemail greeting and the ring duration."""

import pytest

from ..reading import text_of
from .editing import HTMX, any_number, save

MP3 = "https://media.example.com/greetings/west.mp3"


@pytest.fixture
def number(synced):
    return any_number(voicemail_greeting_url="")


class TestVoicemail:
    def test_sends_the_address(self, ops_client, number, synced):
        response = save(ops_client, number, "voicemail", voicemail_greeting_url=MP3)
        assert response.status_code == 200
        assert synced.puts() == [(number.close_id, {"voicemail_greeting_url": MP3})]
        assert f'href="{MP3}"' in response.content.decode()
        assert "Greeting of" in text_of(response)

    def test_none_is_null_in_close(self, ops_client, synced):
        number = any_number(voicemail_greeting_url__gt="")
        response = save(ops_client, number, "voicemail", voicemail_greeting_url="")
        assert response.status_code == 200
        assert synced.puts() == [(number.close_id, {"voicemail_greeting_url": None})]
        assert "None" in text_of(response)

    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ("http://example.com/a.mp3", "begin with https://"),
            ("https://user:secret@example.com/a.mp3", "user name or password"),
            ("https://[::ffff:127.0.0.1]/a.mp3", "private network"),
            ("https://0x7f.1/a.mp3", "private network"),
        ],
    )
    def test_an_address_that_cannot_be(self, ops_client, number, synced, typed, words):
        response = save(ops_client, number, "voicemail", voicemail_greeting_url=typed)
        assert response.status_code == 422
        assert words in text_of(response)
        assert f'value="{typed}"' in response.content.decode()
        assert not synced.journal

    def test_the_simulated_organisations_own_greetings_can_be_used(self, ops_client, number, synced):
        url = f"{synced.origin}/greetings/support.mp3"
        assert save(ops_client, number, "voicemail", voicemail_greeting_url=url).status_code == 200

    def test_and_not_beside_a_real_close(self, ops_client, number, synced, settings):
        settings.CLOSE_IS_LOOPBACK = False
        url = f"{synced.origin}/greetings/support.mp3"
        assert save(ops_client, number, "voicemail", voicemail_greeting_url=url).status_code == 422

    def test_a_viewer_is_told_why(self, viewer_client, number, synced):
        assert save(viewer_client, number, "voicemail", voicemail_greeting_url=MP3).status_code == 403
        assert not synced.journal

    def test_without_script(self, ops_client, number, synced):
        assert save(ops_client, number, "voicemail", htmx=False, voicemail_greeting_url=MP3).status_code == 303
        assert synced.puts() == [(number.close_id, {"voicemail_greeting_url": MP3})]

    def test_close_refuses(self, ops_client, number, synced):
        synced.fault("400", method="PUT")
        response = save(ops_client, number, "voicemail", voicemail_greeting_url=MP3)
        assert response.status_code == 422
        assert "Close refused this:" in text_of(response)

    def test_close_is_away(self, ops_client, number, synced):
        synced.fault("503", method="GET")
        response = save(ops_client, number, "voicemail", voicemail_greeting_url=MP3)
        assert response.status_code in (502, 503)
        assert f'value="{MP3}"' in response.content.decode()

    def test_an_address_that_no_browser_should_open_is_no_link(self, ops_client, number, synced):
        type(number).objects.filter(pk=number.pk).update(voicemail_greeting_url="javascript:alert(1)")
        response = ops_client.get(f"/numbers/{number.close_id}/edit/voicemail/?cancel=1", **HTMX)
        assert "javascript:" not in response.content.decode()


class TestRinging:
    def test_sends_seconds(self, ops_client, number, synced):
        response = save(ops_client, number, "ringing", inbound_ring_duration="45")
        assert response.status_code == 200
        assert synced.puts() == [(number.close_id, {"inbound_ring_duration": 45})]
        assert "45 s" in text_of(response)

    @pytest.mark.parametrize("typed", ["14", "91", "abc", ""])
    def test_says_the_limits(self, ops_client, number, synced, typed):
        response = save(ops_client, number, "ringing", inbound_ring_duration=typed)
        assert response.status_code == 422
        assert "Type a whole number of seconds from 15 to 90." in text_of(response)
        assert not synced.journal

    def test_nothing_in_close_is_shown_as_30_and_is_no_change(self, ops_client, synced):
        number = any_number(inbound_ring_duration=None)
        assert 'value="30"' in ops_client.get(f"/numbers/{number.close_id}/edit/ringing/", **HTMX).content.decode()
        assert save(ops_client, number, "ringing", inbound_ring_duration="30").status_code == 200
        assert not synced.journal
        assert "30 s, Close’s default" in text_of(
            ops_client.get(f"/numbers/{number.close_id}/edit/ringing/?cancel=1", **HTMX)
        )

    def test_a_viewer_is_told_why(self, viewer_client, number, synced):
        assert save(viewer_client, number, "ringing", inbound_ring_duration="45").status_code == 403
        assert not synced.journal
