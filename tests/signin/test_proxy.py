"""Behind an identity-aware proxy: what each kind sends lets its people in, and every forgery stays out."""

import base64
import json
import time

import pytest
from django.contrib.auth import get_user_model

from dashboard.signin import tokens

from ..conftest import PASSWORD, make_user
from ..reading import who
from .gateways import FORGERIES, HEADERS, OF_AWS, Gateway

pytestmark = pytest.mark.django_db
HEADER = "X-Test-Assertion"


@pytest.fixture(autouse=True)
def behind(issuer, settings):
    """A proxy that signs with RS256; its keys are at the issuer's."""
    settings.PROXY_AUTH = "jwt"
    settings.PROXY_HEADER, settings.PROXY_ALGORITHM = [HEADER], "RS256"
    settings.PROXY_ISSUER, settings.PROXY_AUDIENCE = issuer.url, "closephones-at-acme"
    settings.PROXY_JWKS_URL = f"{issuer.url}/keys"
    settings.SSO_ROLE_MAP = {"sales-ops": "ops_admin", "everyone-sales": "viewer:*"}


@pytest.fixture
def ask(client):
    """Ask for the settings page with this assertion; returns the answer."""

    def get(token, header=HEADER, path="/settings/", **more):
        return client.get(path, headers={header: token} if token is not None else {}, **more)

    return get


@pytest.fixture
def good(issuer, key):
    return lambda **changes: key.sign(issuer.claims(**changes))


def test_an_assertion_that_holds_lets_its_person_in_with_the_role_of_now(client, ask, good):
    assert ask(good()).status_code == 200
    first = who(client)
    assert (first.role, first.name, first.user.email) == ("viewer", "Ana Ruiz", "ana@example.com")
    assert not first.user.has_usable_password()
    assert ask(good(groups=["sales-ops"])).status_code == 200
    assert (who(client).role, who(client).user) == ("ops_admin", first.user)
    answer = ask(good(groups=["other"]))
    assert answer.status_code == 403
    assert "You have no role here yet" in answer.content.decode()


def test_nothing_is_written_where_nothing_changed(client, ask, good, django_assert_max_num_queries):
    ask(good())
    with django_assert_max_num_queries(12) as asked:
        assert ask(good()).status_code == 200
    assert [query["sql"] for query in asked.captured_queries if not query["sql"].startswith("SELECT")] == []


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_refused_said_in_the_log_and_ends_the_session(client, ask, good, issuer, caplog, name):
    ask(good())
    token = FORGERIES[name](Gateway("jwt", issuer))
    answer = ask(token)
    assert answer.status_code == 401
    assert "Open this through your company’s gateway" in answer.content.decode()
    assert who(client) is None
    assert caplog.text.count("proxy sign-in refused: ") == 1
    if token:
        assert token not in caplog.text
    assert get_user_model().objects.count() == 1


def test_thirty_seconds_of_a_clock_that_is_off_are_forgiven(ask, good):
    now = int(time.time())
    assert ask(good(exp=now - 20)).status_code == 200
    assert ask(good(iat=now + 20)).status_code == 200


def test_no_other_way_in_is_left(client, ask):
    make_user("Ada Boss", is_superuser=True)
    answer = client.post("/accounts/login/", {"login": "ada", "password": PASSWORD})
    assert answer.status_code == 401
    assert client.get("/accounts/login/").status_code == 401
    client.force_login(get_user_model().objects.get())
    assert client.get("/settings/").status_code == 401
    assert who(client) is None


def test_the_signs_of_life_need_nobody_and_tell_strangers_one_word(client, ask, good, settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ask(good(groups=["sales-ops"]))
    # A session alone is nobody here either: only with an assertion one is who one was.
    assert (client.get("/healthz").status_code, client.get("/healthz").content) == (200, b"ok")
    assert client.get("/readyz").content == b"not ready"
    assert ask(good(groups=["sales-ops"]), path="/readyz").json()["ready"] is False
    assert ask(good(groups=["everyone-sales"]), path="/readyz").content == b"not ready"
    assert ask(good(exp=1), path="/readyz").status_code == 401


def test_another_subject_gets_a_session_of_its_own(client, ask, good):
    ask(good())
    first, key = who(client).user, client.session.session_key
    ask(good(sub="subject-2", email="tom@example.com"))
    assert who(client).user != first
    assert client.session.session_key != key


def test_the_session_key_is_new_after_the_first_request(client, ask, good):
    session = client.session
    session["from"] = "somebody"
    session.save()
    client.cookies["sid"] = session.session_key
    ask(good())
    assert client.session.session_key != session.session_key


def test_who_is_deactivated_is_out_at_the_next_request(client, ask, good):
    ask(good())
    get_user_model().objects.update(is_active=False)
    answer = ask(good())
    assert answer.status_code == 403
    assert "Your account here was deactivated." in answer.content.decode()


def test_an_account_with_the_same_address_is_left_as_it_is(client, ask, good):
    make_user("Ana Ruiz", is_superuser=True)
    assert ask(good()).status_code == 409
    assert who(client) is None


def test_a_new_key_is_taken_and_an_old_one_still_holds(ask, good, issuer, key, other_key, monkeypatch):
    ask(good())
    fetched = [path for path, _ in issuer.asked]
    issuer.keys = [key, other_key]
    assert ask(other_key.sign(issuer.claims())).status_code == 401  # so soon after the last fetch
    assert [path for path, _ in issuer.asked] == fetched
    monkeypatch.setattr(tokens.keys_at(f"{issuer.url}/keys"), "cooldown_duration", 0)
    assert ask(other_key.sign(issuer.claims())).status_code == 200
    assert ask(good()).status_code == 200


def test_keys_that_cannot_be_fetched(client, ask, good, issuer, caplog):
    issuer.down = True
    answer = ask(good())
    assert answer.status_code == 503
    assert "Your sign-in cannot be checked now" in answer.content.decode()
    asked = len(issuer.asked)
    assert ask(good()).status_code == 503
    assert len(issuer.asked) == asked
    assert who(client) is None
    issuer.down = False
    tokens.keys_at.cache_clear()
    assert ask(good()).status_code == 200
    issuer.down = True
    assert ask(good()).status_code == 200


class TestKinds:
    """What is known of each kind, so that it need not be set; the keys are served by the test."""

    @pytest.fixture
    def gateway(self, settings, issuer):
        """A proxy of this kind, with what has to be set for it and no more."""
        settings.PROXY_HEADER, settings.PROXY_ALGORITHM, settings.PROXY_JWKS_URL = [], "", ""

        def set_up(kind):
            gateway = Gateway(kind, issuer)
            for name, value in gateway.settings.items():
                setattr(settings, name, [value] if name == "PROXY_HEADER" else value)
            return gateway

        return set_up

    @pytest.mark.parametrize("kind", HEADERS)
    def test_its_own_header_and_no_other_lets_its_people_in(self, client, ask, gateway, kind):
        gateway = gateway(kind)
        assert ask(gateway.good(), "CF_Authorization").status_code == 401
        assert ask(gateway.good(), gateway.header).status_code == 200
        assert who(client).user.email == "ana@example.com"

    def test_an_audience_among_several(self, ask, gateway):
        gateway = gateway("cloudflare")
        assert ask(gateway.good(aud=["another", gateway.audience]), gateway.header).status_code == 200

    @pytest.mark.parametrize("kind", OF_AWS)
    def test_aws_pads_what_it_signs(self, client, ask, gateway, kind):
        gateway = gateway(kind)
        assert ask(gateway.padded(), gateway.header).status_code == 200
        assert ask(gateway.padded(exp=int(time.time()) - 40), gateway.header).status_code == 401

    @pytest.mark.parametrize("kid", ["../../evil", "", 7, "k" * 65])
    def test_the_name_of_a_key_that_leads_elsewhere_is_not_followed(self, ask, gateway, issuer, kid):
        gateway = gateway("verified-access")
        head, _ = gateway.parts()
        token = base64.urlsafe_b64encode(json.dumps(head | {"kid": kid, "alg": "ES384"}).encode()).decode()
        assert ask(f"{token}.{token}.{token}", gateway.header).status_code == 401
        assert issuer.asked == []

    def test_identity_center_says_who_in_another_place(self, client, ask, gateway):
        gateway = gateway("verified-access")
        user = {"user_id": "f478", "user_name": "ana", "email": {"address": "ana@example.com", "verified": True}}
        head, _ = gateway.parts()
        assert ask(gateway.key.sign({"user": user}, **head), gateway.header).status_code == 403
        assert who(client).user.email == "ana@example.com"
        for wrong in ({}, {"user_id": 7}, {"user_id": ""}):
            assert ask(gateway.key.sign({"user": wrong}, **head), gateway.header).status_code == 401

    def test_people_of_another_domain_are_refused(self, ask, gateway, settings, caplog):
        gateway, settings.SSO_DOMAINS = gateway("iap"), ["example.com", "example.org"]
        assert ask(gateway.good(hd="example.org"), gateway.header).status_code == 200
        for wrong in ("evil.test", None, "EXAMPLE.com.evil.test", ["example.com"], ""):
            assert ask(gateway.good(hd=wrong), gateway.header).status_code == 401
        assert caplog.text.count("an assertion of another domain") == 5


def test_signing_out_leads_to_the_sign_out_of_the_proxy(client, settings, issuer, key):
    settings.PROXY_AUTH = "cloudflare"
    token = key.sign(issuer.claims())
    answer = client.post("/accounts/logout/", headers={HEADER: token})
    assert answer["Location"] == "/cdn-cgi/access/logout"
