"""The history: who came in, what was given, taken or stopped, and what became of each change, as one chain.

Each entry carries an HMAC over the one before it and over its own words, under a key of its own (`AUDIT_KEY`).
Whoever alters, takes out, puts in or moves an entry without that key is found out by `manage.py verify_history`, and
triggers in the database refuse it in the first place. Each entry also goes to standard output, once it is stored.
"""

import json
import logging
from collections.abc import Sequence
from datetime import UTC
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from dashboard.models.plans import Change

log = logging.getLogger("closephones.history")

# What stands in the place of the entry before the first one.
BEGINNING = "0" * 64
COUNTER = "history"


class Kind(models.TextChoices):
    """What happened."""

    SIGNED_IN = "signed_in", "Signed in"
    REFUSED = "refused", "Refused"
    SIGNED_OUT = "signed_out", "Signed out"
    ENDED = "ended", "Session ended"
    ROLE_GIVEN = "role_given", "Role given"
    ROLE_TAKEN = "role_taken", "Role taken"
    ACCOUNT = "account", "Account"
    TWO_STEP = "two_step", "Two-step codes"
    CONNECTION = "connection", "Connection to Close"
    WRITES_STOPPED = "writes_stopped", "Writes stopped"
    WRITES_ALLOWED = "writes_allowed", "Writes allowed"
    EXPORTED = "exported", "Exported"
    CHANGE = "change", "Change"
    BEGUN = "begun", "History begun"


class EventManager(models.Manager["Event"]):
    """Entries are only ever added, at the end."""

    def note(self, kind: str, **facts: Any) -> None:
        """Add one entry; `facts` are its columns."""
        self.append([Event(kind=kind, at=timezone.now(), **facts)])

    def append(self, entries: Sequence["Event"]) -> None:
        """Add these entries, in the transaction that is open or in one of their own.

        The row of the counter is the lock: whoever adds at the same time waits until this transaction has ended. It
        is the last thing a transaction should wait for.
        """
        if not entries:
            return
        with transaction.atomic(savepoint=False):
            first, mac = _places(len(entries))
            for position, entry in enumerate(entries, first):
                mac = entry.link(position, mac)
            self.bulk_create(entries)
            transaction.on_commit(partial(_tell, entries))


def _places(count: int) -> tuple[int, str]:
    """Take the next `count` places of the chain: the first of them, and the MAC of the entry before it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO dashboard_counter (name, value) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE "
            "SET value = dashboard_counter.value + excluded.value RETURNING value, "
            "(SELECT mac FROM dashboard_event WHERE position = dashboard_counter.value - %s)",
            [COUNTER, count, count],
        )
        value, mac = cursor.fetchone()
        before = int(value) - count
        if mac is None and before:
            # Somebody else was adding when that statement began, and it saw the entries of that moment.
            cursor.execute("SELECT mac FROM dashboard_event WHERE position = %s", [before])
            mac = (cursor.fetchone() or [None])[0]
    return before + 1, mac or BEGINNING


def _tell(entries: Sequence["Event"]) -> None:
    for entry in entries:
        log.info("%s", entry.line())


class Event(models.Model):
    """One entry of the history: who, by which sign-in, from where, when, and what.

    An outcome of a change is an entry too; `facts` holds all of it then, as canonical JSON (services/events.py).
    """

    position = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=16, choices=Kind.choices)
    # Whose doing it was, as text and as the key of the account: entries outlive accounts and never change.
    who = models.CharField(max_length=255, blank=True)
    account = models.BigIntegerField(null=True)
    # How they had signed in, and the address of their browser.
    way = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=64, blank=True)
    # Whom or what it was about, and what there is to say of it.
    about = models.CharField(max_length=255, blank=True)
    words = models.TextField(blank=True)
    change = models.ForeignKey(Change, null=True, on_delete=models.PROTECT, related_name="+")
    facts = models.TextField(blank=True)
    previous = models.CharField(max_length=64)
    mac = models.CharField(max_length=64)

    objects = EventManager()

    class Meta:
        ordering = ("-position",)
        indexes = [models.Index("position", name="event_access", condition=~Q(kind="change"))]

    def __str__(self) -> str:
        return f"{self.position}: {self.get_kind_display()} {self.about}".strip()

    def link(self, position: int, previous: str) -> str:
        """Put the entry into this place of the chain; the MAC that the next one builds on."""
        for name, length in (("who", 255), ("about", 255), ("way", 64), ("address", 64), ("words", 2000)):
            setattr(self, name, _plain(getattr(self, name), length))
        self.position, self.previous = position, previous
        self.mac = self.mac_at(position)
        return self.mac

    def mac_at(self, position: int) -> str:
        """The MAC that this entry has to carry if it was written for this place, after `previous`."""
        content = canonical({**self.content(), "position": position})
        secret = settings.AUDIT_KEY or None
        return salted_hmac("dashboard.history", self.previous + content, secret, algorithm="sha256").hexdigest()

    def content(self) -> dict[str, Any]:
        """What the MAC covers, and what is told."""
        return {
            "position": self.position,
            "at": self.at.astimezone(UTC).isoformat(),
            "kind": self.kind,
            "who": self.who,
            "account": self.account,
            "way": self.way,
            "address": self.address,
            "about": self.about,
            "words": self.words,
            "change": self.change_id,
            "facts": self.facts,
        }

    def line(self) -> str:
        """The entry as one line of JSON."""
        return canonical({"history": "entry", **self.content(), "previous": self.previous, "mac": self.mac})


def canonical(value: Any) -> str:
    """The one way in which a value is written as JSON here."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _plain(text: str, length: int) -> str:
    """`text` as every database stores it: printable, and not longer than this."""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:length]
