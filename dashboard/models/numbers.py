"""Phone numbers: Close's last answer for each, with columns for what is searched, filtered and sorted."""

import re
from typing import Any

from django.db import connection, models
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower

from dashboard.models.people import Group, Member

_here = Q(missing_since__isnull=True)


def search_words(text: str) -> list[str]:
    """The parts that must all be found in `search_text`.

    Something typed like a phone number ("0161 496", "+44 (0)20 79-46", "001 415") is one run of digits,
    without the national or international prefix that E.164 does not have; anything else is split at spaces.
    """
    text = text.strip().lower()
    if re.fullmatch(r"[+(]?[\d\s().\-/+\u2010-\u2015]+", text) and re.search(r"\d", text):
        digits = re.sub(r"\D", "", text.replace("(0)", ""))
        return [digits.lstrip("0") or digits]
    return text.split()


class PhoneNumberQuerySet(models.QuerySet["PhoneNumber"]):
    def here(self) -> "PhoneNumberQuerySet":
        """Numbers that Close still has, as far as we know."""
        return self.filter(_here)

    def search(self, text: str) -> "PhoneNumberQuerySet":
        """Numbers with every word of `text` in their digits, label, people, teams or forwarding target."""
        words = search_words(text)
        if not words:
            return self
        if connection.vendor != "sqlite":
            return self.filter(*[Q(search_text__contains=word) for word in words])
        # Trigrams find three characters and more; a shorter word is looked for in what they leave.
        long = [word for word in words if len(word) >= 3]
        conditions, params = [], []
        if long:
            conditions.append("search_text MATCH %s")
            params.append(" AND ".join('"' + word.replace('"', '""') + '"' for word in long))
        for word in set(words) - set(long):
            conditions.append("search_text LIKE %s ESCAPE '\\'")
            params.append("%" + re.sub(r"([\\%_])", r"\\\1", word) + "%")
        # The conditions are ours; what people typed travels as parameters.
        sql = "SELECT rowid FROM dashboard_number_search WHERE " + " AND ".join(conditions)  # noqa: S608
        return self.filter(pk__in=RawSQL(sql, params))  # noqa: S611


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
    # A number's teams are its groups and the groups of its active members.
    teams = models.ManyToManyField(Group, related_name="team_numbers")

    # Drawn from the relations above, so that a page of the table is one query.
    # people: [[close id of the member, name, active], ...]; team_names: [name, ...].
    people = models.JSONField(default=list)
    team_names = models.JSONField(default=list)
    people_sort = models.TextField(blank=True)
    teams_sort = models.TextField(blank=True)
    search_text = models.TextField(blank=True)

    # The order of answers (see services.store); fetched_at is for people.
    read_no = models.BigIntegerField(default=0)
    fetched_at = models.DateTimeField(null=True)
    missed_walks = models.IntegerField(default=0)
    missing_since = models.DateTimeField(null=True)

    objects = PhoneNumberQuerySet.as_manager()

    class Meta:
        ordering = ("number", "id")
        indexes = [
            models.Index("number", "id", name="number_by_number", condition=_here),
            models.Index(Lower("label"), "id", name="number_by_label", condition=_here),
            models.Index("teams_sort", "id", name="number_by_team", condition=_here),
            models.Index("people_sort", "id", name="number_by_people", condition=_here),
            models.Index(
                "forward_to_enabled", "forward_to", "id", name="number_by_forwarding", condition=_here
            ),
            models.Index("press_1_to_accept", "id", name="number_by_press_1", condition=_here),
            models.Index("voicemail_greeting_url", "id", name="number_by_greeting", condition=_here),
            models.Index("updated_in_close", "id", name="number_by_updated", condition=_here),
            models.Index("country", "number", name="number_by_country", condition=_here),
            models.Index("type", "number", name="number_by_type", condition=_here),
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
