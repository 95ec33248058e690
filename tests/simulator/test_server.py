"""The server itself: loopback only, connections that last, greetings that play, stop and start."""

import pytest
import requests

from dashboard.simulator import DEMO_KEY, Organisation, Simulator


@pytest.fixture
def small():
    return Organisation.make(numbers=20, members=3, groups=1)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1"])
def test_it_binds_to_nothing_but_loopback(small, host):
    with pytest.raises(ValueError, match="this machine only"):
        Simulator(small, host=host).start()


def test_one_connection_serves_many_requests(call, sim):
    with requests.Session() as session:
        session.auth = (DEMO_KEY, "")
        sockets = set()
        for _ in range(3):
            with session.get(f"{sim.url}/me/", stream=True) as answer:
                sockets.add(answer.raw.connection.sock.getsockname())
                answer.json()

    assert len(sockets) == 1


def test_it_comes_back_at_the_same_place(small):
    sim = Simulator(small)
    with sim:
        url = sim.url
        assert requests.get(f"{url}/me/", auth=(DEMO_KEY, ""), timeout=5).status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/me/", auth=(DEMO_KEY, ""), timeout=5)
    with sim:
        assert sim.url == url
        assert requests.get(f"{url}/me/", auth=(DEMO_KEY, ""), timeout=5).status_code == 200


def test_stopping_cuts_connections_and_does_not_wait_for_slow_answers(small):
    with requests.Session() as session:
        session.auth = (DEMO_KEY, "")
        with Simulator(small) as sim:
            session.get(f"{sim.url}/me/", timeout=5)
            sim.latency(3_600_000)
            with pytest.raises(requests.ReadTimeout):
                session.get(f"{sim.url}/me/", timeout=0.05)
        with pytest.raises(requests.ConnectionError):
            session.get(f"{sim.url}/me/", timeout=5)


def test_a_port_that_is_taken(small, sim):
    with pytest.raises(OSError, match="in use"):
        Simulator(small, port=int(sim.origin.rpartition(":")[2])).start()


def test_greetings_are_served_where_the_numbers_say(call, sim, org):
    urls = {number["voicemail_greeting_url"] for number in org.numbers.values()} - {None}
    own = {url for url in urls if url.startswith(f"{sim.origin}/greetings/")}

    assert own == urls
    answers = {url.rpartition("/")[2]: requests.get(url, timeout=5) for url in own}
    assert answers.pop("deleted.mp3").status_code == 404
    assert len(answers) == 3
    for answer in answers.values():
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "audio/mpeg")
        assert answer.content[0] == 0xFF
        assert len(answer.content) < 20_000


@pytest.mark.parametrize("path", ["/", "/greetings/../server.py", "/greetings/none.mp3", "/api/v2/me/"])
def test_there_is_nothing_else(sim, path):
    request = requests.Request("GET", sim.origin).prepare()
    request.url = sim.origin + path
    with requests.Session() as session:
        assert session.send(request, timeout=5).status_code == 404


def test_a_length_that_is_no_number_is_400(sim):
    answer = requests.get(f"{sim.url}/me/", headers={"Content-Length": "many"}, timeout=5)

    assert answer.status_code == 400


def test_the_same_port_is_not_needed_by_two(small):
    other = Organisation.make(numbers=1, members=1, seed=2)
    with Simulator(small) as one, Simulator(other) as two:
        assert one.url != two.url
        assert requests.get(f"{two.url}/me/", auth=(DEMO_KEY, ""), timeout=5).json()["id"] == other.me["id"]
