"""A copy of the database, put where nothing was, and programs of closephones that run on it."""

import os
import subprocess
import sys

from django.conf import settings
from django.db import connection

from .conftest import database_url


class Restored:
    """A copy, put where nothing was, as deploy/upgrading.md says."""

    def __init__(self, file, folder):
        self.name = f"{connection.settings_dict['NAME']}_restored"
        if connection.vendor == "sqlite":
            self.url = f"sqlite:///{folder / 'restored.sqlite3'}"
            (folder / "restored.sqlite3").write_bytes(file.read_bytes())
        else:
            self.url = database_url().removesuffix(connection.settings_dict["NAME"]) + self.name
            self.run("createdb", self.name)
            self.run("pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", f"--dbname={self.name}", file)

    def run(self, program, *words):
        found = connection.settings_dict
        where = {"PGHOST": found["HOST"], "PGPORT": str(found["PORT"]), "PGUSER": found["USER"]}
        where |= {"PGPASSWORD": found["PASSWORD"]}
        subprocess.run([program, *map(str, words)], env=os.environ | where, check=True, timeout=60)

    def drop(self):
        if connection.vendor == "postgresql":
            self.run("dropdb", "--force", self.name)


def environment(url, **more):
    """What a process on this database is told; nothing else of ours reaches it."""
    given = {"PATH": os.environ["PATH"], "DOTENV": "", "SECRET_KEY": "x" * 60, "DATABASE_URL": url, "WRITES": "off"}
    given |= {"DJANGO_SETTINGS_MODULE": "closephones.settings", "ALLOWED_HOSTS": "testserver,127.0.0.1"}
    return given | {"LOG_LEVEL": "ERROR"} | more


def python(url, *words):
    """What a process on this database prints."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=settings.BASE_DIR,
        env=environment(url),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
