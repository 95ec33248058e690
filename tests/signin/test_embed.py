"""Signing in from a frame: the window hands the sign-in over to the frame that has opened it, once, to no other."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from ..conftest import PASSWORD, signed_in
from .issuer import CLIENT_ID, CLIENT_SECRET
from .test_two_step import code_of

pytestmark = pytest.mark.django_db
START, OFFER, CARRY, DONE, CLAIM = (f"/embed/{name}/" for name in ("start", "offer", "carry", "done", "claim"))
ENTRANCE = "/accounts/login/?next=/embed/done/"


@pytest.fixture(autouse=True)
def embedded(settings):
    settings.EMBED_MODE, settings.EMBED_ORIGINS = "cross-site", ["https://portal.example.com"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    cache.clear()


def browser():
    """A place of the browser with cookies of its own, over https: the frame has one, the window another."""
    return Client(headers={"X-Forwarded-Proto": "https"})


@pytest.fixture
def frame():
    return browser()


@pytest.fixture
def window():
    return browser()


def offered(frame):
    answer = frame.post(OFFER)
    assert answer.status_code == 200
    return answer.json()["secret"]


def password(window, user):
    return window.post("/accounts/login/", {"login": user.username, "password": PASSWORD, "next": DONE})


def signed_in_as(client):
    return client.session.get("_auth_user_id")


def hand_over(frame, window, user):
    """All of it but the frame's last question."""
    carried = window.post(CARRY, {"secret": offered(frame)})
    assert (carried.status_code, carried["Location"]) == (303, ENTRANCE)
    assert password(window, user)["Location"] == DONE
    assert 'id="approve"' in window.get(DONE).content.decode()
    assert frame.post(CLAIM).status_code == 202
    approved = window.post(DONE)
    assert (approved.status_code, approved["Location"]) == (303, DONE)
    assert "You can close this window." in window.get(DONE).content.decode()


def test_whoever_signs_in_in_the_window_is_signed_in_in_the_frame(frame, window, lead):
    hand_over(frame, window, lead)
    before = frame.session.session_key
    methods = window.session["account_authentication_methods"]
    assert frame.post(CLAIM).status_code == 200
    assert signed_in_as(frame) == str(lead.pk)
    assert frame.session.session_key not in (before, window.session.session_key)
    assert frame.session["account_authentication_methods"] == methods
    assert methods[0]["method"] == "password"
    assert frame.session["sign_in"]["way"] == "password, in a frame"
    assert frame.get("/numbers/").status_code == 200
    assert frame.post(CLAIM).status_code == 200, "Who is signed in need not be told again."


def test_it_works_with_the_company_account(frame, window, settings, issuer, key):
    settings.OIDC_ISSUER, settings.OIDC_NAME = issuer.url, "the Acme account"
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    settings.SSO_ROLE_MAP = {"everyone-sales": "viewer:*"}
    window.post(CARRY, {"secret": offered(frame)})
    assert f'name="next" value="{DONE}"' in window.get(ENTRANCE).content.decode()
    begun = window.post("/accounts/oidc/login/", {"next": DONE})
    issuer.token = key.sign(issuer.claims())
    state = parse_qs(urlsplit(begun["Location"]).query)["state"][0]
    assert window.get("/accounts/oidc/callback/", {"code": "a-code", "state": state})["Location"] == DONE
    assert window.post(DONE).status_code == 303
    assert frame.post(CLAIM).status_code == 200
    assert "Ana Ruiz" in frame.get("/numbers/").content.decode()


def test_it_works_with_a_code(frame, window, ops, settings):
    settings.LOCAL_TWO_STEP = "on"
    secret = generate_totp_secret()
    TOTP.activate(ops, secret)
    window.post(CARRY, {"secret": offered(frame)})
    assert password(window, ops)["Location"] == "/accounts/code/"
    assert window.post("/accounts/code/", {"code": code_of(secret)})["Location"] == DONE
    window.post(DONE)
    assert frame.post(CLAIM).status_code == 200
    assert frame.session["sign_in"]["way"] == "password and code, in a frame"


def test_the_frame_is_signed_in_no_longer_than_the_window(frame, lead, settings):
    settings.SESSION_HOURS = 8
    with time_machine.travel(timezone.now(), tick=False) as clock:
        window = signed_in(lead)
        clock.shift(7 * 3600)
        window.post(CARRY, {"secret": offered(frame)})
        window.post(DONE)
        assert frame.post(CLAIM).status_code == 200
        assert frame.get("/settings/").status_code == 200
        clock.shift(3601)
        assert frame.get("/settings/").status_code == 302


def test_a_window_that_is_signed_in_already_approves_at_once(frame, lead):
    window = signed_in(lead)
    window.defaults["HTTP_X_FORWARDED_PROTO"] = "https"
    assert window.post(CARRY, {"secret": offered(frame)})["Location"] == DONE
    window.post(DONE)
    assert frame.post(CLAIM).status_code == 200


def test_it_is_used_once_and_by_the_frame_that_asked_alone(frame, window, lead):
    stranger, copy = browser(), browser()
    hand_over(frame, window, lead)
    assert stranger.post(CLAIM).status_code == 202
    offered(stranger)
    assert stranger.post(CLAIM).status_code == 202
    # Somebody has the frame's cookie from before the sign-in: it is worth nothing after it.
    copy.cookies["sid"] = frame.cookies["sid"].value
    assert frame.post(CLAIM).status_code == 200
    assert copy.post(CLAIM).status_code == 202
    assert {signed_in_as(copy), signed_in_as(stranger)} == {None}
    assert window.post(DONE).status_code == 410


def test_two_questions_at_once_sign_in_once(frame, window, lead, monkeypatch):
    hand_over(frame, window, lead)
    monkeypatch.setattr(cache, "delete", lambda key: False)
    assert frame.post(CLAIM).status_code == 410
    assert signed_in_as(frame) is None


@pytest.mark.parametrize("secret", ["", "made-up", "x" * 5000, "\x00"])
def test_a_secret_that_nobody_gave_leads_nowhere(window, secret):
    answer = window.post(CARRY, {"secret": secret})
    assert answer.status_code == 410
    assert "This took too long" in answer.content.decode()
    assert "hand_over_carries" not in window.session


def test_a_secret_of_another_installation_leads_nowhere(frame, window, settings):
    secret = offered(frame)
    settings.BASE_URL = "https://staging.example.com"
    assert window.post(CARRY, {"secret": secret}).status_code == 410


def test_after_five_minutes_it_is_over(frame, window, lead):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        window.post(CARRY, {"secret": offered(frame)})
        password(window, lead)
        clock.shift(299)
        assert frame.post(CLAIM).status_code == 202
        clock.shift(2)
        assert window.post(DONE).status_code == 410
        assert frame.post(CLAIM).status_code == 410


def test_a_new_window_makes_the_one_before_worthless(frame, window):
    first = offered(frame)
    offered(frame)
    assert window.post(CARRY, {"secret": first}).status_code == 410


def test_who_was_deactivated_meanwhile_stays_out(frame, window, lead):
    hand_over(frame, window, lead)
    lead.is_active = False
    lead.save()
    assert frame.post(CLAIM).status_code == 403
    assert signed_in_as(frame) is None


def test_each_step_needs_the_token_of_its_own_page(lead):
    careful = Client(
        enforce_csrf_checks=True, headers={"X-Forwarded-Proto": "https", "Origin": "https://evil.example"}
    )
    careful.get("/embed/")
    token = careful.cookies["csrf"].value
    for address in (OFFER, CARRY, CLAIM):
        assert careful.post(address, {"csrfmiddlewaretoken": token}).status_code == 403, address
    careful.force_login(lead)
    assert careful.post(DONE, {"csrfmiddlewaretoken": token}).status_code == 403


def test_one_address_asks_sixty_times_a_minute_at_most(frame):
    statuses = [frame.post(OFFER).status_code for _ in range(61)]
    assert statuses == [200] * 60 + [429]


def test_the_window_alone_may_speak_with_who_has_opened_it(window, lead):
    assert window.get(START)["Cross-Origin-Opener-Policy"] == "unsafe-none"
    others = [window.get(ENTRANCE), signed_in(lead).get(DONE), window.get("/embed/")]
    assert {answer["Cross-Origin-Opener-Policy"] for answer in others} == {"same-origin"}


def test_the_frames_page_has_one_button(frame):
    page = frame.get("/embed/?next=/changes/%3Fsource=close")
    html = page.content.decode()
    assert re.findall(r"<(?:a|button) [^>]*btn-primary[^>]*>([^<]+)", html.split('id="without-cookie"')[0]) == [
        "Sign in"
    ]
    assert 'data-window="/embed/start/" data-next="/changes/?source=close"' in html
    assert "csrf" in page.cookies


@pytest.mark.parametrize(
    "target", ["https://evil.test/", "//evil.test", "javascript:alert(1)", "/embed/?next=/embed/", ""]
)
def test_the_frame_goes_on_to_a_page_of_ours_only(frame, lead, target):
    assert 'data-next="/"' in frame.get("/embed/", {"next": target}).content.decode()
    assert signed_in(lead).get("/embed/", {"next": target})["Location"] == "/"


def test_on_the_same_site_the_window_shares_its_cookies_and_nothing_is_carried(frame, lead, settings):
    settings.EMBED_MODE = "same-site"
    assert 'data-window="/accounts/login/?next=/embed/done/"' in frame.get("/embed/").content.decode()
    assert {frame.post(OFFER).status_code, frame.post(CARRY).status_code, frame.get(START).status_code} == {404}
    assert frame.post(CLAIM).status_code == 202
    assert "You can close this window." in signed_in(lead).get(DONE).content.decode()
    assert signed_in(lead).post(CLAIM).status_code == 200


def test_without_embedding_there_is_nothing_of_it(lead_client, settings):
    settings.EMBED_MODE = "off"
    for address in ("/embed/", START, DONE):
        assert lead_client.get(address).status_code == 404
    for address in (OFFER, CARRY, DONE, CLAIM):
        assert lead_client.post(address).status_code == 404
