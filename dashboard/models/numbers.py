"""Phone numbers: Close's last answer for each, with columns for what is searched, filtered and sorted."""

import re
import unicodedata
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

DEFAULT_RING = 30
"""Seconds that Close rings where `inbound_ring_duration` is null."""

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

# What the list is filtered by, as the indexes hold it. What comes first is nothing that a filter asks to be equal,
# since then SQLite would find the numbers by it and sort them all. `missing_since` is null in all of them, and stands
# there because SQLite looks it up in the table otherwise.
FILTERED = ("team_keys", "country", "type", "forwarding", "has_greeting", "missing_since")


def _sorted(name: str, *keys: Any) -> models.Index:
    """An index for one order. It also holds what is filtered by, so that it serves every filter in that order."""
    return models.Index(*keys, "id", *FILTERED, name=f"number_by_{name}", condition=_here)


def folded(text: str) -> str:
    """A text as it is looked for: without accents, in lower case; "ß" is "ss"."""
    parts = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in parts if not unicodedata.combining(sign)).casefold()


def search_words(text: str) -> list[str]:
    """The parts that must all be found in `search_text`.

    Something typed like a phone number ("0161 496", "+44 (0)20 79-46", "001 415") is one run of digits,
    without the national or international prefix that E.164 does not have; anything else is split at spaces.
    """
    # SQLite's trigrams cannot look for the character NUL, PostgreSQL cannot hold it.
    text = folded(text.replace("\0", " ")).strip()
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

    def search(self, text: str, *, one_by_one: bool = False) -> "PhoneNumberQuerySet":
        """Numbers with every word of `text` in their digits, label, people, teams or forwarding target.

        `one_by_one`: SQLite looks at the numbers in their order until it has enough, and not at all that are found
        before it puts them in order. That is quicker where much is found.
        """
        words = search_words(text)
        if not words:
            return self
        if one_by_one or connection.vendor != "sqlite":
            return self.filter(*[Q(search_text__contains=word) for word in words])
        # What people typed travels as parameters of this statement of ours.
        return self.filter(pk__in=RawSQL(*_matching(words)))  # noqa: S611


def count_search(text: str) -> int:
    """How many of all numbers that are here a search finds. SQLite counts them in its index, without the table."""
    words = search_words(text)
    if not words or connection.vendor != "sqlite":
        return PhoneNumber.objects.here().search(text).count()
    matching, parameters = _matching(words)
    gone = "SELECT id FROM dashboard_phonenumber WHERE missing_since IS NOT NULL"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM ({matching}) WHERE id NOT IN ({gone})", parameters)  # noqa: S608
        return int(cursor.fetchone()[0])


def _matching(words: list[str]) -> tuple[str, list[str]]:
    """The statement by which SQLite finds the keys of numbers with all these words, and its parameters."""
    likes = ["%" + re.sub(r"([\\%_])", r"\\\1", word) + "%" for word in words if len(word) < 3]
    long = ['"' + word.replace('"', '""') + '"' for word in words if len(word) >= 3]
    # Trigrams find three characters and more; a shorter word is looked for in the texts that are left.
    if long:
        like = " AND search_text LIKE %s ESCAPE '\\'" * len(likes)
        found = f"SELECT rowid AS id FROM dashboard_number_search WHERE search_text MATCH %s{like}"  # noqa: S608
        return found, [" AND ".join(long), *likes]
    like = " AND ".join(["c0 LIKE %s ESCAPE '\\'"] * len(likes))
    return f"SELECT id FROM dashboard_number_search_content WHERE {like}", likes  # noqa: S608


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
            # What is filtered by and nothing else: the narrowest, so that this is what SQLite reads to count.
            models.Index(*FILTERED, name="number_filtered", condition=_here),
            models.Index("missing_since", name="number_gone", condition=Q(missing_since__isnull=False)),
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
    # What earlier answers said of followed fields that the last one left out: a key can be missing now and then.
    unsaid = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"answer for {self.number_id}"
