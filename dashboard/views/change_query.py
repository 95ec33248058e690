"""What the address of the page Changes asks for: tab, filters and page, and the changes that match.

A value that makes no sense is left out and said in a note on the page, never an error.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import urlencode

from django.db.models import CharField, Exists, OuterRef, Q
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.dateparse import parse_date

from dashboard import access
from dashboard.models import Change, Outcome, PhoneNumber, Source
from dashboard.models.numbers import search_words

PER_PAGE = 50

FIELDS = {
    "label": ("Label", ["label"]),
    "forwarding": ("Forwarding", ["forward_to", "forward_to_enabled"]),
    "press_1": ("Press 1 to accept", ["press_1_to_accept"]),
    "voicemail": ("Voicemail greeting", ["voicemail_greeting_url"]),
    "ringing": ("Rings for", ["inbound_ring_duration"]),
    "members": ("Members", ["participants"]),
    "groups": ("Groups", ["participant_groups"]),
}
OUTCOMES = {
    "applied": "Applied",
    "undone": "Undone",
    "observed": "Made in Close",
    "conflict": "Conflict",
    "refused": "Refused",
    "failed": "Failed",
    "unknown": "Unknown",
    "waiting": "Waiting",
}
SOURCES = {source.value: str(source.label) for source in (Source.INLINE, Source.UNDO, Source.CLOSE)}

_undone = Exists(Change.objects.filter(undoes=OuterRef("pk"), state=Outcome.APPLIED))
_set_right_since = Exists(
    Change.objects.filter(number=OuterRef("number"), state=Outcome.APPLIED, pk__gt=OuterRef("pk"))
)
NEEDS_A_LOOK = Q(state=Outcome.UNKNOWN) | (
    Q(state__in=[Outcome.CONFLICT, Outcome.REFUSED, Outcome.FAILED], seen_at__isnull=True) & ~Q(_set_right_since)
)


def tabs(person: access.Person) -> dict[str, tuple[str, Q]]:
    """The tabs of the page: their names and what is in them."""
    return {
        "": ("All", Q()),
        "mine": ("Mine", Q(plan__author=person.user.pk)),
        "close": ("Made in Close", Q(state=Outcome.OBSERVED)),
        "look": ("Needs a look", NEEDS_A_LOOK),
        "undone": ("Undone", Q(_undone)),
    }


@dataclass
class ChangeQuery:
    """One reading of the address. `chosen` holds the parameters that were understood, as they were written."""

    person: access.Person
    chosen: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    conditions: list[Any] = field(default_factory=list)
    page: int = 1

    @classmethod
    def read(cls, parameters: Any, person: access.Person) -> "ChangeQuery":
        """Read the parameters of an address (a QueryDict)."""
        query = cls(person)
        readers: dict[str, Callable[[str], Any]] = {
            "view": lambda name: tabs(person)[name][1],
            "seen": lambda word: {"no": Q(state=Outcome.OBSERVED, seen_at__isnull=True)}[word],
            "q": query._search,
            "person": lambda name: Q(plan__author_name=name),
            "field": lambda name: Q(*[("after__has_key", key) for key in FIELDS[name][1]], _connector=Q.OR),
            "source": lambda name: Q(plan__source=Source(name)),
            "outcome": _outcome,
            "from": lambda text: Q(created_at__gte=_midnight(text, time.min)),
            "to": lambda text: Q(created_at__lte=_midnight(text, time.max)),
            "number": lambda close_id: Q(number__close_id=close_id),
        }
        for name in parameters:
            text = parameters[name].strip()
            if name == "page":
                query._read_page(text)
            elif name not in readers:
                query.notes.append(f"“{name[:40]}” is no filter of this page and was left out.")
            elif text:
                query._take(name, text, readers[name])
        return query

    def _take(self, name: str, text: str, reader: Callable[[str], Any]) -> None:
        try:
            if "\0" in text:
                raise ValueError(text)
            self.conditions.append(reader(text))
        except (KeyError, ValueError, OverflowError):
            self.notes.append(f"The filter {name} does not know “{text[:40]}”, so it was left out.")
        else:
            self.chosen[name] = text

    def _read_page(self, text: str) -> None:
        if text.isascii() and text.isdigit() and 1 <= len(text) <= 9 and int(text) > 0:
            self.page = int(text)
        else:
            self.notes.append(f"There is no page “{text[:40]}”; this is the first one.")

    def _search(self, text: str) -> Any:
        """Number, label, people and target of the number; old and new values; the author; the reason."""
        text = text[:200]
        # JSON is stored with everything but ASCII escaped on one database, and as it is on the other.
        values = {text, json.dumps(text)[1:-1]}
        words = search_words(text)
        if len(words) == 1 and words[0].isdigit():
            values.add(words[0])
        found = Q(number__in=PhoneNumber.objects.search(text).values("pk"))
        found |= Q(plan__author_name__icontains=text) | Q(plan__reason__icontains=text)
        for part in values:
            found |= Q(before_text__icontains=part) | Q(after_text__icontains=part)
        return found

    def apply(self, changes: Any) -> Any:
        """The changes that match, newest first."""
        if "q" in self.chosen:
            changes = changes.annotate(before_text=Cast("before", CharField()), after_text=Cast("after", CharField()))
        return changes.filter(*self.conditions).order_by("-id")

    def link(self, **other: Any) -> str:
        """This query with other values, as the end of an address: None takes a parameter away, page begins anew."""
        chosen = {**self.chosen, **other}
        return "?" + urlencode({name: value for name, value in chosen.items() if value not in (None, "")})

    @property
    def is_filtered(self) -> bool:
        return bool(set(self.chosen) - {"view"})


def _outcome(name: str) -> Any:
    if name not in OUTCOMES:
        raise KeyError(name)
    if name == "undone":
        return Q(_undone)
    if name == "applied":
        return Q(state=Outcome.APPLIED) & ~Q(_undone)
    if name == "waiting":
        return Q(state__in=[Outcome.PENDING, Outcome.SENDING])
    return Q(state=name)


def _midnight(text: str, at: time) -> datetime:
    """The begin or end of a day in the reader's zone; ValueError or OverflowError for what is no date."""
    day: date | None = parse_date(text)
    if day is None:
        raise ValueError(text)
    # In UTC, as the database takes it: the first and the last days there are overflow here and not in the query.
    return timezone.make_aware(datetime.combine(day, at)).astimezone(UTC)
