"""Plans and changes: who intends what, and what became of it."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from dashboard.models.numbers import PhoneNumber


class Source(models.TextChoices):
    """How a plan came about."""

    INLINE = "inline", "Edited here"
    BULK = "bulk", "Many at once"
    IMPORT = "import", "Import"
    ABSENCE = "absence", "Absence"
    UNDO = "undo", "Undo"
    HANDOVER = "handover", "Hand-over"
    RENT = "rent", "Rented"
    RELEASE = "release", "Released"
    CLOSE = "close", "Made in Close"


class Outcome(models.TextChoices):
    """The state of a change. All but the first three are final."""

    PENDING = "pending", "Waiting"
    SENDING = "sending", "Sending"
    UNKNOWN = "unknown", "Unknown"
    APPLIED = "applied", "Applied"
    REFUSED = "refused", "Refused"
    CONFLICT = "conflict", "Conflict"
    FAILED = "failed", "Failed"
    OBSERVED = "observed", "Made in Close"


OPEN = (Outcome.PENDING, Outcome.SENDING, Outcome.UNKNOWN)
IN_FLIGHT = (Outcome.SENDING, Outcome.UNKNOWN)


class Plan(models.Model):
    """Who intends what, why and from where. `digest` is the hash of what was approved (promise P2)."""

    class State(models.TextChoices):
        APPROVED = "approved", "Approved"
        DONE = "done", "Done"

    intent = models.UUIDField(unique=True)
    source = models.CharField(max_length=16, choices=Source.choices)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="plans")
    # Kept as text too, so that it stays readable after the account is gone.
    author_name = models.CharField(max_length=255)
    reason = models.TextField(blank=True)
    organization_id = models.CharField(max_length=64)
    state = models.CharField(max_length=16, choices=State.choices, default=State.APPROVED)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.get_source_display()} by {self.author_name}"


def digest_of(organization_id: str, changes: Iterable["Change"]) -> str:
    """The hash of what a plan would do: organisation, numbers, fields, before and after."""
    rows = sorted((change.number_id, json.dumps([change.before, change.after], sort_keys=True)) for change in changes)
    return hashlib.sha256(json.dumps([organization_id, rows]).encode()).hexdigest()


class ChangeQuerySet(models.QuerySet["Change"]):
    def unseen(self) -> "ChangeQuerySet":
        """Changes made in Close that nobody has marked as seen."""
        return self.filter(state=Outcome.OBSERVED, seen_at__isnull=True)

    def with_undone(self) -> "ChangeQuerySet":
        """Adds `undone`: whether an applied change has taken this one back."""
        undoing = Change.objects.filter(undoes=OuterRef("pk"), state=Outcome.APPLIED)
        return self.annotate(undone=Exists(undoing))


class Change(models.Model):
    """One number in one plan: its fields before and after, and the one outcome it ends in.

    `before` and `after` hold the changed fields only, under Close's names and in Close's types. `shown` holds
    what the editor showed of fields that were not changed; they too must still be so when the change is sent.
    """

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="changes")
    number = models.ForeignKey(PhoneNumber, on_delete=models.PROTECT, related_name="changes")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    shown = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=Outcome.choices, default=Outcome.PENDING)

    # When the PUT was about to leave, and the counter then: what was read before it says nothing about it.
    sent_at = models.DateTimeField(null=True)
    sent_no = models.BigIntegerField(null=True)
    lease_until = models.DateTimeField(null=True)
    # What Close answered for the changed fields, what it held instead (conflict), its or our words.
    answer = models.JSONField(null=True)
    found = models.JSONField(null=True)
    error = models.TextField(blank=True)
    # Which error it was, for the page: busy, held, invalid, forbidden, refused_key, not_found, plan_limit,
    # rate_limited, away, not_sent, other_organisation; empty where there is none.
    error_kind = models.CharField(max_length=32, blank=True)

    created_at = models.DateTimeField(db_index=True)
    finished_at = models.DateTimeField(null=True)
    # A change made in Close happened between the read before (observed_after) and created_at.
    observed_after = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    seen_by = models.CharField(max_length=255, blank=True)
    undoes = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="undone_by")

    objects = ChangeQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["number"], condition=Q(state__in=IN_FLIGHT), name="one_change_in_flight_per_number"
            )
        ]
        indexes = [
            models.Index(fields=["number", "-id"], name="change_by_number"),
            models.Index("number", name="change_unseen", condition=Q(state=Outcome.OBSERVED, seen_at__isnull=True)),
            models.Index("state", name="change_open", condition=Q(state__in=OPEN)),
        ]

    def __str__(self) -> str:
        return f"{self.number_id}: {', '.join(self.after)}"

    @property
    def is_final(self) -> bool:
        return self.state not in OPEN

    @property
    def fields(self) -> list[str]:
        """The names of the changed fields, as Close names them."""
        return list(self.after)

    def differs(self) -> dict[str, Any]:
        """Fields for which Close's answer is not what was sent."""
        if self.answer is None:
            return {}
        return {name: value for name, value in self.answer.items() if self.after.get(name, value) != value}
