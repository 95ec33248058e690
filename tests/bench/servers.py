"""The programs around a measurement: a simulated Close, and the web server as it runs for real."""

import os
import random
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from http.client import HTTPConnection

from django.conf import settings

_given: set[int] = set()


def free_port() -> int:
    """A port that nobody has.

    It lies below those that the kernel lends to connections (32768 and up on Linux), so that no connection of
    another program takes it before it is used; and by a chance of its own, so that two runs do not choose alike.
    Whoever asked for it may not have used it yet, so nobody else in this process gets it either.
    """
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(20_000, 32_000)
        if port in _given:
            continue
        _given.add(port)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def running(*command, port: int, path: str, **variables):
    """A program of ours, from the moment it answers to the end of the block."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=settings.BASE_DIR,
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    try:
        wait_for(process, port, path)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def wait_for(process, port: int, path: str) -> None:
    """Return once it answers; RuntimeError where it ends or does not within a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", path)
            connection.getresponse()
            return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise RuntimeError(f"{process.args} does not answer.")


@contextmanager
def simulator(port: int, **options):
    """A simulated Close at this port; options as `simulate_close` has them. What is given is its API's address."""
    given = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    command = ("manage.py", "simulate_close", "--port", str(port), *given)
    with running(*command, port=port, path="/_control/faults/"):
        yield f"http://127.0.0.1:{port}/api/v1"


@contextmanager
def web(port: int, close_url: str):
    """The web server as in production, at this port, beside this Close."""
    command = ("-m", "gunicorn", "closephones.wsgi", "--bind", f"127.0.0.1:{port}", "--no-control-socket")
    options = ("--worker-class", "gthread", "--workers", "1", "--threads", "8")
    variables = {"CLOSE_API_URL": close_url, "BASE_URL": f"http://127.0.0.1:{port}", "ALLOWED_HOSTS": "127.0.0.1"}
    with running(*command, *options, port=port, path="/healthz", **variables):
        yield f"http://127.0.0.1:{port}"
