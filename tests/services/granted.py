"""A way to Close that was given on the page, as the tests give it."""

import re

import pytest
import requests
from cryptography.fernet import Fernet
from django.utils import timezone

from dashboard import access
from dashboard.models import Credential
from dashboard.services import connecting, credentials
from dashboard.simulator import DEMO_CLIENT

FIELD_KEY = Fernet.generate_key().decode()
((CLIENT, SECRET),) = DEMO_CLIENT.items()


@pytest.fixture
def bare(transactional_db, sim, settings):
    """Nothing in the environment: the way to Close is what is given on the page."""
    settings.CLOSE_API_KEY = ""
    settings.FIELD_KEYS = [FIELD_KEY]
    settings.CLOSE_OAUTH_CLIENT_ID, settings.CLOSE_OAUTH_CLIENT_SECRET = CLIENT, SECRET
    return sim


@pytest.fixture
def actor(bare, ops):
    return access.person(ops)


def code_of(sim):
    """Allow closephones in Close, as a person does; the code with which they come back."""
    url = connecting.ask_for_leave(state="s")
    answer = requests.post(url, data={"decision": "allow"}, timeout=5, allow_redirects=False)
    return re.search("code=([^&]+)", answer.headers["Location"])[1]


@pytest.fixture
def connected(bare, actor):
    """Connected by OAuth; what was asked until then is not in the journal any more."""
    connecting.by_oauth(actor=actor, code=code_of(bare))
    bare.journal.clear()
    return bare


def refreshes(sim):
    return [entry for entry in sim.journal if entry.path == "/oauth2/token/"]


def let_it_end():
    """The access token is about to end, as far as we know."""
    Credential.objects.update(access_ends_at=timezone.now())


def token():
    return credentials.current().access_token
