"""Close's side of OAuth: who is asked, what is given, and for how long it is good."""

from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from dashboard.simulator import DEMO_CLIENT

((CLIENT, SECRET),) = DEMO_CLIENT.items()
BACK = "http://127.0.0.1:8000/connection/callback/"


class Application:
    """Speaks OAuth as closephones does, by hand."""

    def __init__(self, sim):
        self.sim = sim

    def authorize(self, decision="allow", **other):
        query = {"client_id": CLIENT, "response_type": "code", "redirect_uri": BACK, "state": "s"} | other
        url = f"{self.sim.origin}/oauth2/authorize/"
        page = requests.get(url, params=query, timeout=5)
        if page.status_code != 200:
            return page
        return requests.post(url, params=query, data={"decision": decision}, timeout=5, allow_redirects=False)

    def code(self):
        return dict(parse_qsl(urlsplit(self.authorize().headers["Location"]).query))["code"]

    def post(self, what="token", **fields):
        form = {"client_id": CLIENT, "client_secret": SECRET} | fields
        return requests.post(f"{self.sim.origin}/oauth2/{what}/", data=form, timeout=5)

    def connect(self):
        return self.post(grant_type="authorization_code", code=self.code()).json()

    def refresh(self, token):
        return self.post(grant_type="refresh_token", refresh_token=token)

    def may_ask(self, given):
        headers = {"Authorization": f"Bearer {given['access_token']}"}
        return requests.get(f"{self.sim.url}/me/", headers=headers, timeout=5).status_code == 200


@pytest.fixture
def app(sim):
    return Application(sim)


def test_a_person_allows_it_and_is_sent_back_with_a_code_and_the_state(app):
    answer = app.authorize()
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{BACK}?state=s&code=code_")


def test_a_person_denies_it(app):
    assert app.authorize("deny").headers["Location"] == f"{BACK}?state=s&error=access_denied"


@pytest.mark.parametrize(
    "wrong",
    [{"client_id": "other"}, {"response_type": "token"}, {"redirect_uri": "https://elsewhere.example.com/"}],
)
def test_a_wrong_question_is_refused(app, wrong):
    assert app.authorize(**wrong).status_code == 400


def test_a_code_gives_tokens_once(app, org):
    code = app.code()
    given = app.post(grant_type="authorization_code", code=code).json()
    assert (given["token_type"], given["expires_in"]) == ("Bearer", 3600)
    assert given["scope"] == "all.full_access offline_access"
    assert (given["organization_id"], given["user_id"]) == (org.id, org.me["id"])
    assert app.may_ask(given)
    assert app.post(grant_type="authorization_code", code=code).status_code == 400


def test_a_refresh_token_is_good_once_and_ends_the_access_token(app):
    first = app.connect()
    second = app.refresh(first["refresh_token"]).json()
    assert app.may_ask(second)
    assert not app.may_ask(first)
    again = app.refresh(first["refresh_token"])
    assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})
    assert app.refresh(second["refresh_token"]).status_code == 200


def test_an_access_token_ends_and_the_refresh_token_stays(app, sim):
    given = app.connect()
    sim.end_access_tokens()
    assert not app.may_ask(given)
    assert app.may_ask(app.refresh(given["refresh_token"]).json())


def test_what_is_revoked_is_gone(app):
    given, other = app.connect(), app.connect()
    assert app.post("revoke", token=given["refresh_token"]).status_code == 200
    assert not app.may_ask(given)
    assert app.refresh(given["refresh_token"]).status_code == 400
    assert app.may_ask(other)


def test_all_is_taken_back_from_another_process(app, call):
    given = app.connect()
    call.control("forget-grants")
    assert not app.may_ask(given)


@pytest.mark.parametrize("wrong", [{"client_secret": "x"}, {"client_id": "x"}])
def test_another_application_gets_nothing(app, wrong):
    answer = app.post(grant_type="authorization_code", code=app.code(), **wrong)
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})
    assert app.post(grant_type="password").json() == {"error": "unsupported_grant_type"}


def test_faults_and_the_journal_know_of_it(app, sim):
    given = app.connect()
    sim.journal.clear()
    sim.fault("503", path="/oauth2/token/", times=1)
    assert app.refresh(given["refresh_token"]).status_code == 503
    assert app.refresh(given["refresh_token"]).status_code == 200
    assert [(entry.method, entry.path, entry.status) for entry in sim.journal] == [
        ("POST", "/oauth2/token/", 503),
        ("POST", "/oauth2/token/", 200),
    ]
