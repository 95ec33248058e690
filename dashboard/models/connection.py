"""The connection to Close: whose it is, how it fares, how far it was read, when to wait."""

from typing import Any

from django.db import models


class Connection(models.Model):
    """The one organisation that this database holds, and what is known of the way to it. There is one row."""

    class Problem(models.TextChoices):
        NONE = "", "None"
        NO_KEY = "no_key", "No key"
        REFUSED = "refused", "Key refused"
        OTHER_ORGANISATION = "other_organisation", "Another organisation"

    organization_id = models.CharField(max_length=64, blank=True)
    organization_name = models.CharField(max_length=255, blank=True)
    acting_id = models.CharField(max_length=64, blank=True)
    acting_name = models.CharField(max_length=255, blank=True)
    permissions = models.JSONField(default=list)

    # The last four characters of the key that the environment gave when Close was last connected.
    environment_key = models.CharField(max_length=4, blank=True)

    problem = models.CharField(max_length=32, choices=Problem.choices, default=Problem.NONE, blank=True)
    problem_text = models.TextField(blank=True)
    last_answer_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    last_error_at = models.DateTimeField(null=True)
    away_since = models.DateTimeField(null=True)

    # Where this installation was last seen at work; and why, since when, nothing that was due is run (promise P9).
    base_url = models.CharField(max_length=255, blank=True)
    held_since = models.DateTimeField(null=True)
    held_why = models.TextField(blank=True)

    writes_stopped_at = models.DateTimeField(null=True)
    writes_stopped_by = models.CharField(max_length=255, blank=True)
    # The last walk that reached its end, why the last one did not, and who walks now until when at most.
    synced_at = models.DateTimeField(null=True)
    sync_error = models.TextField(blank=True)
    sync_lease_until = models.DateTimeField(null=True)
    # How many numbers the last complete walk did not meet, where that is more than can be believed.
    doubted = models.IntegerField(default=0)

    worker_seen_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.organization_name or "not connected"

    @classmethod
    def load(cls) -> "Connection":
        """The one row; made at the first call."""
        return cls.objects.get_or_create(pk=1)[0]

    @classmethod
    def note(cls, **fields: Any) -> None:
        """Write these fields of the one row and no others."""
        if not cls.objects.filter(pk=1).update(**fields):
            cls.objects.update_or_create(pk=1, defaults=fields)

    @property
    def may_change_team_numbers(self) -> bool:
        """Whether Close lets us change numbers that are not the acting person's own.

        Close names the permission `manage_group_numbers`; it may have been renamed with its label.
        """
        return bool({"manage_group_numbers", "manage_team_phone_numbers"} & set(self.permissions))


class Counter(models.Model):
    """Numbers that only grow, drawn from the database so that all processes agree on the order of things."""

    name = models.CharField(max_length=32, primary_key=True)
    value = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"


class Pause(models.Model):
    """An endpoint group of Close that no process may send to before `until` (promise P6)."""

    group = models.CharField(max_length=64, unique=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.group} until {self.until:%H:%M:%S}"


class SyncRun(models.Model):
    """One walk over all numbers of the organisation."""

    began_at = models.DateTimeField()
    # The counter's value when the walk began: whatever was read in it has a higher one.
    began_no = models.BigIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)
    asked_by = models.CharField(max_length=255, blank=True)
    pages = models.IntegerField(default=0)
    seen = models.IntegerField(default=0)
    expected = models.IntegerField(default=0)
    new = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    missing = models.IntegerField(default=0)
    complete = models.BooleanField(default=False)
    # So many numbers were not in this walk, more than can be believed: none was marked, an ops admin is asked.
    doubted = models.IntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"walk of {self.began_at:%Y-%m-%d %H:%M}"
