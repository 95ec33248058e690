"""Changes as their templates want them: with what this person may do about each."""

from typing import Any

from dashboard import access
from dashboard.models import Change, Outcome
from dashboard.services import changes as record
from dashboard.services import plans


def prepare(person: access.Person, changes: list[Change]) -> record.Names:
    """Note on each of these changes (read by `record.with_story`) what may be done; return the names they need.

    `may_undo` and `undo_note` say whether and how it can be taken back, `may_retry` whether a change that did not
    happen can be made again, `may_settle` whether Close can be asked what became of it, `may_mark` whether it waits
    to be marked as seen, `may_see_plan` whether it was part of a plan that has a page for them.
    """
    changeable = access.changeable_ids(person, [change.number for change in changes])
    for change in changes:
        facts: dict[str, Any] = {"may_undo": False, "may_retry": False, "undo_note": plans.UndoNote(False)}
        theirs = change.number_id in changeable and not change.number.missing_since
        if theirs and change.state in (Outcome.APPLIED, Outcome.OBSERVED):
            facts["undo_note"] = plans.undo_note(change)
            facts["may_undo"] = facts["undo_note"].possible
        facts["may_retry"] = theirs and change.state in (Outcome.REFUSED, Outcome.FAILED)
        facts["may_settle"] = person.may_change_something and change.state == Outcome.UNKNOWN
        facts["may_mark"] = (
            person.may_change_something and change.seen_at is None and change.state in record.WAIT_TO_BE_SEEN
        )
        # Others find there what is not theirs to see.
        own = person.is_ops_admin or change.plan.author_id == person.user.pk
        facts["may_see_plan"] = change.plan.background and own and person.may_change_something
        for name, value in facts.items():
            setattr(change, name, value)
    return record.names_in(changes)
