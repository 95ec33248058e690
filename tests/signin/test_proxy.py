"""Behind an identity-aware proxy: what each kind sends lets its people in, and every forgery stays out."""

import base64
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.contrib.auth import get_user_model

from dashboard import access
from dashboard.signin import tokens

from ..conftest import PASSWORD, make_user
from .issuer import Key, running

pytestmark = pytest.mark.django_db
HEADER = "X-Test-Assertion"


@pytest.fixture(scope="module")
def ec_key():
    return Key("curve", "ES256")


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


def who(client):
    key = client.session.get("_auth_user_id")
    return access.person(get_user_model().objects.get(pk=key)) if key else None


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


def changed(token, **changes):
    """A token with another body under the old signature."""
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    text = base64.urlsafe_b64encode(json.dumps(claims | changes).encode()).decode().rstrip("=")
    return f"{head}.{text}.{signature}"


FORGERIES = {
    "no assertion": lambda issuer, key, other: None,
    "empty": lambda issuer, key, other: "",
    "not a token": lambda issuer, key, other: "marta@example.com",
    "unsigned": lambda issuer, key, other: jwt.encode(issuer.claims(), None, "none", headers={"kid": key.kid}),
    "shared secret": lambda issuer, key, other: jwt.encode(issuer.claims(), "x" * 64, "HS256", {"kid": key.kid}),
    "another algorithm": lambda issuer, key, other: jwt.encode(
        issuer.claims(), key.private, "RS512", {"kid": key.kid}
    ),
    "wrong key under a known name": lambda issuer, key, other: other.sign(issuer.claims(), kid=key.kid),
    "unknown key": lambda issuer, key, other: other.sign(issuer.claims()),
    "changed": lambda issuer, key, other: changed(key.sign(issuer.claims()), sub="somebody-else"),
    "doubled": lambda issuer, key, other: ",".join([key.sign(issuer.claims())] * 2),
    "wrong audience": lambda issuer, key, other: key.sign(issuer.claims(aud=["another"])),
    "no audience": lambda issuer, key, other: key.sign(issuer.claims(aud=None)),
    "wrong issuer": lambda issuer, key, other: key.sign(issuer.claims(iss="https://evil.test")),
    "no issuer": lambda issuer, key, other: key.sign(issuer.claims(iss=None)),
    "expired": lambda issuer, key, other: key.sign(issuer.claims(exp=int(time.time()) - 40)),
    "no expiry": lambda issuer, key, other: key.sign(issuer.claims(exp=None)),
    "from the future": lambda issuer, key, other: key.sign(issuer.claims(iat=int(time.time()) + 300)),
    "not yet": lambda issuer, key, other: key.sign(issuer.claims(nbf=int(time.time()) + 300)),
    "no subject": lambda issuer, key, other: key.sign(issuer.claims(sub=None)),
    "two subjects": lambda issuer, key, other: key.sign(issuer.claims(sub="a,b")),
    "line end in the address": lambda issuer, key, other: key.sign(issuer.claims(email="a@b.example\nX: y")),
    "two addresses": lambda issuer, key, other: key.sign(issuer.claims(email="a@b.example,c@d.example")),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_refused_said_in_the_log_and_ends_the_session(
    client, ask, good, issuer, key, other_key, caplog, name
):
    ask(good())
    token = FORGERIES[name](issuer, key, other_key)
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


def test_only_the_sign_of_life_needs_nobody(client, ask):
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 401


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


def sign_padded(key, head, claims):
    """A token as AWS makes it: in the base64 that keeps its equals signs, which are signed too."""
    head = {"typ": "JWT", "alg": key.algorithm, "kid": key.kid} | head
    text = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()) for part in (head, claims))
    signature = jwt.get_algorithm_by_name(key.algorithm).sign(text, key.private)
    return (text + b"." + base64.urlsafe_b64encode(signature)).decode()


class TestKinds:
    """What is known of each kind, so that it need not be set; the keys are served by the test."""

    @pytest.fixture(autouse=True)
    def bare(self, settings):
        settings.PROXY_HEADER, settings.PROXY_ALGORITHM = [], ""

    def test_cloudflare(self, ask, settings, issuer, key):
        settings.PROXY_AUTH, settings.PROXY_JWKS_URL = "cloudflare", ""
        issuer.answer = lambda path, form: {"keys": [key.jwk()]} if path == "/cdn-cgi/access/certs" else {}
        token = key.sign(issuer.claims(aud=["closephones-at-acme"]))
        assert ask(token, "CF_Authorization").status_code == 401
        assert ask(token, "Cf-Access-Jwt-Assertion").status_code == 200

    def test_google(self, ask, settings, issuer, ec_key):
        settings.PROXY_AUTH, settings.PROXY_ISSUER = "iap", ""
        issuer.keys = [ec_key]
        claims = issuer.claims(iss="https://cloud.google.com/iap", sub="accounts.google.com:1")
        assert ask(ec_key.sign(claims), "X-Goog-Iap-Jwt-Assertion").status_code == 200

    def test_pomerium(self, ask, settings, issuer, ec_key):
        settings.PROXY_AUTH, settings.PROXY_ISSUER, settings.PROXY_AUDIENCE = "pomerium", "phones.example.com", ""
        issuer.keys = [ec_key]
        host = {"iss": "phones.example.com", "aud": "phones.example.com"}
        assert ask(ec_key.sign(issuer.claims(**host)), "X-Pomerium-Jwt-Assertion").status_code == 200

    def test_another_curve_or_kind_of_key_is_refused(self, ask, settings, issuer, key):
        settings.PROXY_AUTH, settings.PROXY_ISSUER = "iap", ""
        claims = issuer.claims(iss="https://cloud.google.com/iap")
        assert ask(key.sign(claims), "X-Goog-Iap-Jwt-Assertion").status_code == 401

    @pytest.mark.parametrize(
        ("head", "status"),
        [
            ({}, 200),
            ({"signer": "arn:of:somebody:else"}, 401),
            ({"kid": "../../evil"}, 401),
            ({"kid": "unknown"}, 401),
        ],
    )
    def test_aws(self, client, settings, ec_key, head, status):
        arn = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/acme/1"
        settings.PROXY_AUTH, settings.PROXY_AUDIENCE = "alb", arn
        pem = ec_key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        with running(ec_key) as keys:
            keys.raw = {f"/{ec_key.kid}": pem}
            settings.PROXY_JWKS_URL = keys.url
            settings.PROXY_ISSUER = keys.url
            claims = keys.claims(aud=None, iat=None)
            token = ec_key.sign(claims, **{"signer": arn} | head)
            padded = sign_padded(ec_key, {"signer": arn} | head, claims)
            for sent in (token, padded):
                assert client.get("/settings/", headers={"X-Amzn-Oidc-Data": sent}).status_code == status


def test_signing_out_leads_to_the_sign_out_of_the_proxy(client, settings, issuer, key):
    settings.PROXY_AUTH = "cloudflare"
    token = key.sign(issuer.claims())
    answer = client.post("/accounts/logout/", headers={HEADER: token})
    assert answer["Location"] == "/cdn-cgi/access/logout"
