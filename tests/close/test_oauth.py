"""OAuth: what leaves for Close, what comes back, and a token that is replaced while it is used."""

from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from dashboard import close as api
from dashboard.close import AuthenticationError, Client, InvalidRequestError, ServerError, oauth
from tests.close.conftest import BASE

TOKEN_URL = "https://api.close.test/oauth2/token/"
REVOKE_URL = "https://api.close.test/oauth2/revoke/"
GIVEN = {
    "token_type": "Bearer",
    "access_token": "access-canary-1",
    "refresh_token": "refresh-canary-1",
    "expires_in": 3600,
    "scope": "all.full_access offline_access",
    "organization_id": "orga_1",
    "user_id": "user_ada",
}


@pytest.fixture
def application():
    return oauth.Application(
        app_origin="https://app.close.test",
        api_url=BASE,
        redirect_uri="https://phones.example.com/connection/callback/",
        client_id="oa2client_1",
        client_secret="secret-canary",
    )


def sent(close):
    request = close.calls[-1].request
    assert "Authorization" not in request.headers
    return dict(parse_qsl(request.body.decode() if isinstance(request.body, bytes) else request.body))


def test_a_person_is_sent_to_close_with_a_state(application):
    url = urlsplit(oauth.authorize_url(application, state="a state"))
    assert (url.scheme, url.netloc, url.path) == ("https", "app.close.test", "/oauth2/authorize/")
    assert parse_qs(url.query) == {
        "client_id": ["oa2client_1"],
        "response_type": ["code"],
        "scope": ["all.full_access offline_access"],
        "redirect_uri": ["https://phones.example.com/connection/callback/"],
        "state": ["a state"],
    }


def test_a_code_becomes_a_grant(application, close):
    close.post(TOKEN_URL, json=GIVEN)
    grant = oauth.exchange(application, code="code-1")
    assert sent(close) == {
        "client_id": "oa2client_1",
        "client_secret": "secret-canary",
        "grant_type": "authorization_code",
        "code": "code-1",
        "redirect_uri": "https://phones.example.com/connection/callback/",
    }
    assert (grant.access_token, grant.refresh_token, grant.lifetime) == ("access-canary-1", "refresh-canary-1", 3600)
    assert (grant.organization_id, grant.user_id) == ("orga_1", "user_ada")
    assert "canary" not in repr(grant) + repr(application)


def test_a_refresh_token_becomes_the_next_pair(application, close):
    close.post(TOKEN_URL, json=GIVEN | {"expires_in": "soon"})
    grant = oauth.refresh(application, refresh_token="refresh-canary-0")
    assert sent(close)["grant_type"] == "refresh_token"
    assert sent(close)["refresh_token"] == "refresh-canary-0"
    assert grant.lifetime == oauth.LIFETIME


@pytest.mark.parametrize("missing", ["access_token", "refresh_token"])
def test_an_answer_without_a_token_is_of_no_use(application, close, missing):
    close.post(TOKEN_URL, json={key: value for key, value in GIVEN.items() if key != missing})
    with pytest.raises(ServerError, match=missing):
        oauth.refresh(application, refresh_token="refresh-canary-0")


def test_a_refusal_quotes_no_secret_and_is_asked_once(application, close):
    words = "refresh-canary-0 of oa2client_1 with secret-canary is unknown"
    close.post(TOKEN_URL, json={"error": "invalid_grant", "error_description": words}, status=400)
    with pytest.raises(InvalidRequestError) as caught:
        oauth.refresh(application, refresh_token="refresh-canary-0")
    assert len(close.calls) == 1
    assert "invalid_grant" in caught.value.log
    assert "canary" not in caught.value.screen + caught.value.log + repr(vars(caught.value))


@pytest.mark.parametrize("body", ["", "{}", "OK"])
def test_what_close_says_to_a_revocation_does_not_matter(application, close, body):
    close.post(REVOKE_URL, body=body)
    oauth.revoke(application, refresh_token="refresh-canary-1")
    assert sent(close)["token"] == "refresh-canary-1"


def test_a_revocation_that_fails_is_an_error(application, close):
    close.post(REVOKE_URL, status=503)
    with pytest.raises(ServerError):
        oauth.revoke(application, refresh_token="refresh-canary-1")


# --- a token that is replaced while it is used -----------------------------------------------------


class Renewer:
    """Has these tokens to give, one after another, and remembers for what it was asked."""

    def __init__(self, *tokens):
        self.tokens = list(tokens)
        self.asked = []

    def __call__(self, used, writing):
        self.asked.append((used, writing))
        return self.tokens.pop(0) if self.tokens else None


def bearers(close):
    return [call.request.headers["Authorization"] for call in close.calls]


def test_a_token_that_close_refuses_is_replaced_and_the_request_sent_once_more(close):
    renew = Renewer("access-canary-2")
    client = Client(BASE, access_token="access-canary-1", renew=renew)
    close.get(f"{BASE}/me/", status=401)
    close.get(f"{BASE}/me/", json={"id": "user_ada"})
    api.me(client)
    api.me(client)
    assert bearers(close) == ["Bearer access-canary-1", "Bearer access-canary-2", "Bearer access-canary-2"]
    assert renew.asked == [("access-canary-1", False)]


def test_a_change_is_sent_once_more_only_with_another_token(close, number):
    url = f"{BASE}/phone_number/{number['id']}/"
    renew = Renewer("access-canary-2")
    client = Client(BASE, access_token="access-canary-1", renew=renew)
    close.put(url, status=401)
    close.put(url, json=number)
    api.update_phone_number(client, number["id"], {"label": "x"})
    assert len(close.calls) == 2
    assert renew.asked == [("access-canary-1", True)]


def test_without_another_token_the_refusal_stands(close):
    renew = Renewer()
    close.get(f"{BASE}/me/", status=401)
    with pytest.raises(AuthenticationError):
        api.me(Client(BASE, access_token="access-canary-1", renew=renew))
    assert len(close.calls) == 1


def test_a_second_refusal_stands(close):
    close.get(f"{BASE}/me/", status=401, json={"error": "access-canary-2 is no good"})
    with pytest.raises(AuthenticationError) as caught:
        api.me(Client(BASE, access_token="access-canary-1", renew=Renewer("access-canary-2", "access-canary-3")))
    assert len(close.calls) == 2
    assert "canary" not in caught.value.log + caught.value.screen


def test_a_key_is_not_replaced(close):
    renew = Renewer("access-canary-2")
    close.get(f"{BASE}/me/", status=401)
    with pytest.raises(AuthenticationError):
        api.me(Client(BASE, api_key="api_of_somebody", renew=renew))
    assert renew.asked == []
