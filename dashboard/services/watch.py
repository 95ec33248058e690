"""What should wake somebody up: looked at by a timer, and told to the ops admins once, not each time.

What was told is kept in a file, so that it is known also while the database is what is wrong.
"""

import json
import logging
import smtplib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import DatabaseError
from django.utils import timezone

from dashboard import access
from dashboard.services import connection as connections
from dashboard.services import health

log = logging.getLogger(__name__)

# Told early: with MIN_FREE_MB left no change begins any more.
NEARLY_FULL = 5
AGAIN_AFTER = timedelta(days=1)
MEANING = {
    "database": "Nothing can be stored. Look at the database and its disk.",
    "migrations": "The database does not fit the program. Run manage.py migrate.",
    "close": "Numbers cannot be read from Close or changed there until this is mended.",
    "sync": "The numbers that people see are old. Look at the worker and at its log.",
    "worker": "Nothing scheduled runs. Start the worker again.",
    "changes": "Changes wait for longer than they should. Look at the worker and at its log.",
    "disk": "Free some space: with MIN_FREE_MB left, no change begins any more.",
}


@dataclass(frozen=True)
class Told:
    """What the ops admins were told last: of which troubles, when, and at which addresses."""

    names: tuple[str, ...] = ()
    at: datetime | None = None
    to: tuple[str, ...] = ()


def troubles() -> list[str]:
    """Everything that should wake somebody up, a line each: its name, what was found, what it means."""
    found = {fact.name: fact.words for fact in health.facts() if not fact.good}
    free = connections.free_mb()
    if free < settings.MIN_FREE_MB * NEARLY_FULL:
        found.setdefault("disk", f"{free} MB free")
    return [f"{name}: {words}. {MEANING.get(name, '')}".strip() for name, words in found.items()]


def tell(found: Iterable[str], *, memory: Path) -> list[str]:
    """Write to the ops admins where there is something new to say; whom.

    New is a trouble that they have not been told of, any trouble after a day, and that all of it is over. Where
    EMAIL_URL is not set nobody is written to. OSError (also of smtplib) where the mail was not taken.
    """
    found = list(found)
    last, now = _told(memory), timezone.now()
    names = tuple(line.partition(":")[0] for line in found)
    old = last.at is None or now - last.at >= AGAIN_AFTER
    if not settings.EMAIL_URL or not (set(names) - set(last.names) or (names and old) or (last.names and not names)):
        return []
    to = _addresses() or last.to
    if to:
        _send(found, to)
    _remember(Told(names, now, to), memory)
    return list(to)


def _addresses() -> tuple[str, ...]:
    """Where the ops admins are reached; nobody while the database cannot be asked."""
    try:
        return tuple(sorted({user.email for user in access.ops_admins() if user.email}))
    except DatabaseError:
        return ()


def _send(found: list[str], to: tuple[str, ...]) -> None:
    if found:
        subject = f"closephones needs somebody: {', '.join(line.partition(':')[0] for line in found)}"
        text = "\n\n".join(found)
    else:
        subject, text = "closephones is well again", "Everything that was reported is over."
    EmailMessage(subject, f"{text}\n\n{settings.BASE_URL}\n", settings.EMAIL_FROM, to=list(to)).send()


def _told(memory: Path) -> Told:
    try:
        kept: dict[str, Any] = json.loads(memory.read_text())
        return Told(tuple(kept["names"]), datetime.fromisoformat(kept["at"]), tuple(kept["to"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Told()


def _remember(told: Told, memory: Path) -> None:
    """A file that cannot be written means being told again, which is better than not at all."""
    kept = {"names": told.names, "at": told.at.isoformat() if told.at else "", "to": told.to}
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps(kept))
    except OSError as error:
        log.warning("watch: %s cannot be written: %s", memory, error.strerror)


# What sending raises, for whoever calls: smtplib's own errors are of this kind too.
MAIL_ERRORS = (OSError, smtplib.SMTPException)
