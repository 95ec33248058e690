"""The named queries of the number list that people save, each for themselves or for everybody."""

from django.db import IntegrityError, transaction

from dashboard.models import SavedView

MOST_VIEWS = 30
"""How many views one person can have: each is a tab, and each tab has its count."""


class NotSavedError(Exception):
    """This view cannot be saved: `words` says why and what to do."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


def save(view: SavedView) -> None:
    """Store a view, new or changed. Raises NotSavedError where its owner has too many, or one of that name."""
    if view.pk is None and SavedView.objects.filter(owner=view.owner_id).count() >= MOST_VIEWS:
        words = f"You have {MOST_VIEWS} views, and there is room for no more. Delete one that you can spare."
        raise NotSavedError(words)
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        words = f"You have a view called “{view.name}” already. Give this one another name."
        raise NotSavedError(words) from None
