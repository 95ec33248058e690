"""Imports: tables that people have brought, until a plan is made of them."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from dashboard.models.plans import Plan


class Import(models.Model):
    """One table: where it came from, what its columns are, and what was found wrong. Kept for a week.

    `mapping` holds for each heading the name of the field, "leave" where it is left out, and "" while nobody has
    decided. While `count` is null the table is still being read.
    """

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="imports")
    file_name = models.CharField(max_length=255)
    # What kind of file it is, in words, and what is to be known of how it was read.
    kind = models.CharField(max_length=64)
    note = models.TextField(blank=True)
    headings = models.JSONField(default=list)
    mapping = models.JSONField(default=list)
    count = models.IntegerField(null=True)
    created_at = models.DateTimeField()

    # What the last check found: rows with an error, without a number to change, and those that change something.
    checked_at = models.DateTimeField(null=True)
    wrong = models.IntegerField(default=0)
    nowhere = models.IntegerField(default=0)
    changing = models.IntegerField(default=0)
    plan = models.ForeignKey(Plan, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.file_name


class ImportRow(models.Model):
    """One row of a table as it was read; `errors` holds [place of the column or null, words] for each."""

    imported = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rows")
    # As spreadsheets count: the headings are row 1.
    place = models.IntegerField()
    cells = models.JSONField()
    errors = models.JSONField(default=list)
    is_wrong = models.BooleanField(default=False)

    class Meta:
        ordering = ("place",)
        constraints = [models.UniqueConstraint(fields=["imported", "place"], name="import_row_once")]
        indexes = [models.Index(fields=["imported", "place"], name="import_row_wrong", condition=Q(is_wrong=True))]

    def __str__(self) -> str:
        return f"row {self.place}"
