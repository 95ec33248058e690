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
    """The state of a change: planned until its plan is approved, then open for three states, then final."""

    PLANNED = "planned", "Planned"
    PENDING = "pending", "Waiting"
    SENDING = "sending", "Sending"
    UNKNOWN = "unknown", "Unknown"
    APPLIED = "applied", "Applied"
    REFUSED = "refused", "Refused"
    CONFLICT = "conflict", "Conflict"
    FAILED = "failed", "Failed"
    OBSERVED = "observed", "Made in Close"
    LEFT_OUT = "left_out", "Left out"


OPEN = (Outcome.PENDING, Outcome.SENDING, Outcome.UNKNOWN)
IN_FLIGHT = (Outcome.SENDING, Outcome.UNKNOWN)
# A row of a plan that was never on its way to Close: it stands on the plan's page, not among the changes.
NOT_MADE = (Outcome.PLANNED, Outcome.LEFT_OUT)


class Verdict(models.TextChoices):
    """What would happen to one number of a plan, in the order in which a person needs to know it."""

    MOVED = "moved", "Changed meanwhile"
    FORBIDDEN = "forbidden", "Not allowed"
    INVALID = "invalid", "Invalid"
    LOOP = "loop", "Would go round"
    SAME = "same", "No change"
    CHANGE = "change", "Change"


class Drift(models.TextChoices):
    """What happens to a number that holds something else by the time a scheduled plan runs."""

    LEAVE = "leave", "Leave it and tell me"
    ANYWAY = "anyway", "Change it anyway"


class Hold(models.TextChoices):
    """How long a change shall hold where an absence holds the field now."""

    UNTIL = "until", "Until the absence ends, then the former value comes back"
    GOOD = "good", "For good; the absence ends for it"


class Plan(models.Model):
    """Who intends what, why and from where. `digest` is the hash of what was approved (promise P2).

    A plan made by one click on one number is approved at birth and applied at once, by the process that made it. A
    plan of several numbers is a draft first; once approved the worker applies it (`background`), at `run_at` if set.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        APPROVED = "approved", "Approved"
        RUNNING = "running", "Running"
        WAITING = "waiting", "Waiting for Close"
        PAUSED = "paused", "Paused"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    intent = models.UUIDField(unique=True)
    source = models.CharField(max_length=16, choices=Source.choices)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="plans")
    # Kept as text too, so that it stays readable after the account is gone.
    author_name = models.CharField(max_length=255)
    name = models.CharField(max_length=255, blank=True)
    reason = models.TextField(blank=True)
    # Which numbers it is about, in words: "team EMEA; 212 of 1,284".
    selection = models.TextField(blank=True)
    # What was asked for in the form that it was made from, so that it can be said and changed there.
    asked = models.JSONField(default=dict)
    organization_id = models.CharField(max_length=64)
    state = models.CharField(max_length=16, choices=State.choices, default=State.APPROVED)
    digest = models.CharField(max_length=64)
    background = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    run_at = models.DateTimeField(null=True)
    drift = models.CharField(max_length=8, choices=Drift.choices, default=Drift.LEAVE)
    hold = models.CharField(max_length=8, choices=Hold.choices, blank=True)
    approved_at = models.DateTimeField(null=True)
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # The worker that runs it has it until then; and until when it waits, for what, where Close does not answer.
    lease_until = models.DateTimeField(null=True)
    waits_until = models.DateTimeField(null=True)
    waits_for = models.TextField(blank=True)
    # When an ops admin looked at it after a gap and let it go on.
    let_go_at = models.DateTimeField(null=True)
    # When its author was told of its end, and a day before its beginning of what would be left out.
    told_at = models.DateTimeField(null=True)
    warned_at = models.DateTimeField(null=True)
    # The plan that this one takes back, or tries once more.
    undoes = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="undone_by")
    retries = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="retried_by")

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index(
                "state",
                name="plan_open",
                condition=Q(background=True) & ~Q(state__in=["done", "cancelled"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_source_display()} by {self.author_name}"

    @property
    def always_runs(self) -> bool:
        """Whether it runs whatever its author may do by then: it puts back what an absence has set."""
        return self.source == Source.ABSENCE and self.undoes_id is not None

    @property
    def reads_before_again(self) -> bool:
        """Whether `before` is what Close holds when the plan runs, not what it held when the plan was made."""
        return self.run_at is not None


def digest_of_change(plan: Plan, change: "Change") -> str:
    """The hash of what one change would do: organisation, number, fields, before and after.

    What must stay as it was belongs to what was before. A plan that runs later fixes what will be, not what was:
    there `before` is read again.
    """
    before = None if plan.reads_before_again else {**change.before, **change.shown}
    parts = [plan.organization_id, change.number_id, before, change.after]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def digest_of(changes: Iterable["Change"]) -> str:
    """The hash of what a plan would do: that of its changes' hashes."""
    return digest_of_digests(change.digest for change in changes)


def digest_of_digests(digests: Iterable[str]) -> str:
    """The same, where the changes' hashes are all that was read of them."""
    return hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()


class ChangeQuerySet(models.QuerySet["Change"]):
    def made(self) -> "ChangeQuerySet":
        """Changes that were made or are on their way, without the rows of plans that nobody has approved."""
        return self.exclude(state__in=NOT_MADE)

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
    # The hash of what was approved for this number, and what its plan's page says would happen to it.
    digest = models.CharField(max_length=64, blank=True)
    verdict = models.CharField(max_length=16, choices=Verdict.choices, default=Verdict.CHANGE)

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

    # The counter's value when the process that sends this change began to read; not stored.
    read_no = 0

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
            models.Index(fields=["plan", "state"], name="change_by_plan"),
        ]

    def __str__(self) -> str:
        return f"{self.number_id}: {', '.join(self.after)}"

    @property
    def is_final(self) -> bool:
        return self.state not in OPEN and self.state != Outcome.PLANNED

    @property
    def refused_in_our_words(self) -> bool:
        """Whether `error` of a refused change is what we say of the key and its permission, not Close's own words."""
        return self.error_kind in ("forbidden", "refused_key")

    @property
    def fields(self) -> list[str]:
        """The names of the changed fields, as Close names them."""
        return list(self.after)

    def differs(self) -> dict[str, Any]:
        """Fields for which Close's answer is not what was sent."""
        if self.answer is None:
            return {}
        return {name: value for name, value in self.answer.items() if self.after.get(name, value) != value}


def unused_targets(targets: Iterable[str]) -> set[str]:
    """Those of these targets (E.164) to which no number of ours ever forwarded, as far as we know (promise P8)."""
    new = set(targets) - {""}
    new -= set(PhoneNumber.objects.filter(forward_to__in=new).values_list("forward_to", flat=True))
    if new:
        found = Q(after__forward_to__in=list(new)) | Q(before__forward_to__in=list(new))
        done = Change.objects.filter(found, state__in=(Outcome.APPLIED, Outcome.OBSERVED)).order_by()
        for used in done.values_list("after__forward_to", "before__forward_to").distinct():
            new -= set(used)
    return new
