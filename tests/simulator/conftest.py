"""One simulator for these tests, fresh for each of them, and a caller that knows its key."""

import pytest
import requests

from dashboard.simulator import DEMO_KEY, Organisation, Simulator


class Caller(requests.Session):
    """Speaks to the simulator: `get("phone_number/")`, `put("phone_number/…/", label="…")`, `control("hide", …)`."""

    def __init__(self, simulator):
        super().__init__()
        self.simulator = simulator
        self.auth = (DEMO_KEY, "")

    def get(self, path, timeout=5, **query):
        return self.request("GET", f"{self.simulator.url}/{path}", params=query, timeout=timeout)

    def put(self, number_id, timeout=5, **fields):
        return self.request("PUT", f"{self.simulator.url}/phone_number/{number_id}/", json=fields, timeout=timeout)

    def control(self, verb, **arguments):
        return self.request("POST", f"{self.simulator.origin}/_control/{verb}/", json=arguments, timeout=5)

    def look(self, what):
        return self.request("GET", f"{self.simulator.origin}/_control/{what}/", timeout=5).json()


@pytest.fixture(scope="session")
def running():
    with Simulator(Organisation.make(numbers=240, members=60, groups=6, seed=1)) as simulator:
        yield simulator


@pytest.fixture
def sim(running):
    running.reset()
    return running


@pytest.fixture
def org(sim):
    return sim.organisation


@pytest.fixture
def call(sim):
    with Caller(sim) as caller:
        yield caller


@pytest.fixture
def shared(org):
    """A number with several members."""
    return next(number for number in org.numbers.values() if len(number.get("participants", [])) > 1)


@pytest.fixture
def mine(org):
    """A number that is the caller's alone."""
    return next(number for number in org.numbers.values() if number["user_id"] == org.me["id"])
