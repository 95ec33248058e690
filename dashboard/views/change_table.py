"""Changes as rows of a CSV file: one for each changed field, in words for people and in values for programs."""

from collections.abc import Iterable, Iterator
from typing import Any

from dashboard.models import Change
from dashboard.services.changes import Names
from dashboard.services.fields import term
from dashboard.templatetags.changes import LISTS, outcome, value

HEADER = (
    "change",
    "time",
    "finished",
    "made_in_close_after",
    "who",
    "number",
    "number_id",
    "label",
    "field",
    "field_name",
    "from",
    "to",
    "reason",
    "source",
    "outcome",
    "words",
    "undoes",
    "undone_at",
    "undone_by",
    "seen_at",
    "seen_by",
)


def rows(changes: Iterable[Change], names: Names) -> Iterator[list[Any]]:
    """One row for each field of these changes (read by `services.changes.with_story`)."""
    for change in changes:
        undoing = next(iter(change.undoings), None)  # type: ignore[attr-defined]
        for field in change.fields:
            yield [
                change.pk,
                change.created_at,
                change.finished_at,
                change.observed_after,
                change.plan.author_name or "not known",
                change.number.number,
                change.number.close_id,
                change.number.label,
                field,
                term(field),
                _plain(field, change.before.get(field), names),
                _plain(field, change.after[field], names),
                change.plan.reason,
                change.plan.get_source_display(),
                outcome(change).word,
                change.error,
                change.undoes_id,
                undoing and undoing.created_at,
                undoing and undoing.plan.author_name,
                change.seen_at,
                change.seen_by,
            ]


def _plain(field: str, held: Any, names: Names) -> Any:
    """A value as Close holds it; people and groups by name."""
    if field in LISTS:
        return str(value(field, held, names)) if held else ""
    return held
