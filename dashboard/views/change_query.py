"""What the address of the page Changes asks for: tab, filters and page, and the changes that match.

A value that makes no sense is left out and said in a note on the page, never an error.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import CharField, Exists, OuterRef, Q
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.dateparse import parse_date

from dashboard import access
from dashboard.filters import ListQuery
from dashboard.models import Change, Outcome, PhoneNumber, Source
from dashboard.models.numbers import search_words
from dashboard.services.fields import term
from dashboard.templatetags.changes import UNDONE

PER_PAGE = 50

# The filters Field and Outcome, by what an address calls them.
FIELDS = {
    "label": ["label"],
    "forwarding": ["forward_to", "forward_to_enabled"],
    "press_1": ["press_1_to_accept"],
    "voicemail": ["voicemail_greeting_url"],
    "ringing": ["inbound_ring_duration"],
    "members": ["participants"],
    "groups": ["participant_groups"],
}
FIELD_WORDS = {name: term(keys[0]) for name, keys in FIELDS.items()}
OUTCOMES = {
    "applied": str(Outcome.APPLIED.label),
    "undone": UNDONE.word,
    "observed": str(Outcome.OBSERVED.label),
    "conflict": str(Outcome.CONFLICT.label),
    "refused": str(Outcome.REFUSED.label),
    "failed": str(Outcome.FAILED.label),
    "unknown": str(Outcome.UNKNOWN.label),
    "waiting": str(Outcome.PENDING.label),
}
# Nothing is rented or released here yet, so nothing is looked for by it.
SOURCES = {value: label for value, label in Source.choices if value not in (Source.RENT, Source.RELEASE)}

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
class ChangeQuery(ListQuery):
    """One reading of the address. `chosen` holds the parameters that were understood, as they were written."""

    person: access.Person
    chosen: dict[str, str] = field(default_factory=dict)
    conditions: list[Any] = field(default_factory=list)

    @classmethod
    def read(cls, parameters: Any, person: access.Person) -> "ChangeQuery":
        """Read the parameters of an address (a QueryDict)."""
        query = cls(person)
        readers: dict[str, Callable[[str], Any]] = {
            "view": lambda name: tabs(person)[name][1],
            "seen": lambda word: {"no": Q(state=Outcome.OBSERVED, seen_at__isnull=True)}[word],
            "q": query._search,
            "person": lambda name: Q(plan__author_name=name),
            "field": lambda name: Q(*[("after__has_key", key) for key in FIELDS[name]], _connector=Q.OR),
            "source": lambda name: Q(plan__source=Source(name)),
            "outcome": _outcome,
            "from": lambda text: Q(created_at__gte=_midnight(text, time.min)),
            "to": lambda text: Q(created_at__lte=_midnight(text, time.max)),
            "number": lambda close_id: Q(number__close_id=close_id),
        }
        for name in parameters:
            if name in readers and (text := parameters[name].strip()):
                query._take(name, text, readers[name])
        query.read_page(parameters.get("page", "").strip())
        query.leave_out(name for name in parameters if name not in (*readers, "page"))
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

    @property
    def parameters(self) -> dict[str, str]:
        return self.chosen

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
