"""Who may do what: roles and scopes, and what each person has chosen for themselves."""

from datetime import date

from django.conf import settings
from django.db import models
from django.utils import timezone

from dashboard.models.people import Group


class Role(models.TextChoices):
    VIEWER = "viewer", "Viewer"
    TEAM_LEAD = "team_lead", "Team lead"
    OPS_ADMIN = "ops_admin", "Ops admin"


class Access(models.Model):
    """One person's role and scope: all numbers, or the numbers of some teams."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access")
    role = models.CharField(max_length=16, choices=Role.choices)
    all_numbers = models.BooleanField(default=False)
    teams = models.ManyToManyField(Group, blank=True, related_name="+")
    given_by = models.CharField(max_length=255, blank=True)
    given_at = models.DateTimeField()
    ends_on = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}"

    @staticmethod
    def today() -> date:
        """The day by which roles end: that of TIME_ZONE, whoever asks and wherever they read times."""
        return timezone.localdate(timezone=timezone.get_default_timezone())

    def lasts(self) -> bool:
        """Whether this role counts today: it ends on a day, or never."""
        return self.ends_on is None or self.ends_on >= self.today()


class ClaimedRole(models.Model):
    """What the company account said of one person when they last signed in, and the role which that gives.

    `role` is empty where none of the groups gives one: then a role by hand (`Access`) counts.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="claimed")
    role = models.CharField(max_length=16, choices=Role.choices, blank=True)
    all_numbers = models.BooleanField(default=False)
    teams = models.ManyToManyField(Group, blank=True, related_name="+")
    groups = models.JSONField(default=list)
    giving = models.JSONField(default=list)
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display() or 'no role'} from the company account"


class SavedView(models.Model):
    """A named query of the number list, for its owner or for everybody who may see numbers."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.TextField(blank=True)
    shared = models.BooleanField(default=False)

    class Meta:
        ordering = ("name", "id")
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="one_view_of_a_name")]

    def __str__(self) -> str:
        return self.name


class Preference(models.Model):
    """What one person has chosen: theme, time zone, columns, single-letter keys, what comes by mail."""

    class Theme(models.TextChoices):
        AUTO = "auto", "As the system"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    class Mail(models.TextChoices):
        EACH = "each", "Each message"
        DAILY = "daily", "One mail a day"
        NONE = "none", "None"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preference")
    theme = models.CharField(max_length=8, choices=Theme.choices, default=Theme.AUTO)
    zone = models.CharField(max_length=64, blank=True)
    columns = models.JSONField(default=list)
    letter_keys = models.BooleanField(default=True)
    mail = models.CharField(max_length=8, choices=Mail.choices, default=Mail.EACH)
    # The kinds of Notice that this person does not want at all.
    muted = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"preferences of {self.user}"
