"""Signing in with the company account: who gets in, with which role, and everything that does not."""

import time
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.contrib.auth import get_user_model

from dashboard.models import Group
from dashboard.signin import tokens

from ..conftest import make_user
from ..reading import text_of, who
from .issuer import CLIENT_ID, CLIENT_SECRET

pytestmark = pytest.mark.django_db
START, BACK = "/accounts/oidc/login/", "/accounts/oidc/callback/"


@pytest.fixture(autouse=True)
def company(issuer, settings):
    """A company with an account of its own and a map of roles."""
    settings.OIDC_ISSUER, settings.OIDC_NAME = issuer.url, "the Acme account"
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    settings.SSO_ROLE_MAP = {"sales-ops": "ops_admin", "leads": "team_lead:EMEA", "everyone-sales": "viewer:*"}
    Group.objects.create(close_id="group_emea", name="EMEA")


@pytest.fixture
def sign_in(issuer, client, key):
    """Go through the whole of it with an id token of these claims; returns the answer to the way back."""

    def through(token=None, *, next_url="", signer=key, **claims):
        issuer.token = token or signer.sign(issuer.claims(**claims))
        begun = client.post(START, {"next": next_url})
        assert begun.status_code == 302, begun.content
        asked = parse_qs(urlsplit(begun["Location"]).query)
        return client.get(BACK, {"code": "a-code", "state": asked["state"][0]})

    return through


def test_the_page_has_one_button_and_it_leads_to_the_issuer(client, issuer):
    page = client.get("/accounts/login/?next=/changes/").content.decode()
    assert "Continue with the Acme account" in page
    assert page.count('name="next" value="/changes/"') == 2
    begun = client.post(START)
    target = urlsplit(begun["Location"])
    asked = parse_qs(target.query)
    assert f"{target.scheme}://{target.netloc}{target.path}" == f"{issuer.url}/authorize"
    assert asked["client_id"] == [CLIENT_ID]
    assert asked["redirect_uri"] == ["http://testserver/accounts/oidc/callback/"]
    assert asked["code_challenge_method"] == ["S256"]
    assert set(asked["scope"][0].split()) == {"openid", "profile", "email"}


@pytest.mark.parametrize("supported", [["openid", "groups"], ["openid"], "groups", None])
def test_groups_are_asked_for_where_the_issuer_has_a_scope_for_them(client, issuer, supported):
    issuer.discovery["scopes_supported"] = supported
    asked = parse_qs(urlsplit(client.post(START)["Location"]).query)
    assert ("groups" in asked["scope"][0].split()) == (supported == ["openid", "groups"])


def test_without_an_issuer_there_is_nothing_of_it(client, settings):
    settings.OIDC_ISSUER = ""
    assert "Continue with" not in text_of(client.get("/accounts/login/"))
    assert client.post(START).status_code == 404
    assert client.get(BACK).status_code == 404


def test_a_sign_in_begins_with_a_post(client):
    assert client.get(START).status_code == 405


@pytest.mark.parametrize(
    ("groups", "role"),
    [(["sales-ops"], "ops_admin"), (["leads"], "team_lead"), (["everyone-sales"], "viewer"), (["other"], None)],
)
def test_a_person_comes_in_with_the_role_of_their_groups(client, sign_in, issuer, groups, role):
    answer = sign_in(groups=groups)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    person = who(client)
    assert (person.role, person.name, person.user.email) == (role, "Ana Ruiz", "ana@example.com")
    assert not person.user.has_usable_password()
    token_request = issuer.asked[-2] if issuer.asked[-1][0] == "/keys" else issuer.asked[-1]
    assert token_request[1]["code"] == "a-code"
    assert token_request[1]["code_verifier"]
    if role is None:
        assert "asked for groups and says other ;" in text_of(client.get("/numbers/"))


def test_the_same_subject_is_the_same_person_and_the_role_follows(client, sign_in):
    sign_in(groups=["sales-ops"])
    first = who(client).user
    sign_in(groups=["leads"], email="ana.ruiz@example.com")
    assert (who(client).user, who(client).role) == (first, "team_lead")
    sign_in(groups=[])
    assert (who(client).user, who(client).role) == (first, None)
    assert client.get("/numbers/").status_code == 403


def test_the_session_has_a_new_key(client, sign_in):
    client.post(START)
    before = client.session.session_key
    sign_in()
    assert before
    assert client.session.session_key != before


def test_tokens_are_not_stored(client, sign_in):
    from allauth.socialaccount.models import SocialToken

    sign_in()
    assert not SocialToken.objects.exists()


@pytest.mark.parametrize("where", ["https://evil.test/", "//evil.test/", "/\\evil.test", "javascript:alert(1)"])
def test_an_unknown_next_leads_home(sign_in, where):
    assert sign_in(next_url=where)["Location"] == "/"


def test_next_leads_where_one_wanted(sign_in):
    assert sign_in(next_url="/changes/?source=close")["Location"] == "/changes/?source=close"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": "somebody-else"}, "meant for somebody else"),
        ({"aud": None}, "without the claim aud"),
        ({"iss": "https://evil.test"}, "from another issuer"),
        ({"iss": None}, "without the claim iss"),
        ({"exp": int(time.time()) - 60}, "expired"),
        ({"exp": None}, "without the claim exp"),
        ({"iat": int(time.time()) + 7200}, "from the future"),
        ({"sub": None}, "without the claim sub"),
        ({"sub": ""}, "without a subject"),
    ],
)
def test_a_token_that_does_not_hold_is_refused(client, sign_in, caplog, changes, reason):
    answer = sign_in(**changes)
    assert answer.status_code == 401
    assert "could not be accepted" in text_of(answer)
    assert who(client) is None
    assert f"company sign-in refused: an id token {reason}" in caplog.text
    assert not get_user_model().objects.exists()


def test_a_forged_signature_is_refused(client, sign_in, issuer, key, other_key, caplog):
    good = key.sign(issuer.claims())
    head, _, signature = good.split(".")
    tampered = other_key.sign(issuer.claims(groups=["sales-ops"]), kid=key.kid)
    unsigned = jwt.encode(issuer.claims(), None, algorithm="none", headers={"kid": key.kid})
    shared = jwt.encode(issuer.claims(), "x" * 64, algorithm="HS256", headers={"kid": key.kid})
    swapped = f"{head}.{tampered.split('.')[1]}.{signature}"
    for token in (tampered, unsigned, shared, swapped, other_key.sign(issuer.claims()), "nonsense", "a.b.c"):
        assert sign_in(token).status_code == 401
        assert who(client) is None
        assert token not in caplog.text
    assert caplog.text.count("company sign-in refused") == 7


def test_people_of_another_domain_are_refused(client, sign_in, settings, caplog):
    settings.SSO_DOMAINS = ["example.com", "example.org"]
    assert sign_in(hd="example.org").status_code == 302
    client.logout()
    for wrong in ("evil.test", None, ["example.com"], ""):
        assert sign_in(hd=wrong).status_code == 401
        assert who(client) is None
    assert caplog.text.count("company sign-in refused: an id token of another domain") == 4


def test_a_token_may_leave_out_the_name_of_its_key_where_there_is_one(client, sign_in, issuer, key, other_key):
    unnamed = jwt.encode(issuer.claims(), key.private, "RS256")
    assert sign_in(unnamed).status_code == 302
    client.logout()
    tokens.keys_at.cache_clear()
    issuer.keys = [key, other_key]
    assert sign_in(unnamed).status_code == 401


def test_a_token_is_taken_once(client, sign_in, issuer, key):
    token = key.sign(issuer.claims(jti="once"))
    assert sign_in(token).status_code == 302
    client.logout()
    assert sign_in(token).status_code == 401


def test_an_answer_without_a_token_is_refused(client, sign_in, issuer):
    issuer.answer = lambda path, form, real=issuer.answer: {
        name: value for name, value in real(path, form).items() if name != "id_token"
    }
    assert sign_in().status_code == 401


@pytest.mark.parametrize("query", [{"code": "a-code"}, {"code": "a-code", "state": "made-up"}, {}])
def test_a_way_back_that_was_not_begun_here_is_refused(client, issuer, key, query):
    issuer.token = key.sign(issuer.claims())
    client.post(START)
    assert client.get(BACK, query).status_code == 401
    assert who(client) is None


def test_a_state_of_another_browser_is_refused(client, issuer, key):
    from django.test import Client

    issuer.token = key.sign(issuer.claims())
    state = parse_qs(urlsplit(Client().post(START)["Location"]).query)["state"][0]
    client.post(START)
    assert client.get(BACK, {"code": "a-code", "state": state}).status_code == 401


def test_cancelling_at_the_issuer_is_said(client):
    state = parse_qs(urlsplit(client.post(START)["Location"]).query)["state"][0]
    answer = client.get(BACK, {"error": "access_denied", "state": state})
    assert "was cancelled there" in text_of(answer)


def test_an_account_with_the_same_address_is_left_as_it_is(client, sign_in):
    ana = make_user("Ana Ruiz", is_superuser=True)
    answer = sign_in()
    assert answer.status_code == 409
    assert "There is an account with your e-mail address here already" in text_of(answer)
    assert who(client) is None
    assert list(get_user_model().objects.all()) == [ana]


def test_a_signed_in_person_cannot_tie_a_foreign_account_to_their_own(client, issuer, key):
    ana = make_user("Ana Ruiz")
    client.force_login(ana)
    issuer.token = key.sign(issuer.claims(email="other@example.com"))
    begun = client.post(START + "?process=connect", {"process": "connect"})
    state = parse_qs(urlsplit(begun["Location"]).query)["state"][0]
    client.get(BACK, {"code": "a-code", "state": state})
    assert who(client).user != ana


def test_who_is_deactivated_stays_out(client, sign_in):
    sign_in(groups=["sales-ops"])
    user = who(client).user
    user.is_active = False
    user.save()
    answer = sign_in(groups=["sales-ops"])
    assert answer.status_code == 403
    assert "Your account here was deactivated." in text_of(answer)
    assert client.get("/numbers/").status_code == 302


def test_another_issuer_does_not_reach_the_accounts_of_this_one(client, sign_in, settings, key):
    from .issuer import running

    sign_in(groups=["sales-ops"])
    first = who(client).user
    with running(key) as other:
        settings.OIDC_ISSUER = other.url
        other.token = key.sign(other.claims(email="evil@example.com"))
        state = parse_qs(urlsplit(client.post(START)["Location"]).query)["state"][0]
        client.get(BACK, {"code": "a-code", "state": state})
    assert who(client).user != first


def test_an_issuer_that_is_away_is_said_on_a_page_of_ours(client, issuer, key, caplog):
    issuer.down = True
    answer = client.post(START)
    assert answer.status_code == 503
    assert "The Acme account cannot be reached at the moment." in text_of(answer)
    issuer.down = False
    state = parse_qs(urlsplit(client.post(START)["Location"]).query)["state"][0]
    issuer.token = key.sign(issuer.claims())
    issuer.down = "/keys"
    assert client.get(BACK, {"code": "a-code", "state": state}).status_code == 503
    assert who(client) is None
    assert "the issuer cannot be used" in caplog.text


def test_a_discovery_document_that_does_not_fit_is_not_followed(client, issuer):
    good = issuer.discovery
    for wrong in ({"issuer": "https://evil.test"}, {"token_endpoint": "http://evil.test/token"}, {"jwks_uri": None}):
        issuer.discovery = good | wrong
        assert client.post(START).status_code == 503


def test_an_authorization_page_elsewhere_is_reached_by_a_page_of_ours(client, issuer):
    issuer.discovery["authorization_endpoint"] = "https://elsewhere.test/authorize"
    answer = client.post(START)
    assert answer.status_code == 200
    assert 'http-equiv="refresh" content="0;url=https://elsewhere.test/authorize?' in answer.content.decode()
