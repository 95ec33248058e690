"""Changes of one number: each is intended in a plan first, and stored before anything leaves the house.

An inline edit and an undo are plans of one change, approved by whoever makes them and sent at once. Those of several
numbers are made by planning.py and carried out by running.py. `writing.apply` sends each change of both, and each
ends in one outcome.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from dashboard import access
from dashboard.access import Person
from dashboard.models import Change, Connection, Hold, Outcome, PhoneNumber, Plan, Source
from dashboard.models.numbers import DEFAULT_RING
from dashboard.models.plans import digest_of, digest_of_change
from dashboard.services import connection as connections
from dashboard.services import fields, settling, writing

# The same intent twice: the second request waits this long (in seconds) for the first one's outcome.
TWIN_WAITS = 20.0


class NotAllowedError(Exception):
    """This person may not make this change: `words` says why and whom to ask."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class HeldError(NotAllowedError):
    """Nothing is written to Close at present, whoever asks: `words` says why."""


@dataclass(frozen=True)
class UndoNote:
    """Whether a change can be taken back, and what has to be said before the click."""

    possible: bool
    words: str = ""


def change_number(
    *,
    actor: Person,
    number: PhoneNumber,
    after: Mapping[str, Any],
    was: Mapping[str, Any],
    intent: UUID,
    source: str = Source.INLINE,
    reason: str = "",
    hold: str = "",
    undoes: Change | None = None,
    connection: Connection | None = None,
) -> Change:
    """Change one number now: a plan of one change, approved by the person who makes it. Returns the change.

    `after`: the changed fields, under Close's names. `was`: every field the editor showed, as it was when it was
    opened. `hold`: one of Hold, for what an absence holds. `connection`: as the caller has loaded it already. The
    same `intent` again gives the first outcome again. Raises NotAllowedError and HeldError before anything is stored;
    whatever happens after that is in the change: its state, error and answer.
    """
    if (first := _first_of(intent, actor, number)) is not None:
        return first
    connection = connection or Connection.load()
    if words := access.why_not(actor, number, after, connection):
        raise NotAllowedError(words)
    if words := connections.why_no_write(connection):
        raise HeldError(words)
    now = timezone.now()
    plan = Plan(
        intent=intent,
        source=source,
        author=actor.user if isinstance(actor.user, User) else None,
        author_name=actor.name,
        reason=reason,
        hold=hold,
        organization_id=connection.organization_id,
        created_at=now,
        approved_at=now,
    )
    change = Change(
        plan=plan,
        number=number,
        before={name: was[name] for name in after},
        after=dict(after),
        shown={name: value for name, value in was.items() if name not in after},
        created_at=now,
        undoes=undoes,
    )
    change.digest = digest_of_change(plan, change)
    plan.digest = digest_of([change])
    try:
        with transaction.atomic():
            plan.save(force_insert=True)
            change.plan = plan
            writing.begin(change)
    except IntegrityError:
        # The same form was submitted twice at the same moment.
        if (first := _first_of(intent, actor, number)) is not None:
            return first
        raise
    writing.apply(change, connection)
    return change


def _first_of(intent: UUID, actor: Person, number: PhoneNumber) -> Change | None:
    """The change that this intent has made before, once it has an outcome; None for a new intent."""
    if not Plan.objects.filter(intent=intent).exists():
        return None
    changes = Change.objects.filter(plan__intent=intent).select_related("plan", "number")
    until = time.monotonic() + TWIN_WAITS
    while (change := changes.first()) is not None:
        if change.plan.author_id != actor.user.pk or change.number_id != number.pk:
            raise NotAllowedError("This form belongs to another change. Reload the page and try again.")
        if change.is_final or change.state == Outcome.UNKNOWN or time.monotonic() > until:
            return change
        time.sleep(0.05)
    return None


def undo_note(change: Change, *, undone: bool | None = None) -> UndoNote:
    """Whether this change can be taken back (promise P7), and what an undo cannot bring back exactly.

    `undone`: whether it was taken back already, where the caller knows.

    A null label goes back as "", a null ring duration as 30 s. A target that was the first one cannot be removed:
    Close takes no empty target, so forwarding is switched off instead.
    """
    if change.state not in (Outcome.APPLIED, Outcome.OBSERVED):
        return UndoNote(False, "Nothing was changed in Close, so there is nothing to take back.")
    # A page of changes has asked this for all of them at once (ChangeQuerySet.with_undone).
    if undone is None:
        undone = getattr(change, "undone", None)
    if undone is None:
        undone = Change.objects.filter(undoes=change, state=Outcome.APPLIED).exists()
    if undone:
        return UndoNote(False, "This was already undone.")
    if change.number.missing_since:
        return UndoNote(False, "The number is gone from Close.")
    names = set(change.before)
    if not names & set(fields.WRITABLE):
        return UndoNote(False, "This can only be changed back in Close.")
    if not fields.differing(change.before, _held(change), fields.WRITABLE):
        return UndoNote(False, "Close holds what it held before.")
    notes = []
    if names - set(fields.WRITABLE):
        notes.append("Other phones stay as they are now.")
    if _first_target(change):
        if not _held(change).get("forward_to_enabled", change.number.forward_to_enabled):
            return UndoNote(False, "Close cannot take a first target away again, and forwarding is off already.")
        notes.append("Close cannot take the target away again, so forwarding is switched off instead.")
    if "inbound_ring_duration" in names and change.before["inbound_ring_duration"] is None:
        notes.append(f"It goes back to {DEFAULT_RING} seconds, which is Close’s default.")
    return UndoNote(True, " ".join(notes))


def undo(*, actor: Person, change: Change, intent: UUID) -> Change:
    """Take a change back by a plan of its own; returns the new change. Conflicts like any other.

    It goes back to exactly what was there, compares with what Close answered then, and does not pass the forms:
    Close judges. Raises NotAllowedError (also where `undo_note` says that it cannot be) and HeldError.
    """
    if (first := _first_of(intent, actor, change.number)) is not None:
        return first
    if not (note := undo_note(change)).possible:
        raise NotAllowedError(note.words)
    after, was = taken_back(change)
    return change_number(
        actor=actor,
        number=change.number,
        after=after,
        was=was,
        intent=intent,
        source=Source.UNDO,
        undoes=change,
        # What was changed until an absence ends is its own again, and goes back with it.
        hold=change.plan.hold if change.plan.hold == Hold.UNTIL else "",
    )


def taken_back(change: Change) -> tuple[dict[str, Any], dict[str, Any]]:
    """What taking this change back would set, and what Close must still hold for it: `after` and `was`."""
    after = {name: change.before[name] for name in fields.WRITABLE if name in change.before}
    was = {name: value for name, value in _held(change).items() if name in after}
    if _first_target(change):
        del after["forward_to"]
        after["forward_to_enabled"] = False
        was.setdefault("forward_to_enabled", True)
    after = {
        name: value for name, value in fields.for_close(after).items() if not fields.same(name, value, was[name])
    }
    return after, was


def _held(change: Change) -> dict[str, Any]:
    """What Close held once this change was made."""
    return {**change.after, **(change.answer or {})}


def _first_target(change: Change) -> bool:
    """Whether this change set a target where there was none."""
    return "forward_to" in change.before and not change.before["forward_to"]


def settle(change: Change) -> None:
    """Ask Close now what became of a change whose outcome is unknown."""
    if change.state == Outcome.UNKNOWN:
        settling.settle(change)


def sweep() -> None:
    """What is due each minute: end what was left behind, and settle what is unknown. May run twice or never."""
    settling.recover()
    settling.leave_out("The plan was cancelled before it came to this number.")
    settling.settle_all()
