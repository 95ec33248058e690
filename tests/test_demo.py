"""The demo, started as a person starts it: in a process of its own, ended by Ctrl-C."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client

from tests.bench.servers import free_port
from tests.conftest import make_user

ACCOUNT = re.compile(r"^  (\w+@demo\.test) +(\S+) ", flags=re.MULTILINE)


class Demo:
    """One demo in a folder, from its start to Ctrl-C."""

    def __init__(self, folder, *options, **variables):
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--folder", folder, "--port", str(free_port()), *options],
            cwd=settings.BASE_DIR,
            # What must not reach the demo: a database that is not there, a Close that is not here.
            env={
                "PATH": os.environ["PATH"],
                "SECRET_KEY": "of the outside",
                "DOTENV": "",
                "DATABASE_URL": "postgres://nobody@127.0.0.1:9/nothing",
                "CLOSE_API_URL": "https://close.invalid/api/v1",
                "CLOSE_API_KEY": "api_of_a_real_organisation",
            }
            | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        self.words = ""

    def __enter__(self):
        # A demo that hangs is ended, so that the test fails instead of waiting for ever.
        self.alarm = threading.Timer(120, self.process.kill)
        self.alarm.start()
        for line in self.process.stdout:
            self.words += line
            if "Ctrl-C stops everything" in line:
                break
        return self

    def __exit__(self, *error):
        self.alarm.cancel()
        self.end(signal.SIGKILL)
        self.process.stdout.close()

    def end(self, number=signal.SIGINT):
        """Send a signal and wait until every process of the demo has gone: then nobody holds its output open."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.words += self.process.stdout.read()
        return self.process.wait()

    @property
    def url(self):
        return re.search(r"Open (http://127\.0\.0\.1:\d+)/", self.words)[1]

    @property
    def passwords(self):
        return dict(ACCOUNT.findall(self.words))

    def close(self, method, path, **body):
        """Ask the made-up Close, as anybody with its key can."""
        kept = json.loads((self.folder / "kept.json").read_text())
        url = f"http://127.0.0.1:{kept['close_port']}/api/v1/{path}"
        return requests.request(method, url, auth=("api_demo", ""), json=body or None).json()

    def numbers(self):
        """Numbers of the made-up Close, with their labels."""
        return [(one["id"], one["label"]) for one in self.close("GET", "phone_number/")["data"]]

    def sign_in(self, login):
        """The page that this account sees first."""
        with requests.Session() as session:
            form = session.get(f"{self.url}/accounts/login/").text
            token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[1]
            given = {"login": login, "password": self.passwords[login], "csrfmiddlewaretoken": token}
            return session.post(f"{self.url}/accounts/login/", given)


def processes_with(text):
    """The ids of running processes that have this text in their command or in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in said and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found


def wait_until_ended(pid):
    """Return when this process has ended; fail after a minute."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([watched], [], [], 60)[0], f"Process {pid} goes on."
    finally:
        os.close(watched)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def first(folder):
    """What a first start printed, what was there while it ran, and after it was ended."""
    with Demo(folder) as demo:
        assert demo.passwords, demo.words
        demo.ready = requests.get(f"{demo.url}/readyz").json()
        number = demo.numbers()[0][0]
        demo.changed = (number, demo.close("PUT", f"phone_number/{number}/", label="Changed in the demo")["label"])
        demo.pages = {login: demo.sign_in(login) for login in demo.passwords}
        demo.status = demo.end()
        demo.left = processes_with(str(folder))
        yield demo


def test_it_says_where_to_open_it_and_who_can_sign_in(first):
    assert list(first.passwords) == ["ops@demo.test", "lead@demo.test", "viewer@demo.test"]
    assert "It reads no .env and none of CLOSE_*" in first.words
    assert "Read 240 numbers: 240 new" in first.words


def test_it_is_ready_beside_the_made_up_organisation(first):
    details = first.ready["details"]

    assert details["database"]["good"]
    assert details["migrations"]["good"]
    assert details["close"]["good"]
    assert details["sync"]["good"]


def test_each_account_sees_the_numbers(first):
    assert {login: (page.status_code, page.url) for login, page in first.pages.items()} == {
        login: (200, f"{first.url}/numbers/") for login in first.passwords
    }


def test_its_pages_name_files_by_their_content(first):
    page = first.pages["ops@demo.test"].text

    assert re.search(r"/static/app\.[0-9a-f]{12}\.js", page)


def test_ctrl_c_ends_all_of_it(first):
    assert first.status == 0
    assert first.left == []
    assert "Stopped. The next start keeps what was changed." in first.words


def test_passwords_are_kept_for_this_user_only(first, folder):
    assert (folder / "kept.json").stat().st_mode & 0o777 == 0o600


@pytest.fixture(scope="module")
def second(first, folder):
    """What a second start printed and kept, at a port that somebody else has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with Demo(folder, "--port", str(taken.getsockname()[1])) as demo:
            demo.taken = taken.getsockname()[1]
            demo.answer = requests.get(f"{demo.url}/healthz").text
            demo.kept = demo.numbers()
            yield demo


def test_a_second_start_keeps_what_was_changed(first, second):
    assert second.passwords == first.passwords
    assert "Reading the numbers" not in second.words
    assert first.changed in second.kept


def test_a_taken_port_is_left_for_the_next_free_one(second):
    assert f"Port {second.taken} is taken, so the demo is on port " in second.words
    assert not second.url.endswith(f":{second.taken}")
    assert second.answer == "ok"


def test_a_fresh_start_forgets_and_only_one_runs_at_a_time_and_nothing_outlives_it(first, second, folder):
    second.end()
    with Demo(folder, "--fresh") as fresh:
        assert "Read 240 numbers: 240 new" in fresh.words
        assert fresh.passwords["ops@demo.test"] != first.passwords["ops@demo.test"]
        assert first.changed not in fresh.numbers()
        with Demo(folder) as other:
            assert other.end() == 1
            assert "is running already. Stop it with Ctrl-C first." in other.words

        others = [pid for pid in processes_with(str(folder)) if pid != fresh.process.pid]
        fresh.end(signal.SIGKILL)
        for pid in others:
            wait_until_ended(pid)
        assert len(others) >= 3
        assert processes_with(str(folder)) == []


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with Demo(tmp_path / "file" / "demo") as demo:
        assert demo.end() == 1
    assert demo.words.endswith("/file/demo: Not a directory.\n")
    assert "Traceback" not in demo.words


@pytest.mark.django_db
def test_its_accounts_are_made_beside_a_simulated_close_only(settings, tmp_path):
    (tmp_path / "kept.json").write_text('{"passwords": {}}')
    settings.CLOSE_IS_LOOPBACK = False

    with pytest.raises(CommandError, match="beside a simulated Close only"):
        call_command("demo", accounts=True, folder=tmp_path)


@pytest.fixture
def from_demo(db):
    """An ops admin of a demo, in a database that was put beside a real Close."""
    user = make_user("Marta Klein", role="ops_admin")
    user.username = user.email = "ops@demo.test"
    user.save()
    return user


def test_its_accounts_cannot_sign_in_beside_a_real_close(settings, from_demo):
    given = {"login": "ops@demo.test", "password": "correct horse battery"}
    settings.CLOSE_IS_LOOPBACK = False
    assert "not correct" in Client().post("/accounts/login/", given).content.decode()

    settings.CLOSE_IS_LOOPBACK = True
    assert Client().post("/accounts/login/", given).status_code == 302


def test_a_session_of_the_demo_has_no_role_beside_a_real_close(settings, from_demo):
    client = Client()
    client.force_login(from_demo, backend="dashboard.signin.local.AuthenticationBackend")
    assert client.get("/numbers/").status_code == 200

    settings.CLOSE_IS_LOOPBACK = False
    assert client.get("/numbers/").status_code == 403
