"""A backup: taken while everything runs, restored beside it, and then it shows what was there."""

import json
import re
import sqlite3
import subprocess
from io import StringIO
from threading import Event, Thread

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from dashboard.models import Connection, PhoneNumber
from dashboard.services import backup

from .conftest import database_url, eventually
from .copies import Restored, python

# What somebody sees of a database: the numbers as a file, and the changes. In a process of its own.
LOOK = """
import sys, django; django.setup()
from django.contrib.auth import get_user_model
from django.test import Client
client = Client()
client.force_login(get_user_model().objects.get(username="marta"), "dashboard.signin.local.AuthenticationBackend")
with open(sys.argv[1], "wb") as file:
    for path in ("/numbers/export.csv", "/changes/export.csv"):
        file.writelines(client.get(path))
"""


@pytest.fixture
def look(tmp_path):
    """What a database shows, by its address."""

    def look(url):
        python(url, "-W", "ignore", "-c", LOOK, tmp_path / "shown.csv")
        return (tmp_path / "shown.csv").read_text()

    return look


@pytest.fixture
def secrets(monkeypatch):
    for name in backup.SECRETS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SECRET_KEY", "the-secret-of-this-test")
    monkeypatch.setenv("CLOSE_API_KEY_FILE", "/run/secrets/close")


def test_a_copy_taken_at_work_shows_the_same_numbers_elsewhere(synced, ops, edit, look, secrets, tmp_path):
    edit(PhoneNumber.objects.filter(type="internal").exclude(label="")[0], label="Changed before the copy")
    folder, said, stop, written = tmp_path / "copies", StringIO(), Event(), []

    def write():
        while not stop.is_set():
            Connection.note(last_error=f"written {len(written)}")
            written.append(1)
        connection.close()

    writer = Thread(target=write)
    writer.start()
    eventually(lambda: written)
    call_command("backup", folder=folder, stdout=said)
    seen = len(written)
    eventually(lambda: len(written) > seen)
    stop.set()
    writer.join()

    [note] = folder.glob("*.json")
    [file] = set(folder.iterdir()) - {note}
    assert file.stat().st_mode & 0o077 == 0
    assert f"Copied the database to {file}." in said.getvalue()
    assert json.loads(note.read_text())["keep_apart"] == {
        "SECRET_KEY": "the environment or .env",
        "CLOSE_API_KEY": "/run/secrets/close",
    }
    assert "  CLOSE_API_KEY, from /run/secrets/close\n" in said.getvalue()
    assert b"the-secret-of-this-test" not in file.read_bytes() + note.read_bytes()

    restored = Restored(file, tmp_path)
    try:
        assert "unapplied" not in python(restored.url, "manage.py", "migrate", "--check")
        shown = look(restored.url)
    finally:
        restored.drop()
    assert "Changed before the copy" in shown
    assert shown.count("\n") > 40
    assert shown == look(database_url())


def test_every_secret_among_the_settings_is_named():
    names = re.findall(r"^([A-Z_]+)=", (settings.BASE_DIR / ".env.example").read_text(), flags=re.MULTILINE)
    secret = {name for name in names if name.endswith(("_KEY", "_KEYS", "_SECRET", "_TOKEN", "_WEBHOOK_URL"))}
    assert secret <= set(backup.SECRETS)
    assert set(backup.SECRETS) <= set(names)


def test_old_copies_go_and_the_newest_stay(db, tmp_path, monkeypatch):
    suffix = ".sqlite3" if connection.vendor == "sqlite" else ".dump"
    for name in ("closephones-20250101-000000", "closephones-20250102-000000", "closephones-20250103-000000"):
        (tmp_path / f"{name}{suffix}").touch()
        (tmp_path / f"{name}.json").touch()
    (tmp_path / "of-somebody-else.txt").touch()
    monkeypatch.setattr(backup, f"_copy_{connection.vendor}", lambda to: to.write_text("copied"))
    made = backup.back_up(tmp_path, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [
            f"closephones-20250103-000000{suffix}",
            "closephones-20250103-000000.json",
            made.file.name,
            made.note.name,
            "of-somebody-else.txt",
        ]
    )


def test_a_folder_that_cannot_be_is_a_sentence(db, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match=r"/file: .*Nothing was copied\."):
        call_command("backup", folder=tmp_path / "file", stdout=StringIO())


def test_a_copy_that_fails_leaves_nothing_behind(db, tmp_path, monkeypatch):
    if connection.vendor == "sqlite":
        (tmp_path / "broken").write_bytes(b"this is no database" * 1000)
        monkeypatch.setitem(connection.settings_dict, "NAME", str(tmp_path / "broken"))
        words = "SQLite could not copy the database"
    else:
        monkeypatch.setitem(connection.settings_dict, "NAME", "not_there")
        words = "pg_dump could not copy the database: .*not_there"
    with pytest.raises(CommandError, match=words):
        call_command("backup", folder=tmp_path / "copies", stdout=StringIO())
    assert list((tmp_path / "copies").iterdir()) == []


def test_without_pg_dump_one_reads_what_to_install(db, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(backup.connection, "vendor", "postgresql")
    monkeypatch.setattr(
        backup.connection.client, "settings_to_cmd_args_env", lambda found, more: (["psql"], None), raising=False
    )
    with pytest.raises(backup.BackupError, match="apt install postgresql-client"):
        backup.back_up(tmp_path / "copies")


def test_a_copy_is_one_file_that_opens_alone(synced, tmp_path):
    if connection.vendor != "sqlite":
        # The other database's copy is read by pg_restore alone, which looks at it whole.
        made = backup.back_up(tmp_path)
        listed = subprocess.run(["pg_restore", "--list", made.file], capture_output=True, text=True, check=True)
        assert "TABLE DATA public dashboard_phonenumber" in listed.stdout
        return
    made = backup.back_up(tmp_path)
    with sqlite3.connect(f"file:{made.file}?mode=ro", uri=True) as copy:
        assert copy.execute("SELECT count(*) FROM dashboard_phonenumber").fetchone() == (40,)
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    copy.close()
