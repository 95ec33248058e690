"""Keys, which are slow to make, once a session; an issuer that is new for each test."""

import pytest

from .issuer import Key, running


@pytest.fixture(scope="session")
def key():
    return Key()


@pytest.fixture(scope="session")
def other_key():
    return Key("other")


@pytest.fixture
def issuer(key):
    with running(key) as issuer:
        yield issuer
