"""Telling people what they should know. Nothing here may delay or break a write: it is rows, sent on by a task."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from dashboard import access
from dashboard.models import Notice, Preference


def tell(users: Iterable[User | None], kind: str, words: str, url: str = "") -> None:
    """Leave a message for these people (`kind` is one of Notice.Kind, `url` a path of ours); each gets it once.

    Who has muted this kind gets none.
    """
    now = timezone.now()
    people = {user.pk: user for user in users if user is not None and user.is_active}
    muting = Preference.objects.filter(user__in=people).values_list("user", "muted")
    deaf = {pk for pk, muted in muting if kind in muted}
    Notice.objects.bulk_create(
        Notice(user=user, kind=kind, words=words, url=url, created_at=now)
        for pk, user in people.items()
        if pk not in deaf
    )


def tell_ops_admins(kind: str, words: str, url: str = "") -> None:
    """Leave a message for everybody who is an ops admin now."""
    tell(access.ops_admins(), kind, words, url)


def of(user: Any) -> Any:
    """The messages of one person, newest first."""
    return Notice.objects.filter(user=user.pk)


def unread(user: Any) -> int:
    """How many messages this person has not read."""
    return int(of(user).filter(read_at__isnull=True).count())


def mark_read(user: Any) -> int:
    """Note that this person has read all of their messages; how many there were."""
    return int(of(user).filter(read_at__isnull=True).update(read_at=timezone.now()))
