"""A company whose people sign in by SAML, and one of them at a browser."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from dashboard.models import Event, Group, Kind

from ..reading import text_of, who
from . import saml_idp
from .saml_idp import IdentityProvider, packed

START, ANSWER, FINISH = "/accounts/saml/login/", "/accounts/saml/answer/", "/accounts/saml/finish/"


@pytest.fixture(scope="session")
def idp(key):
    return IdentityProvider(key.private)


@pytest.fixture(scope="session")
def metadata(idp, tmp_path_factory):
    path = tmp_path_factory.mktemp("saml") / "metadata.xml"
    path.write_bytes(idp.metadata())
    return path


@pytest.fixture(autouse=True)
def company(metadata, settings):
    """A company with an account of its own and a map of roles."""
    settings.SAML_METADATA, settings.SAML_NAME = str(metadata), "the Acme account"
    settings.SSO_ROLE_MAP = {"sales-ops": "ops_admin", "leads": "team_lead:EMEA", "everyone-sales": "viewer:*"}
    Group.objects.create(close_id="group_emea", name="EMEA")


def begin(client, next_url=""):
    """Begin to sign in; the ID of the question that the browser takes to the provider."""
    begun = client.post(START, {"next": next_url})
    assert begun.status_code == 200, begun.content
    address = re.search(r'href="(https://login[^"]+)"', begun.content.decode()).group(1).replace("&amp;", "&")
    return saml_idp.question_in(address).get("ID")


def bring(client, answer):
    """Bring an answer as a browser does it: from another site, so without cookies; then go on with them."""
    came = Client().post(ANSWER, {"SAMLResponse": answer if isinstance(answer, str) else packed(answer)})
    return client.get(came["Location"]) if came.status_code == 302 else came


@pytest.fixture
def sign_in(idp, client):
    """Go through the whole of it with an answer that has these facts changed; returns the last page."""

    def through(*, next_url="", **changes):
        return bring(client, idp.answer(begin(client, next_url), **changes))

    return through


def refused(client, answer, reason, caplog):
    """Nobody came in; page, log and history say why."""
    assert answer.status_code == 401
    assert f"Not accepted: {reason}." in text_of(answer)
    assert who(client) is None
    assert not get_user_model().objects.exists()
    assert f"company sign-in refused: {reason}" in caplog.text
    event = Event.objects.get(kind=Kind.REFUSED)
    assert (event.way, event.words) == ("the Acme account", f"Not accepted: {reason}.")
