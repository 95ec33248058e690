"""Requests that a test holds."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from dashboard.simulator import DEMO_KEY, Organisation, Simulator


@pytest.fixture
def pool(sim):
    with ThreadPoolExecutor(2) as executor:
        yield executor
        sim.release()


def test_a_held_put_is_in_the_journal_and_not_done_until_it_is_released(call, sim, org, shared, pool):
    sim.hold("PUT", "/phone_number/")
    answer = pool.submit(call.put, shared["id"], label="x")
    sim.wait_until_held(5)

    assert sim.puts() == [(shared["id"], {"label": "x"})]
    assert org.numbers[shared["id"]] == shared
    assert not answer.done()

    sim.release()
    assert answer.result(5).json()["label"] == "x"


def test_a_put_can_be_held_after_its_work(call, sim, org, shared, pool):
    sim.hold("PUT", "phone_number/", after_commit=True)
    answer = pool.submit(call.put, shared["id"], label="x")
    sim.wait_until_held(5)

    assert org.numbers[shared["id"]]["label"] == "x"
    assert sim.puts(committed=True)
    assert not answer.done()

    sim.release()
    assert answer.result(5).status_code == 200


def test_what_is_not_meant_goes_through(call, sim, shared, pool):
    sim.hold("PUT", f"phone_number/{shared['id']}/")

    assert call.get(f"phone_number/{shared['id']}/").status_code == 200
    assert call.put("phon_nothing", label="x").status_code == 404


def test_waiting_in_vain_says_so(sim):
    sim.hold("PUT")
    with pytest.raises(TimeoutError, match="0 of 1 requests"):
        sim.wait_until_held(0.01)


def test_stopping_hangs_up_on_what_is_held_and_does_not_do_it():
    organisation = Organisation.make(numbers=1, members=1)
    (number,) = organisation.numbers.values()
    with ThreadPoolExecutor(1) as executor:
        with Simulator(organisation) as sim:
            sim.hold("PUT")
            url = f"{sim.url}/phone_number/{number['id']}/"
            answer = executor.submit(requests.put, url, json={"label": "x"}, auth=(DEMO_KEY, ""), timeout=5)
            sim.wait_until_held(5)
        with pytest.raises(requests.ConnectionError):
            answer.result(5)
    assert organisation.numbers[number["id"]]["label"] == number["label"]
