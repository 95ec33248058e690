"""Plans of several numbers: what would happen to each is worked out, shown, confirmed, and only then handed on.

A draft has a row for every number that was asked for, each with a verdict. Approving it makes the rows that would
change something pending, as they were shown (promise P2); the worker applies them (services/running.py).
"""

import functools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from dashboard import access
from dashboard.access import Person
from dashboard.models import Change, Connection, Outcome, PhoneNumber, Plan, Source, Verdict
from dashboard.models.plans import digest_of_change
from dashboard.services import fields, judging
from dashboard.services.plans import NotAllowedError

CHUNK = 500
APPROVED = "Somebody has approved this plan already. It runs once."


class StaleError(NotAllowedError):
    """The plan is not what this person saw any more: `words` says what happened to it."""


@dataclass(frozen=True)
class Row:
    """What a plan shall do to one number: `after`, the wanted values under Close's names.

    `before`: what Close must still hold, where that is not what the cache says now. `error`: why the row cannot be
    right, where its maker knows already. `undoes`: the change that it takes back.
    """

    number: PhoneNumber
    after: Mapping[str, Any]
    before: Mapping[str, Any] | None = None
    error: str = ""
    undoes: Change | None = field(default=None, compare=False)


def propose(
    *,
    actor: Person,
    source: str,
    rows: Iterable[Row],
    intent: UUID,
    name: str = "",
    reason: str = "",
    selection: str = "",
    asked: Mapping[str, Any] | None = None,
    judged: bool = True,
    rights: bool = True,
    all_fields: bool = False,
    undoes: Plan | None = None,
    retries: Plan | None = None,
) -> Plan:
    """Store a draft with a verdict for each row; the same `intent` again gives the first draft again.

    `selection`: in words, which numbers these are. `asked`: what was asked for in the form, as the form keeps it.
    `judged`: whether the values pass the forms' rules; what puts former values back does not (Close judges).
    `rights`: whether the actor's rights count; the end of an absence happens whoever its author is by then.
    `all_fields`: whether also what a number holds already is set again, for a plan that runs later. Raises
    NotAllowedError where the actor may change nothing at all.
    """
    if rights and not actor.may_change_something:
        raise NotAllowedError(access.MAY_ONLY_LOOK)
    if (first := Plan.objects.filter(intent=intent).first()) is not None:
        return _own(first, actor)
    connection = Connection.load()
    plan = Plan(
        intent=intent,
        source=source,
        author=actor.user if isinstance(actor.user, User) else None,
        author_name=actor.name,
        name=name,
        reason=reason,
        selection=selection,
        asked=dict(asked or {}),
        organization_id=connection.organization_id,
        state=Plan.State.DRAFT,
        background=True,
        created_at=timezone.now(),
        undoes=undoes,
        retries=retries,
    )
    judge = functools.partial(_judge, plan, actor, connection, judged=judged, rights=rights, all_fields=all_fields)
    changes = [change for chunk in _chunks(rows) for change in judge(chunk)]
    _mark_twice(changes)
    if judged:
        judging.mark_loops(changes)
    try:
        with transaction.atomic():
            plan.save(force_insert=True)
            for change in changes:
                change.plan = plan
            Change.objects.bulk_create(changes, batch_size=CHUNK)
    except IntegrityError:
        # The same form was submitted twice at the same moment.
        return _own(Plan.objects.get(intent=intent), actor)
    return plan


def _own(plan: Plan, actor: Person) -> Plan:
    if plan.author_id != actor.user.pk:
        raise NotAllowedError("This form belongs to another plan. Reload the page and try again.")
    return plan


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rows = iter(rows)
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _mark_twice(changes: list[Change]) -> None:
    """One plan changes a number once: a second row for it is invalid."""
    seen: set[int] = set()
    for change in changes:
        if change.number_id in seen:
            change.verdict, change.error = Verdict.INVALID, "This number stands in the plan already."
        seen.add(change.number_id)


def _judge(
    plan: Plan,
    actor: Person,
    connection: Connection,
    rows: list[Row],
    *,
    judged: bool,
    rights: bool = True,
    all_fields: bool = False,
) -> Iterator[Change]:
    """The rows of one piece as changes, each with its verdict."""
    allowed = access.changeable_ids(actor, [row.number for row in rows]) if rights else None
    belonging = judging.Belonging()
    for row in rows:
        number, after, error = row.number, dict(row.after), row.error
        if judged and not error:
            after, error = judging.values(number, after, belonging)
        before = dict(row.before) if row.before is not None else fields.held(number, after)
        change = Change(
            plan=plan,
            number=number,
            before=before,
            after=after,
            state=Outcome.PLANNED,
            created_at=plan.created_at,
            undoes=row.undoes,
        )
        change.verdict, change.error = _verdict(change, error, allowed, actor, connection)
        if change.verdict == Verdict.CHANGE and not all_fields:
            # What it holds already is not sent, but must still be so when the rest is.
            for name in set(after) - set(fields.differing(after, before)):
                change.shown[name] = change.before.pop(name)
                del change.after[name]
        if change.verdict in (Verdict.CHANGE, Verdict.SAME):
            change.digest = digest_of_change(plan, change)
        yield change


def _verdict(
    change: Change, error: str, allowed: set[int] | None, actor: Person, connection: Connection
) -> tuple[str, str]:
    number = change.number
    if allowed is not None:
        if words := access.why_not_fields(actor, change.after):
            return Verdict.FORBIDDEN, words
        if number.pk not in allowed:
            return Verdict.FORBIDDEN, access.why_not(actor, number, change.after, connection) or access.BEYOND_TEAMS
        if words := access.why_close_would_not(number, change.after, connection):
            return Verdict.FORBIDDEN, words
    if error:
        return Verdict.INVALID, error
    if number.missing_since or fields.differing(change.before, _cached(change)):
        change.found = _cached(change)
        return Verdict.MOVED, _moved_words(number)
    if not fields.differing(change.after, change.before):
        return Verdict.SAME, "It is so already."
    return Verdict.CHANGE, ""


def _moved_words(number: PhoneNumber) -> str:
    return "Gone from Close." if number.missing_since else "Somebody changed it since then."


def compare(plan: Plan) -> bool:
    """Compare a draft with what Close said last; whether a row's verdict is another one now.

    A number that was changed since the draft was made is marked: this plan does not overwrite it. Raises StaleError
    where the plan is not a draft any more.
    """
    with locked(plan):
        rows = plan.changes.filter(state=Outcome.PLANNED, verdict__in=[Verdict.CHANGE, Verdict.SAME])
        changes = list(rows.select_related("number").iterator(CHUNK))
        for change in changes:
            if change.number.missing_since or fields.differing({**change.before, **change.shown}, _cached(change)):
                change.verdict, change.error = Verdict.MOVED, _moved_words(change.number)
                change.found = _cached(change)
        if plan.source != Source.UNDO:
            judging.mark_loops(changes)
        differ = [change for change in changes if change.verdict in (Verdict.MOVED, Verdict.LOOP)]
        Change.objects.bulk_update(differ, ["verdict", "error", "found"], batch_size=CHUNK)
    return bool(differ)


def differing(plan: Plan) -> tuple[int, int]:
    """How many numbers of an approved plan wait, and how many of them hold something else by now, or are gone."""
    waiting = plan.changes.filter(state=Outcome.PENDING).select_related("number")
    moved = [
        bool(
            change.number.missing_since or fields.differing(change.before, fields.held(change.number, change.before))
        )
        for change in waiting.iterator(CHUNK)
    ]
    return len(moved), sum(moved)


def _cached(change: Change) -> dict[str, Any]:
    return fields.held(change.number, (*change.before, *change.shown))


def take_as_now(plan: Plan, actor: Person, ids: Iterable[int]) -> None:
    """Let rows that were changed meanwhile start from what Close holds now: "use mine", decided for each."""
    must_be_draft(plan, actor)
    connection = Connection.load()
    with locked(plan):
        moved = plan.changes.filter(pk__in=list(ids), verdict=Verdict.MOVED)
        rows = list(moved.select_related("number", "undoes"))
        for change in rows:
            change.delete()
        wanted = [Row(change.number, {**change.shown, **change.after}, undoes=change.undoes) for change in rows]
        changes = list(_judge(plan, actor, connection, wanted, judged=False))
        Change.objects.bulk_create(changes)


def narrow(plan: Plan, actor: Person, ids: Iterable[int]) -> int:
    """Take these rows out of a draft; how many there were."""
    must_be_draft(plan, actor)
    with locked(plan):
        return int(plan.changes.filter(pk__in=list(ids), state=Outcome.PLANNED).delete()[0])


def describe(plan: Plan, actor: Person, *, name: str, reason: str) -> None:
    """Name a draft and say why it is made."""
    must_be_draft(plan, actor)
    with locked(plan):
        plan.name, plan.reason = name, reason
        plan.save(update_fields=["name", "reason"])


def discard(plan: Plan, actor: Person) -> None:
    """Throw a draft away. Nothing has happened, so nothing is kept."""
    must_be_draft(plan, actor)
    with locked(plan):
        plan.changes.filter(state=Outcome.PLANNED).delete()
        plan.delete()


def must_be_draft(plan: Plan, actor: Person) -> None:
    """Raise unless this is a draft that this person may work on."""
    if words := access.why_not_plan(actor, plan):
        raise NotAllowedError(words)
    if plan.state != Plan.State.DRAFT:
        raise StaleError("This plan is not a draft any more, so it stays as it was approved.")


@contextmanager
def locked(plan: Plan) -> Iterator[None]:
    """Work on a draft, in one transaction in which nobody else works on it or approves it; `plan` is read anew.

    Everything that writes to a draft does so here. Raises StaleError where it is not a draft any more.
    """
    with transaction.atomic():
        try:
            plan.refresh_from_db(from_queryset=Plan.objects.select_for_update(no_key=True))
        except Plan.DoesNotExist:
            raise StaleError("This draft is gone. Somebody has thrown it away.") from None
        if plan.state != Plan.State.DRAFT:
            raise StaleError(APPROVED)
        yield
