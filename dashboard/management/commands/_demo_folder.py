"""The folder of the demo: what it keeps from start to start, and the environment that follows from it."""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management.base import CommandError

HOST = "127.0.0.1"
CLOSE_PORT = 8765


def lock(folder: Path) -> IO[str]:
    """An open file that one demo at a time can have; CommandError where another one is running."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CommandError(f"The demo in {shown(folder)} is running already. Stop it with Ctrl-C first.") from None
    return file


def forget(folder: Path, *made: str) -> None:
    """Delete these of the things that earlier runs have made."""
    for path in (path for pattern in made for path in folder.glob(pattern)):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def keep(folder: Path, emails: Iterable[str]) -> dict[str, Any]:
    """What stays the same from start to start: the secret key, the passwords, the port of the simulated Close.

    Each of `emails` has a password, made up and not written in the repository: other users of this machine reach its
    loopback too.
    """
    file = folder / "kept.json"
    kept: dict[str, Any] = {
        "secret_key": secrets.token_urlsafe(50),
        "passwords": {email: "-".join(secrets.token_hex(2) for _ in range(4)) for email in emails},
        "close_port": CLOSE_PORT,
        "filled": False,
        "static": "",
    }
    if file.exists():
        kept |= json.loads(file.read_text())
    # Greetings lie at the simulator's address, so another port shows as a change of every greeting.
    kept["close_port"] = free_port(kept["close_port"])
    write(folder, kept)
    return kept


def write(folder: Path, kept: dict[str, Any]) -> None:
    """Keep this for the next start, readable for this user only."""
    file = folder / "kept.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(kept))


def digest_of(folder: Path) -> str:
    """What tells whether anything in a folder was changed: names, sizes and times of all files."""
    files = sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    return hashlib.sha256(repr(files).encode()).hexdigest()


def environment(folder: Path, kept: dict[str, Any], port: int) -> dict[str, str]:
    """The environment of every process of the demo, made from nothing."""
    from_outside = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TERM", "TMPDIR") if name in os.environ
    }
    return from_outside | {
        "DOTENV": "",
        "SECRET_KEY": kept["secret_key"],
        "BASE_URL": f"http://{HOST}:{port}",
        "ALLOWED_HOSTS": f"{HOST},localhost",
        "DATABASE_URL": f"sqlite:///{folder / 'closephones.sqlite3'}",
        "STATIC_ROOT": str(folder / "static"),
        "CLOSE_API_URL": f"http://{HOST}:{kept['close_port']}/api/v1",
        "CLOSE_API_KEY": "api_demo",
    }


def free_port(first: int) -> int:
    """The first port from here on that nobody listens at; CommandError where it cannot be used at all."""
    for port in range(first, min(first + 100, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
                return port
            except PermissionError:
                raise CommandError(f"Port {port} needs more rights than you have. Choose one from 1024 on.") from None
            except OSError:
                continue
    raise CommandError(f"Port {first} cannot be used, nor any of the next ones. Choose another with PORT=...")


def shown(path: Path) -> str:
    """A path as short as it can be said."""
    return str(path.relative_to(settings.BASE_DIR)) if path.is_relative_to(settings.BASE_DIR) else str(path)
