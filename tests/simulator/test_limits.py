"""Rate limits: per endpoint group, for a key and, three times as high, for the organisation."""

import re

import pytest
import requests

from dashboard.simulator import DEMO_KEY, DEMO_TOKEN, Organisation, Simulator
from dashboard.simulator.limits import Limiter

HEADER = re.compile(r"limit=(\d+), remaining=(\d+), reset=(\d+\.\d+)")


def test_every_answer_says_where_the_caller_stands(call, sim, shared):
    sim.limit(10, window=3600)

    for place in range(3):
        limit, remaining, reset = HEADER.fullmatch(call.get("phone_number/").headers["RateLimit"]).groups()
        assert (limit, remaining) == ("10", str(9 - place))
        assert 0 < float(reset) <= 3600
    assert HEADER.fullmatch(call.put(shared["id"], nonsense=1).headers["RateLimit"]).group(2) == "9"
    assert HEADER.fullmatch(call.request("GET", f"{sim.url}/me/", auth=("x", "")).headers["RateLimit"])


def test_over_the_limit_is_429_and_nothing_is_done(call, sim, org, shared):
    sim.limit(1, window=3600)
    assert call.put(shared["id"], label="first").status_code == 200
    answer = call.put(shared["id"], label="second")

    assert answer.status_code == 429
    assert set(answer.json()) == {"error"}
    _, remaining, reset = HEADER.fullmatch(answer.headers["RateLimit"]).groups()
    assert remaining == "0"
    assert 0 <= int(answer.headers["retry-after"]) - float(reset) <= 1
    assert org.numbers[shared["id"]]["label"] == "first"
    assert sim.puts(committed=False) == [(shared["id"], {"label": "second"})]


def test_groups_are_the_method_and_the_first_part_of_the_path(call, sim, shared):
    sim.limit(1, window=3600)

    assert call.get("phone_number/").status_code == 200
    assert call.get(f"phone_number/{shared['id']}/").status_code == 429
    assert call.put(shared["id"], label="x").status_code == 200
    assert call.get("user/").status_code == 200


def test_a_new_limit_is_counted_from_the_start(call, sim):
    sim.limit(1, window=3600)
    call.get("me/")
    assert call.get("me/").status_code == 429

    sim.limit(2, window=3600)
    assert [call.get("me/").status_code for _ in range(3)] == [200, 200, 429]


@pytest.fixture
def clock():
    return [1000.25]


def test_a_window_ends_on_time(clock):
    limiter = Limiter(2, 1.0, lambda: clock[0])
    standings = [limiter.count("GET me", "key") for _ in range(3)]

    assert [standing.allowed for standing in standings] == [True, True, False]
    assert [standing.header for standing in standings] == [
        "limit=2, remaining=1, reset=0.750",
        "limit=2, remaining=0, reset=0.750",
        "limit=2, remaining=0, reset=0.750",
    ]
    clock[0] += standings[-1].reset
    assert limiter.count("GET me", "key").allowed


def test_the_organisation_has_three_times_the_limit_of_a_key(clock):
    limiter = Limiter(2, 1.0, lambda: clock[0])
    for key in "abc":
        assert [limiter.count("GET me", key).allowed for _ in range(3)] == [True, True, False]

    refused = limiter.count("GET me", "d")
    assert (refused.allowed, refused.limit) == (False, 6)
    assert limiter.count("PUT me", "d").allowed


def test_key_and_token_are_counted_apart():
    organisation = Organisation.make(numbers=1, members=1)
    with Simulator(organisation, rate_limit=1, window=3600) as sim, requests.Session() as session:
        url = f"{sim.url}/me/"
        assert session.get(url, auth=(DEMO_KEY, "")).status_code == 200
        assert session.get(url, headers={"Authorization": f"Bearer {DEMO_TOKEN}"}).status_code == 200
        assert session.get(url, auth=(DEMO_KEY, "")).status_code == 429
