"""The people and groups of the Close organisation, as Close last said them."""

from django.db import models

# Who or what is named on a number before a walk has met them.
UNKNOWN_PERSON = "Unknown person"
UNKNOWN_GROUP = "Unknown group"
# Somebody whom no walk has met yet may be active.
MAY_BE_ACTIVE = models.Q(active=True) | models.Q(name=UNKNOWN_PERSON)


class Group(models.Model):
    """A group in Close; the product calls it a team."""

    close_id = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=255)
    gone = models.BooleanField(default=False)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """A person of the Close organisation, active or not (someone who left stays known by name)."""

    close_id = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=255)
    email = models.CharField(max_length=255, blank=True)
    active = models.BooleanField(default=True)
    groups = models.ManyToManyField(Group, related_name="members")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
