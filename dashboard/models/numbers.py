"""Phone numbers: Close's last answer for each, with columns for what is searched, filtered and sorted."""

import re
from collections.abc import Iterable
from typing import Any

from django.db import connection, models
from django.db.models import Case, F, Q, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Left, Lower

from dashboard.models.people import Group, Member

_here = Q(missing_since__isnull=True)

# A text can be longer than a database indexes; people do not look further than this for what comes first.
SORTED_LENGTH = 100

# What the list can be sorted by. Filters and views name these; each has an index, and the id breaks ties.
SORT_KEYS: dict[str, tuple[Any, ...]] = {
    "number": (F("number"),),
    "label": (F("label_sort"),),
    "team": (F("teams_sort"),),
    "members": (F("people_sort"),),
    "forwarding": (F("forward_to_enabled"), F("forward_to")),
    "press_1": (F("press_1_to_accept"),),
    "greeting": (F("has_greeting"),),
    "changed": (F("updated_in_close"),),
}


def _sorted(name: str, *keys: Any) -> models.Index:
    """An index for one order. It also holds what is filtered by, so that it serves every filter in that order."""
    filtered = ("country", "type", "forwarding", "has_greeting", "team_keys")
    return models.Index(*keys, "id", *filtered, name=f"number_by_{name}", condition=_here)


def search_words(text: str) -> list[str]:
    """The parts that must all be found in `search_text`.

    Something typed like a phone number ("0161 496", "+44 (0)20 79-46", "001 415") is one run of digits,
    without the national or international prefix that E.164 does not have; anything else is split at spaces.
    """
    # SQLite's trigrams cannot look for the character NUL, PostgreSQL cannot hold it.
    text = text.replace("\0", " ").strip().casefold()
    if re.fullmatch(r"[+(]?[\d\s().\-/+\u2010-\u2015]+", text) and re.search(r"\d", text):
        digits = re.sub(r"\D", "", text.replace("(0)", ""))
        return [digits.lstrip("0") or digits]
    return [re.sub(r"^\+(?=\d)", "", word) for word in text.split()]


class PhoneNumberQuerySet(models.QuerySet["PhoneNumber"]):
    def here(self) -> "PhoneNumberQuerySet":
        """Numbers that Close still has, as far as we know."""
        return self.filter(_here)

    def of_teams(self, keys: Iterable[int]) -> "PhoneNumberQuerySet":
        """Numbers that belong to at least one of these teams (keys of groups)."""
        one_of = Q(pk__in=[])
        for key in keys:
            one_of |= Q(team_keys__contains=f",{key},")
        return self.filter(one_of)

    def search(self, text: str) -> "PhoneNumberQuerySet":
        """Numbers with every word of `text` in their digits, label, people, teams or forwarding target."""
        words = search_words(text)
        if not words:
            return self
        if connection.vendor != "sqlite":
            return self.filter(*[Q(search_text__contains=word) for word in words])
        # Trigrams find three characters and more; a shorter word is looked for in the texts themselves.
        numbers = self
        if long := [word for word in words if len(word) >= 3]:
            match = " AND ".join('"' + word.replace('"', '""') + '"' for word in long)
            numbers = numbers._found("SELECT rowid FROM dashboard_number_search WHERE search_text MATCH %s", match)
        for word in words:
            if len(word) < 3:
                like = "%" + re.sub(r"([\\%_])", r"\\\1", word) + "%"
                texts = "SELECT id FROM dashboard_number_search_content WHERE c0 LIKE %s ESCAPE '\\'"
                numbers = numbers._found(texts, like)
        return numbers

    def _found(self, sql: str, word: str) -> "PhoneNumberQuerySet":
        """Numbers whose key is in what this statement of ours finds; what people typed travels as its parameter."""
        return self.filter(pk__in=RawSQL(sql, [word]))  # noqa: S611


class PhoneNumber(models.Model):
    """One phone number. `answer` holds the whole of what Close said; a text that Close has as null is "" here."""

    close_id = models.CharField(max_length=64, unique=True)
    number = models.CharField(max_length=32)
    label = models.TextField(blank=True)
    type = models.CharField(max_length=32)
    country = models.CharField(max_length=2, blank=True)
    carrier_type = models.CharField(max_length=32, blank=True)
    forward_to = models.CharField(max_length=64, blank=True)
    forward_to_enabled = models.BooleanField(default=False)
    press_1_to_accept = models.BooleanField(default=False)
    inbound_ring_duration = models.IntegerField(null=True)
    voicemail_greeting_url = models.TextField(blank=True)
    created_in_close = models.DateTimeField(null=True)
    updated_in_close = models.DateTimeField(null=True)

    members = models.ManyToManyField(Member, related_name="numbers")
    groups = models.ManyToManyField(Group, related_name="numbers")
    # Drawn from the relations above, so that a page of the table is one query.
    # people: [[close id of the member, name, active], ...]. A number's teams are its groups and the groups of its
    # active members: team_names holds their names, team_keys their keys as ",3,17,".
    people = models.JSONField(default=list)
    team_names = models.JSONField(default=list)
    team_keys = models.TextField(blank=True)
    people_sort = models.TextField(blank=True)
    teams_sort = models.TextField(blank=True)
    search_text = models.TextField(blank=True)

    # For the order and the filters, worked out by the database. forwarding is "on", "off", and where there is no
    # target "none" (off) or "nowhere" (on).
    forwarding = models.GeneratedField(
        expression=Case(
            When(forward_to="", forward_to_enabled=True, then=Value("nowhere")),
            When(forward_to="", then=Value("none")),
            When(forward_to_enabled=True, then=Value("on")),
            default=Value("off"),
        ),
        output_field=models.CharField(max_length=8),
        db_persist=True,
    )
    label_sort = models.GeneratedField(
        expression=Lower(Left("label", SORTED_LENGTH)), output_field=models.TextField(), db_persist=True
    )
    has_greeting = models.GeneratedField(
        expression=Case(When(voicemail_greeting_url="", then=False), default=True),
        output_field=models.BooleanField(),
        db_persist=True,
    )

    # The order of answers (see services.store); fetched_at is for people.
    read_no = models.BigIntegerField(default=0)
    fetched_at = models.DateTimeField(null=True)
    missed_walks = models.IntegerField(default=0)
    missing_since = models.DateTimeField(null=True)

    objects = PhoneNumberQuerySet.as_manager()

    class Meta:
        ordering = ("number", "id")
        indexes = [
            *(_sorted(name, *keys) for name, keys in SORT_KEYS.items()),
            models.Index("forward_to", name="number_by_target"),
            models.Index("read_no", name="number_by_read"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def raw(self) -> dict[str, Any]:
        """Close's last answer for this number, whole."""
        raw: dict[str, Any] = self.answer.raw
        return raw


class Answer(models.Model):
    """Close's whole last answer for one number, apart from its columns so that the table stays narrow."""

    number = models.OneToOneField(PhoneNumber, on_delete=models.CASCADE, primary_key=True)
    raw = models.JSONField()

    def __str__(self) -> str:
        return f"answer for {self.number_id}"
