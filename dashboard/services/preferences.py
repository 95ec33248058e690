"""What people choose for themselves: theme, time zone, columns, single-letter keys."""

from typing import Any

from django.contrib.auth.models import User

from dashboard.models import Preference


def prefer(*, user: User, **chosen: Any) -> None:
    """Remember these choices of one person (fields of Preference); all others stay as they are."""
    Preference.objects.update_or_create(user=user, defaults=chosen)
