"""The record of changes: the names it speaks of, its story for a page, and what was made in Close marked as seen."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Prefetch
from django.utils import timezone

from dashboard import access
from dashboard.models import Change, Group, Member, Outcome
from dashboard.models.people import UNKNOWN_GROUP, UNKNOWN_PERSON

# Made in Close, or intended here and not done: somebody should have looked at it.
WAIT_TO_BE_SEEN = (Outcome.OBSERVED, Outcome.CONFLICT, Outcome.REFUSED, Outcome.FAILED)


@dataclass(frozen=True)
class Names:
    """The names behind Close's ids of people and groups, also of those who left."""

    people: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)

    def person(self, close_id: str) -> str:
        return self.people.get(close_id) or UNKNOWN_PERSON

    def group(self, close_id: str) -> str:
        return self.groups.get(close_id) or UNKNOWN_GROUP


def with_story(changes: Any) -> Any:
    """These changes with all that a page says of one: its number, its plan, and what undid it."""
    undoing = Change.objects.filter(state=Outcome.APPLIED).select_related("plan")
    return (
        changes.with_undone()
        .select_related("plan", "number")
        .prefetch_related(Prefetch("undone_by", queryset=undoing, to_attr="undoings"))
    )


def names_in(changes: Iterable[Change]) -> Names:
    """The names of all people and groups that these changes speak of, in at most two queries."""
    people: set[str] = set()
    groups: set[str] = set()
    for change in changes:
        for state in (change.before, change.after, change.found or {}, change.answer or {}):
            people.update(state.get("participants") or [])
            groups.update(state.get("participant_groups") or [])
    return Names(
        dict(Member.objects.filter(close_id__in=people).values_list("close_id", "name")) if people else {},
        dict(Group.objects.filter(close_id__in=groups).values_list("close_id", "name")) if groups else {},
    )


def all_names() -> Names:
    """The names of everybody and every group, for exports that do not know beforehand whom they will meet."""
    return Names(
        dict(Member.objects.values_list("close_id", "name")), dict(Group.objects.values_list("close_id", "name"))
    )


def mark_seen(*, actor: access.Person, ids: Iterable[int]) -> int:
    """Note that `actor` has looked at these changes; returns how many were not seen before.

    Only what was made in Close or did not happen waits to be seen; what `actor` may not see is left alone.
    """
    waiting = access.visible_changes(actor).filter(pk__in=list(ids), state__in=WAIT_TO_BE_SEEN, seen_at__isnull=True)
    return int(waiting.update(seen_at=timezone.now(), seen_by=actor.name))
