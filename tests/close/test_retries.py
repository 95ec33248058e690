"""What is tried again, how often, and how long a person may be kept waiting for it."""

import pytest
import requests

from dashboard import close as api
from dashboard.close import (
    Client,
    CloseError,
    ConnectionFailedError,
    InvalidRequestError,
    LocalPacer,
    RateLimitError,
    ServerError,
)
from dashboard.close.client import wait_before_retry
from tests.close.conftest import BASE, KEY

GOOD = {"json": {"id": "user_ada"}}
AWAY = requests.exceptions.ConnectionError()
SOON = {"status": 429, "headers": {"RateLimit": "limit=100, remaining=0, reset=0.4", "Retry-After": "1"}}


def answers(close, *several):
    for answer in several:
        close.get(f"{BASE}/me/", **answer)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_a_read_is_tried_three_times_with_growing_waits(client, close, clock, status):
    answers(close, {"status": status}, {"status": status}, GOOD)
    assert api.me(client).id == "user_ada"
    assert clock.sleeps == [0.5, 1.0]


@pytest.mark.parametrize("answer", [{"status": 503}, {"body": AWAY}, {"body": "<html>"}], ids=str)
def test_after_three_tries_the_error_is_raised(client, close, answer):
    answers(close, answer)
    with pytest.raises(CloseError):
        api.me(client)
    assert len(close.calls) == 3


def test_lost_connections_are_tried_again(client, close):
    answers(close, {"body": AWAY}, {"body": requests.exceptions.ReadTimeout()}, GOOD)
    assert api.me(client).id == "user_ada"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 301, 501])
def test_what_another_try_cannot_change_is_not_tried_again(client, close, status):
    answers(close, {"status": status})
    with pytest.raises(CloseError):
        api.me(client)
    assert len(close.calls) == 1


@pytest.mark.parametrize("answer", [{"status": 429}, {"status": 503}, {"status": 500}, {"body": AWAY}], ids=str)
def test_a_write_is_sent_once(client, close, clock, answer):
    close.put(f"{BASE}/phone_number/phon_a/", **answer)
    with pytest.raises(CloseError):
        api.update_phone_number(client, "phon_a", {"label": "x"})
    assert len(close.calls) == 1
    assert clock.sleeps == []


def test_after_a_429_a_read_waits_for_the_reset_and_goes_on(client, close, clock):
    answers(close, SOON, GOOD)
    assert api.me(client).id == "user_ada"
    assert clock.sleeps == [pytest.approx(0.45)]


def test_nobody_waits_long_in_front_of_a_page(client, close, clock):
    answers(close, {"status": 429, "headers": {"Retry-After": "30"}})
    with pytest.raises(RateLimitError) as caught:
        api.me(client)
    assert "Try again in 31 seconds." in caught.value.screen
    assert (len(close.calls), clock.sleeps) == (1, [])


def test_background_work_has_more_patience(close, clock):
    pacer = LocalPacer(clock=clock, sleep=clock.sleep)
    client = Client(BASE, api_key=KEY, background=True, sleep=clock.sleep, pacer=pacer)
    answers(close, {"status": 429, "headers": {"Retry-After": "30"}}, GOOD)
    assert api.me(client).id == "user_ada"
    assert sum(clock.sleeps) == pytest.approx(30.05)


def test_all_waits_together_stay_within_the_patience(close, clock):
    client = Client(
        BASE, api_key=KEY, patience=3.0, sleep=clock.sleep, pacer=LocalPacer(clock=clock, sleep=clock.sleep)
    )
    answers(close, {"status": 429, "headers": {"Retry-After": "2"}}, {"status": 429, "headers": {"Retry-After": "2"}})
    with pytest.raises(RateLimitError):
        api.me(client)
    assert len(close.calls) == 2
    assert sum(clock.sleeps) <= 3.0


def test_after_a_429_other_requests_to_that_group_wait_and_others_do_not(client, close, clock):
    close.put(f"{BASE}/phone_number/phon_a/", status=429, headers={"Retry-After": "2"})
    answers(close, GOOD)
    with pytest.raises(RateLimitError):
        api.update_phone_number(client, "phon_a", {"label": "x"})
    api.me(client)
    assert clock.sleeps == []
    close.put(f"{BASE}/phone_number/phon_b/", json={"id": "phon_b", "number": "+14155550142"})
    api.update_phone_number(client, "phon_b", {"label": "x"})
    assert clock.sleeps == [pytest.approx(2.05)]


def test_a_503_that_says_when_is_not_asked_earlier(client, close, clock):
    answers(close, {"status": 503, "headers": {"Retry-After": "3"}}, GOOD)
    api.me(client)
    assert clock.sleeps == [3.0]


@pytest.mark.parametrize(
    ("method", "error", "tries", "patience", "wait"),
    [
        ("GET", ServerError(status=500), 1, 5.0, 0.5),
        ("GET", ServerError(status=500), 2, 5.0, 1.0),
        ("GET", ServerError(status=500), 3, 5.0, None),
        ("GET", ServerError(status=500), 1, 0.4, None),
        ("GET", ServerError(status=200), 1, 5.0, 0.5),
        ("GET", ServerError(status=501), 1, 5.0, None),
        ("GET", ServerError(status=302), 1, 5.0, None),
        ("GET", ServerError(status=503, retry_after=60.0), 1, 5.0, None),
        ("GET", ConnectionFailedError(), 1, 5.0, 0.5),
        ("GET", RateLimitError(2.0, status=429), 1, 5.0, 2.0),
        ("GET", RateLimitError(2.0, status=429), 1, 1.0, None),
        ("GET", RateLimitError(2.0), 1, 5.0, None),
        ("GET", InvalidRequestError({}, [], status=400), 1, 5.0, None),
        ("PUT", ServerError(status=500), 1, 5.0, None),
        ("PUT", ConnectionFailedError(sent=False), 1, 5.0, None),
        ("POST", RateLimitError(0.1, status=429), 1, 5.0, None),
        ("DELETE", ServerError(status=503), 1, 5.0, None),
    ],
)
def test_the_decision_to_try_again(method, error, tries, patience, wait):
    assert wait_before_retry(method, error, tries, patience) == wait
