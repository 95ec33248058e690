"""Real connections: answers that break off, drip or never come."""

import socket
import threading
from contextlib import contextmanager, suppress

import pytest

from dashboard import close as api
from dashboard.close import Client, ConnectionFailedError, LocalPacer, ServerError
from tests.close.conftest import KEY

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BODY = b'{"id": "user_ada"}'
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY


@contextmanager
def server(answer):
    """Serve each connection with ``answer(connection, hung_up)`` after each request; yield (address, requests)."""
    requests, hung_up, connections, threads = [], threading.Event(), [], []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        with connection, suppress(OSError):
            while request := connection.recv(65536):
                requests.append(request)
                if not answer(connection, hung_up):
                    return

    def listen():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            threads.append(threading.Thread(target=serve, args=[connection]))
            threads[-1].start()

    accepting = threading.Thread(target=listen)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1", requests
    finally:
        hung_up.set()
        for end in (listener, *connections):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (accepting, *threads):
            thread.join()


@contextmanager
def connected(address, clock, **options):
    """A client with a clock of its own, whose waits for bytes end after a twentieth of a second."""
    pacer = LocalPacer(clock=clock, sleep=clock.sleep)
    client = Client(address, api_key=KEY, timeout=0.05, sleep=clock.sleep, pacer=pacer, **options)
    try:
        yield client
    finally:
        client.close()


def whole(connection, hung_up):
    connection.sendall(WHOLE)
    return True


def drip(beginning):
    """Send the beginning, and then a byte now and again, always within the limit for one wait."""

    def answer(connection, hung_up):
        connection.sendall(beginning)
        while not hung_up.wait(0.01):
            connection.sendall(b"x")

    return answer


def half(connection, hung_up):
    connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n" + BODY)


def nothing(connection, hung_up):
    hung_up.wait(10)


def gone(connection, hung_up):
    return False


def test_a_connection_is_used_again(clock):
    with server(whole) as (address, requests), connected(address, clock) as client:
        assert [api.me(client).id for _ in range(5)] == ["user_ada"] * 5
    assert len(requests) == 5


@pytest.mark.parametrize(
    "beginning",
    [b"", HEAD, HEAD + b"X-Long: ", HEAD + b"Content-Length: 100000\r\n\r\n", HEAD + b"\r\n"],
    ids=["status", "head", "header", "body", "endless"],
)
def test_an_answer_that_drips_is_given_up(clock, beginning):
    with server(drip(beginning)) as (address, requests), connected(address, clock) as client:
        with pytest.raises((ConnectionFailedError, ServerError)) as caught:
            api.update_phone_number(client, "phon_a", {"label": "x"})
        assert caught.value.sent
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("answer", "error"), [(half, ServerError), (nothing, ConnectionFailedError), (gone, ConnectionFailedError)]
)
def test_an_answer_that_breaks_off_or_never_comes_leaves_a_write_open(clock, answer, error):
    with server(answer) as (address, requests), connected(address, clock) as client:
        with pytest.raises(error) as caught:
            api.update_phone_number(client, "phon_a", {"label": "x"})
        assert caught.value.sent
    assert len(requests) == 1


def test_a_read_survives_connections_that_break(clock):
    answers = iter([gone, half, whole])
    with server(lambda *args: next(answers)(*args)) as (address, requests), connected(address, clock) as client:
        assert api.me(client).id == "user_ada"
    assert len(requests) == 3


def test_a_refused_connection_sends_nothing(clock):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
    with connected(address, clock) as client, pytest.raises(ConnectionFailedError) as caught:
        api.update_phone_number(client, "phon_a", {"label": "x"})
    assert not caught.value.sent


def test_what_does_not_speak_http_is_no_answer(clock):
    def gibberish(connection, hung_up):
        connection.sendall(b"220 mail.test ESMTP\r\n")

    with server(gibberish) as (address, _), connected(address, clock) as client:
        with pytest.raises(ConnectionFailedError) as caught:
            api.update_phone_number(client, "phon_a", {"label": "x"})
        assert caught.value.sent


def test_slow_answers_use_up_the_patience_of_a_page(clock):
    with (
        server(nothing) as (address, requests),
        connected(address, clock, patience=0.52) as client,
        pytest.raises(ConnectionFailedError),
    ):
        api.me(client)
    assert len(requests) == 1
