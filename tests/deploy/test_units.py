"""The commands of the systemd units and of the container, run without systemd and docker as far as that goes."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from ..services.conftest import database_url
from .conftest import DEPLOY

ROOT = Path(settings.BASE_DIR)
SERVICES = sorted(DEPLOY.glob("*.service"))
COLLECT = ["manage.py", "collectstatic", "--no-input"]
# What every service needs in the same way: who it is, where, and what it may touch.
SAME = ("User", "WorkingDirectory", "EnvironmentFile", "ProtectSystem", "ReadWritePaths", "NoNewPrivileges")


def lines(file):
    """The names and values of a unit, in order; a line that ends in a backslash goes on."""
    return re.findall(r"^(\w+)=(.*)$", file.read_text().replace("\\\n", " "), re.MULTILINE)


def commands(name):
    """What a service runs, in order, with this Python and this folder in the place of the installed ones."""
    found = [value for key, value in lines(DEPLOY / f"closephones-{name}.service") if key.startswith("Exec")]
    return [shlex.split(line.replace("/srv/closephones/.venv/bin/python", sys.executable)) for line in found]


def run(*command, folder=ROOT, **variables):
    given = {
        "PATH": os.environ["PATH"],
        "DOTENV": "",
        "SECRET_KEY": "only-for-this-test-" + "x" * 40,
        "BASE_URL": "https://phones.example.com",
        "CLOSE_API_KEY": "api_of_nobody",
        "CLOSE_API_URL": "http://127.0.0.1:9/api/v1",
        "MIN_FREE_MB": "1",
    } | variables
    return subprocess.run(list(command), cwd=folder, env=given, capture_output=True, text=True, timeout=120)


@pytest.mark.django_db(transaction=True)
def test_the_web_server_begins_after_it_has_looked_at_everything(tmp_path):
    check, migrated, collect, serve = commands("web")
    here = {"DATABASE_URL": database_url(), "STATIC_ROOT": str(tmp_path)}
    assert "DEBUG is on" in run(*check, DEBUG="on", **here).stderr
    assert run(*migrated, **here).returncode == 0
    assert run(*migrated, DATABASE_URL=f"sqlite:///{tmp_path}/new.sqlite3").returncode == 1
    assert collect[1:] == COLLECT
    assert run(*check, **here).returncode == 0
    assert "ALLOWED_HOSTS contains *" in run(*serve, "--check-config", ALLOWED_HOSTS="*", **here).stderr


@pytest.mark.django_db(transaction=True)
def test_the_services_of_timers_do_their_work(tmp_path):
    [watch], [backup] = commands("watch"), commands("backup")
    done = run(*watch, DATABASE_URL=database_url())
    assert done.returncode == 1
    assert "worker: last sign of life: none. Nothing scheduled runs." in done.stderr
    done = run(*backup, "--folder", str(tmp_path), DATABASE_URL=database_url())
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.iterdir())) == 2


def test_the_worker_runs_a_command_that_is_there():
    migrated, work = commands("worker")
    assert migrated in commands("web")
    assert run(*work, "--help").returncode == 0


def test_services_agree_on_who_they_are_and_timers_on_whom_they_begin():
    said = [[(key, value) for key, value in lines(file) if key in SAME] for file in SERVICES]
    assert len(said) == 4
    assert all(one == said[0] and len(one) == len(SAME) for one in said)
    for timer in DEPLOY.glob("*.timer"):
        assert timer.with_suffix(".service") in SERVICES


def test_what_is_copied_into_the_image_is_all_that_its_commands_need(tmp_path):
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    kept = re.findall(r"^!(\S+)", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    for source, target in re.findall(r"^COPY (\S+) (\S+)$", text, re.MULTILINE):
        assert source in kept
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (tmp_path / target).mkdir(exist_ok=True)
            shutil.copy(ROOT / source, tmp_path / target)
    static = {"STATIC_ROOT": str(tmp_path / "collected")}
    assert f"RUN SECRET_KEY=for-the-files-of-the-pages-alone python {' '.join(COLLECT)}" in text
    assert run(sys.executable, *COLLECT, folder=tmp_path, **static).returncode == 0
    serve = json.loads(re.search(r"^CMD (\[.*\])$", text, re.MULTILINE)[1])
    done = run(sys.executable, *serve[1:], "--check-config", folder=tmp_path, **static)
    assert done.returncode == 0, done.stderr
    compose = (DEPLOY / "compose.yaml").read_text()
    for command in re.findall(r"^    command: (?:nice -n 5 )?python (.+)$", compose, re.MULTILINE):
        assert run(sys.executable, *command.split(), "--help", folder=tmp_path).returncode == 0
