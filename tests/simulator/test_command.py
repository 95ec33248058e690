"""`manage.py simulate_close`, as a person starts it."""

import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import requests

from dashboard.simulator import DEMO_KEY
from dashboard.simulator.state import load

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"Simulated Close organisation on (http://127\.0\.0\.1:\d+/api/v1)\n")


@contextmanager
def command(*arguments):
    process = subprocess.Popen(
        [sys.executable, "manage.py", "simulate_close", *arguments],
        cwd=ROOT,
        env={"DJANGO_SETTINGS_MODULE": "tests.settings", "PATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ask(url, path="me/", **query):
    return requests.get(f"{url}/{path}", params=query, auth=(DEMO_KEY, ""), timeout=5)


def test_it_says_where_it_is_serves_and_keeps_the_organisation_when_it_is_told_to_stop(tmp_path):
    state = tmp_path / "close.json"
    options = ("--port", "0", "--numbers", "12", "--members", "4", "--groups", "2", "--seed", "5")
    with command(*options, "--state", str(state), "--rate-limit", "7", "--fault", "503:0") as process:
        url = LINE.fullmatch(process.stdout.readline()).group(1)
        answer = ask(url, "phone_number/")
        assert len(answer.json()["data"]) == 12
        assert answer.headers["RateLimit"].startswith("limit=7, ")
        number = answer.json()["data"][3]
        requests.put(f"{url}/phone_number/{number['id']}/", json={"label": "Kept"}, auth=(DEMO_KEY, ""), timeout=5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""

    assert load(state).numbers[number["id"]]["label"] == "Kept"
    with command("--port", "0", "--state", str(state), "--fault", "401") as process:
        url = LINE.fullmatch(process.stdout.readline()).group(1)
        assert ask(url).status_code == 401
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_a_wrong_fault_is_refused_in_words():
    with command("--port", "0", "--numbers", "1", "--fault", "lightning") as process:
        _, errors = process.communicate(timeout=20)

    assert process.returncode == 1
    assert "There is no fault “lightning”. There are: 429, " in errors


def test_a_taken_port_is_refused_in_words(sim):
    port = sim.origin.rpartition(":")[2]
    with command("--port", port, "--numbers", "1") as process:
        _, errors = process.communicate(timeout=20)

    assert process.returncode == 1
    assert f"Port {port} cannot be used (Address already in use). Choose another with --port." in errors
