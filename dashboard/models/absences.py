"""Absences: numbers that ring elsewhere from one moment to another, once or again, and go back by themselves."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from dashboard.models.numbers import PhoneNumber
from dashboard.models.plans import Plan


class Calendar(models.Model):
    """Days off: the public holidays of a country or region, less some, and days of one's own."""

    name = models.CharField(max_length=120, unique=True)
    # As the package `holidays` names them: "DE" and "BE"; none is a calendar of own days only.
    country = models.CharField(max_length=2, blank=True)
    region = models.CharField(max_length=16, blank=True)
    # {"2026-12-24": "Christmas Eve"}, and the public holidays that do not count: ["2026-10-31"].
    own_days = models.JSONField(default=dict)
    left_out = models.JSONField(default=list)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Absence(models.Model):
    """Some fields of some numbers are something else for a while. Times are local ones of `zone`.

    On each of its days it begins at `start_time` and ends `end_days` later at `end_time`. Which days these are says
    `repeats`: the first day, certain weekdays (0 is Monday), or those of a calendar.
    """

    class Repeats(models.TextChoices):
        ONCE = "once", "Once"
        WEEKDAYS = "weekdays", "On certain weekdays"
        CALENDAR = "calendar", "On the days of a calendar"

    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="absences"
    )
    author_name = models.CharField(max_length=255)
    # Of the form that it was made by: sent twice, it is one absence.
    intent = models.UUIDField(null=True, unique=True)
    name = models.CharField(max_length=255)
    reason = models.TextField(blank=True)
    numbers = models.ManyToManyField(PhoneNumber, related_name="absences")
    # The wanted values under Close's names, as in Change.after.
    sets = models.JSONField(default=dict)

    zone = models.CharField(max_length=64)
    repeats = models.CharField(max_length=16, choices=Repeats.choices, default=Repeats.ONCE)
    weekdays = models.JSONField(default=list)
    calendar = models.ForeignKey(Calendar, null=True, on_delete=models.PROTECT, related_name="absences")
    first_day = models.DateField()
    last_day = models.DateField(null=True)
    start_time = models.TimeField()
    end_time = models.TimeField()
    end_days = models.PositiveSmallIntegerField(default=0)
    # Which of the two moments is meant where the clocks go through an hour twice.
    start_later = models.BooleanField(default=False)
    end_later = models.BooleanField(default=True)

    # How often it was edited, and by whom last: an occurrence that is on catches up with it.
    edition = models.PositiveIntegerField(default=0)
    edited_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    stopped_by = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name


class Occurrence(models.Model):
    """One time that an absence is on: a plan begins it, another one puts back what was there."""

    class State(models.TextChoices):
        COMING = "coming", "Coming"
        ON = "on", "On"
        RETURNING = "returning", "Going back"
        OVER = "over", "Over"
        SKIPPED = "skipped", "Skipped"
        STOPPED = "stopped", "Stopped"

    absence = models.ForeignKey(Absence, on_delete=models.CASCADE, related_name="occurrences")
    day = models.DateField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.COMING)
    # Why it was skipped, or what did not go back.
    words = models.TextField(blank=True)
    start_plan = models.ForeignKey(Plan, null=True, on_delete=models.PROTECT, related_name="begins")
    end_plan = models.ForeignKey(Plan, null=True, on_delete=models.PROTECT, related_name="ends")
    late_told_at = models.DateTimeField(null=True)
    # When an ops admin looked at it after a gap and let it go on.
    let_go_at = models.DateTimeField(null=True)
    # Up to which edition of its absence it has been brought.
    edition = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("starts_at", "id")
        constraints = [models.UniqueConstraint(fields=["absence", "day"], name="one_occurrence_a_day")]
        indexes = [
            models.Index("starts_at", name="occurrence_open", condition=Q(state__in=["coming", "on", "returning"]))
        ]

    def __str__(self) -> str:
        return f"{self.absence_id} on {self.day}"


OPEN = (Occurrence.State.COMING, Occurrence.State.ON, Occurrence.State.RETURNING)


class Adjustment(models.Model):
    """An absence was edited while it was on: a plan that sends what is different since, or puts back what is not."""

    occurrence = models.ForeignKey(Occurrence, on_delete=models.CASCADE, related_name="adjustments")
    plan = models.OneToOneField(Plan, on_delete=models.PROTECT, related_name="adjusts")
    # When what became of it was noted among the holdings.
    noted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.occurrence_id}: {self.plan_id}"


class Holding(models.Model):
    """One field of one number that an absence has set: what was there, and what the absence holds it at."""

    class State(models.TextChoices):
        HELD = "held", "Held"
        RETURNED = "returned", "Went back"
        LEFT = "left", "Left as it is"
        LET_GO = "let_go", "Changed for good"
        HANDED_ON = "handed_on", "Held by the next absence"

    occurrence = models.ForeignKey(Occurrence, on_delete=models.CASCADE, related_name="holdings")
    number = models.ForeignKey(PhoneNumber, on_delete=models.PROTECT, related_name="holdings")
    field = models.CharField(max_length=64)
    former = models.JSONField(null=True)
    value = models.JSONField(null=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.HELD)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["occurrence", "number", "field"], name="one_holding_a_field"),
            # Two absences cannot hold the same field at once: which of them would say what was there before?
            models.UniqueConstraint(fields=["number", "field"], condition=Q(state="held"), name="one_holds_a_field"),
        ]

    def __str__(self) -> str:
        return f"{self.number_id}: {self.field}"
