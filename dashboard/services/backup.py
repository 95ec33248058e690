"""A copy of the database, taken while everything runs. What is secret is named beside it, and is not inside it."""

import json
import os
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from dashboard.models import Connection

# Whoever has one of these can act for somebody; without them the copy cannot do all that the original could.
SECRETS = (
    "SECRET_KEY",
    "FIELD_KEYS",
    "AUDIT_KEY",
    "CLOSE_API_KEY",
    "CLOSE_OAUTH_CLIENT_SECRET",
    "OIDC_CLIENT_SECRET",
    "DATABASE_URL",
    "CACHE_URL",
    "TASKS_URL",
    "EMAIL_URL",
    "SLACK_WEBHOOK_URL",
)


class BackupError(Exception):
    """There is no copy: the text says why, and what to do."""


@dataclass(frozen=True)
class Backup:
    """A copy: the file of the database, the note beside it, and where the secrets are that it needs."""

    file: Path
    note: Path
    secrets: dict[str, str]


def back_up(folder: Path, *, keep: int = 0) -> Backup:
    """Copy the database into `folder`, and remove all but the newest `keep` copies there (0: remove none).

    The copy is whole and of one moment. Nobody but its owner can read it. BackupError where there is none.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"closephones-{timezone.now():%Y%m%d-%H%M%S}"
        file = folder / f"{name}{'.sqlite3' if connection.vendor == 'sqlite' else '.dump'}"
        part = file.with_suffix(".part")
        part.touch(mode=0o600)
        try:
            _copy_sqlite(part) if connection.vendor == "sqlite" else _copy_postgresql(part)
            part.rename(file)
        finally:
            part.unlink(missing_ok=True)
        secrets = _secrets()
        note = file.with_suffix(".json")
        note.write_text(json.dumps(_note(secrets), indent=2) + "\n")
        if keep:
            _remove_all_but(keep, folder, file.suffix)
    except OSError as error:
        raise BackupError(f"{error.filename or folder}: {error.strerror}. Nothing was copied.") from error
    return Backup(file, note, secrets)


def _copy_sqlite(to: Path) -> None:
    """All pages in one step, by SQLite itself: what is written meanwhile does not wait, and is not copied."""
    source, target = sqlite3.connect(connection.settings_dict["NAME"]), sqlite3.connect(to)
    try:
        source.backup(target)
        # One file, which may be carried away without the log that lies beside a database at work.
        target.execute("PRAGMA journal_mode=DELETE")
        found = target.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.Error as error:
        raise BackupError(f"SQLite could not copy the database: {error}.") from error
    finally:
        target.close()
        source.close()
    if found != "ok":
        raise BackupError(f"The copy is damaged, and so is the database: {found}. Restore the last good copy.")


def _copy_postgresql(to: Path) -> None:
    client: Any = connection.client
    arguments, variables = client.settings_to_cmd_args_env(connection.settings_dict, [])
    command = ["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={to}", *arguments[1:]]
    try:
        done = subprocess.run(  # noqa: S603
            command, env=os.environ | (variables or {}), capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise BackupError("pg_dump is not installed. Type: apt install postgresql-client") from error
    if done.returncode:
        raise BackupError(f"pg_dump could not copy the database: {done.stderr.strip()}")


def _secrets() -> dict[str, str]:
    """The secrets that are set, and where each comes from."""
    found = {}
    for name in SECRETS:
        if path := os.environ.get(f"{name}_FILE", ""):
            found[name] = path
        elif os.environ.get(name, ""):
            found[name] = "the environment or .env"
    return found


def _note(secrets: dict[str, str]) -> dict[str, Any]:
    last = MigrationRecorder(connection).migration_qs.filter(app="dashboard").order_by("name").last()
    return {
        "made_at": timezone.now().isoformat(timespec="seconds"),
        "database": connection.vendor,
        "organisation": Connection.load().organization_name,
        "last_migration": last.name if last else "",
        "keep_apart": secrets,
    }


def _remove_all_but(keep: int, folder: Path, suffix: str) -> None:
    for old in sorted(folder.glob(f"closephones-*{suffix}"))[:-keep]:
        old.with_suffix(".json").unlink(missing_ok=True)
        old.unlink()
