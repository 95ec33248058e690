"""The page Connection: what an ops admin reads there, and connecting by OAuth and by key."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import requests
import time_machine
from cryptography.fernet import Fernet
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from dashboard.models import Change, Connection, Credential, Outcome, PhoneNumber, Plan, Standing
from dashboard.services import credentials, sync
from dashboard.simulator import DEMO_CLIENT, DEMO_KEY

from ..conftest import signed_in
from ..reading import text_of

((CLIENT, SECRET),) = DEMO_CLIENT.items()
FIELD_KEY = Fernet.generate_key().decode()


@pytest.fixture
def bare(transactional_db, sim, settings):
    """Nothing in the environment: the way to Close is what is given on the page."""
    settings.CLOSE_API_KEY = ""
    settings.FIELD_KEYS = [FIELD_KEY]
    settings.CLOSE_OAUTH_CLIENT_ID, settings.CLOSE_OAUTH_CLIENT_SECRET = CLIENT, SECRET
    return sim


def page_of(client):
    return text_of(client.get("/connection/"))


def begin(client):
    """Press the button; where in Close it leads."""
    response = client.post("/connection/begin/")
    assert response.status_code == 303
    return response["Location"]


def in_close(url, decision="allow"):
    """Decide on Close's page; the query with which one comes back."""
    answer = requests.post(url, data={"decision": decision}, timeout=5, allow_redirects=False)
    parts = urlsplit(answer.headers["Location"])
    assert parts.path == reverse("connection-callback")
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


def connect(client):
    response = client.get("/connection/callback/", in_close(begin(client)))
    assert (response.status_code, response["Location"]) == (302, "/connection/")


def says(client):
    """The message line of the next page."""
    return page_of(client)


def test_connecting_by_oauth(bare, ops_client):
    assert "Not connected" in page_of(ops_client)
    connect(ops_client)
    text = page_of(ops_client)
    assert "closephones is connected to Close, and reads it now." in text
    assert f"Organisation {bare.organisation.name} Acts as Marta Klein" in text
    stored = credentials.stored_credential()
    assert f"access allowed in Close (OAuth), ends in {stored.access_token[-4:]}" in text
    assert DBTaskResult.objects.filter(task_path="dashboard.tasks.refresh").count() == 1


def test_nothing_secret_is_on_the_page(bare, ops_client):
    connect(ops_client)
    stored, html = credentials.stored_credential(), ops_client.get("/connection/").content.decode()
    for secret in (stored.access_token, stored.refresh_token, SECRET, FIELD_KEY):
        assert secret not in html
        assert secret[:-4] not in html


def test_connecting_by_key(bare, ops_client):
    response = ops_client.post("/connection/key/", {"api_key": f" {DEMO_KEY} "})
    assert response.status_code == 303
    text = page_of(ops_client)
    assert "an API key that was entered here, ends in demo" in text
    assert credentials.current() == credentials.Key(api_key=DEMO_KEY)


@pytest.mark.parametrize("wrong", ["", "two words", "ключ", "x" * 501, "a\nb"])
def test_what_is_no_key_is_not_asked(bare, ops_client, wrong):
    response = ops_client.post("/connection/key/", {"api_key": wrong})
    assert response.status_code == 422
    assert "This is no key." in text_of(response)
    assert bare.journal == []


def test_a_key_that_close_refuses_is_not_stored_and_not_shown_again(bare, ops_client):
    response = ops_client.post("/connection/key/", {"api_key": "api_canary_of_somebody"})
    assert response.status_code == 422
    assert "Close does not accept this key." in text_of(response)
    assert b"api_canary" not in response.content
    assert not Credential.objects.exists()


def test_a_key_of_another_organisation_is_refused_in_words(bare, ops_client):
    Connection.note(organization_id="orga_ours", organization_name="Ours Ltd")
    response = ops_client.post("/connection/key/", {"api_key": DEMO_KEY})
    assert response.status_code == 422
    words = f"The key belongs to the Close organisation {bare.organisation.name}, but this database holds Ours Ltd."
    assert words in text_of(response)
    assert "Nothing was stored." in text_of(response)


# --- coming back from Close ----------------------------------------------------------------------


def test_it_was_denied(bare, ops_client):
    ops_client.get("/connection/callback/", in_close(begin(ops_client), "deny"))
    assert "because it was not allowed there. Nothing has changed." in says(ops_client)
    assert not Credential.objects.exists()


def test_an_answer_that_nobody_asked_for(bare, ops_client, ops):
    """Whoever is sent a link with a stranger's code connects nothing with it; their own connecting goes on."""
    mine = in_close(begin(ops_client))
    theirs = in_close(begin(signed_in(ops)))
    for query in (theirs, {"code": theirs["code"]}, {**theirs, "state": ""}, {}):
        ops_client.get("/connection/callback/", query)
        assert "belongs to nothing that was begun here" in says(ops_client)
    assert not Credential.objects.exists()
    ops_client.get("/connection/callback/", mine)
    assert Credential.objects.exists()


def test_an_answer_is_good_once_and_not_for_ever(bare, ops_client):
    query = in_close(begin(ops_client))
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        ops_client.get("/connection/callback/", query)
        assert "That took too long" in says(ops_client)
    ops_client.get("/connection/callback/", query)
    assert "belongs to nothing that was begun here" in says(ops_client)
    assert not Credential.objects.exists()


def test_the_question_holds_no_secret_and_ties_the_answer_to_this_session(bare, ops_client):
    query = parse_qs(urlsplit(begin(ops_client)).query)
    assert set(query) == {"client_id", "response_type", "scope", "redirect_uri", "state"}
    assert query["redirect_uri"] == [credentials.application().redirect_uri]
    assert len(query["state"][0]) > 40


# --- what the page says ----------------------------------------------------------------------------


def test_the_environment_goes_first_and_the_page_says_so(synced, ops_client, settings):
    settings.FIELD_KEYS = [FIELD_KEY]
    text = page_of(ops_client)
    assert "the key of the environment ( CLOSE_API_KEY ), ends in demo" in text
    assert "CLOSE_API_KEY is set where closephones runs, and goes before" in text
    response = ops_client.post("/connection/key/", {"api_key": DEMO_KEY})
    assert response.status_code == 422
    assert "so nothing is connected here" in text_of(response)


def test_without_field_keys_it_says_that_nothing_can_be_stored(bare, ops_client, settings):
    settings.FIELD_KEYS = []
    assert "FIELD_KEYS is not set, so a key or a token could not be stored encrypted" in page_of(ops_client)


def test_without_an_application_only_a_key_can_be_entered(bare, ops_client, settings):
    settings.CLOSE_OAUTH_CLIENT_ID = ""
    html = ops_client.get("/connection/").content.decode()
    assert 'id="begin"' not in html
    assert 'id="api-key"' in html
    assert ops_client.post("/connection/begin/").status_code == 422


def test_what_it_may_lacks_and_may_beyond_need(synced, ops_client):
    Connection.note(permissions=["calling", "delete_leads", "manage_group_numbers", "fly_to_moon"])
    text = page_of(ops_client)
    assert "Manage Team Phone Numbers This is all that closephones needs." in text
    assert "Beyond that, Marta Klein can also delete leads, fly to moon and make calls." in text
    Connection.note(permissions=["manage_team_phone_numbers"])
    assert "It can do nothing beyond that." in page_of(ops_client)
    Connection.note(permissions=[])
    assert "Marta Klein lacks this permission" in page_of(ops_client)


def test_the_limit_last_seen(synced, ops_client):
    assert Standing.objects.exists()
    Standing.objects.update(limit=20, remaining=13, group="GET phone_number")
    assert "13 of 20 requests left, for GET phone_number , just now" in page_of(ops_client)


def test_a_refused_connection_shows_what_waits_before_it_goes_on(bare, ops_client, viewer_client):
    connect(ops_client)
    sync.sync()
    now = timezone.now()
    plan = Plan.objects.create(intent=uuid4(), source="bulk", author_name="Priya Nair", created_at=now)
    number = PhoneNumber.objects.all()[0]
    Change.objects.create(plan=plan, number=number, state=Outcome.PENDING, created_at=now)
    bare.forget_grants()
    with time_machine.travel(now + timedelta(hours=2)), pytest.raises(Exception, match="invalid_grant"):
        sync.sync()

    text = page_of(ops_client)
    assert "What is waiting Nothing is changed in Close until the connection works again" in text
    assert "Close is asked once a minute at most" in text
    assert "Many at once, by Priya Nair 1 change, just now" in text
    html = ops_client.get("/numbers/").content.decode()
    assert '<a class="btn btn-sm" href="/connection/">Reconnect</a>' in html
    with override_settings(CLOSE_API_KEY="api_env"):
        assert (
            '<a class="btn btn-sm" href="/connection/">Look at it</a>' in ops_client.get("/numbers/").content.decode()
        )
    html = viewer_client.get("/numbers/").content.decode()
    assert "Close no longer accepts that closephones is connected" in html
    assert "/connection/" not in html

    connect(ops_client)
    assert "Connected" in page_of(ops_client)
    assert Connection.load().problem == ""


def test_disconnecting(bare, ops_client):
    connect(ops_client)
    assert ops_client.post("/connection/disconnect/").status_code == 303
    text = page_of(ops_client)
    assert "closephones is disconnected from Close." in text
    assert "Marta Klein disconnected closephones from Close." in text
    assert bare.grants.grants == []


def test_disconnecting_while_close_is_away(bare, ops_client):
    connect(ops_client)
    bare.fault("503")
    ops_client.post("/connection/disconnect/")
    assert "Close could not be told" in says(ops_client)
    assert not Credential.objects.exists()


def test_while_close_is_away_it_does_not_say_that_all_is_well(synced, ops_client):
    Connection.note(away_since=timezone.now())
    page = text_of(ops_client.get("/connection/"))
    assert "Connection to Close Close is away" in page
