"""Who may ask at all."""

import pytest
import requests

from dashboard.simulator import DEMO_KEY, DEMO_TOKEN, Organisation, Simulator


def ask(sim, **headers):
    return requests.get(f"{sim.url}/me/", headers=headers, timeout=5)


def basic(user, password=""):
    return {"Authorization": requests.auth._basic_auth_str(user, password)}


def test_a_known_key_with_an_empty_password(sim):
    assert ask(sim, **basic(DEMO_KEY)).status_code == 200


def test_a_known_access_token(sim):
    assert ask(sim, Authorization=f"Bearer {DEMO_TOKEN}").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("api_other"),
        basic(DEMO_KEY, "secret"),
        {"Authorization": "Basic %%%"},
        {"Authorization": f"Bearer {DEMO_KEY}"},
        {"Authorization": "Bearer "},
        {"Authorization": DEMO_KEY},
    ],
)
def test_anybody_else_is_401(sim, headers):
    answer = ask(sim, **headers)

    assert answer.status_code == 401
    assert answer.json() == {"error": "Unauthorized"}


def test_strangers_do_not_learn_what_there_is(sim):
    assert requests.get(f"{sim.url}/nonsense/", timeout=5).status_code == 401


def test_more_keys_can_be_known():
    with Simulator(Organisation.make(numbers=1, members=1), keys=["api_one", "api_two"]) as sim:
        assert ask(sim, **basic("api_one")).status_code == 200
        assert ask(sim, **basic("api_two")).status_code == 200
        assert ask(sim, **basic(DEMO_KEY)).status_code == 401


def test_the_journal_says_with_which_key(sim):
    ask(sim, **basic(DEMO_KEY))
    ask(sim)

    assert [entry.key for entry in sim.journal] == [DEMO_KEY, None]
