"""How a change is shown, in the same words and the same shape wherever it appears.

`{% for diff in change|diffs:names %}{% include "changes/_diff.html" %}{% endfor %}` writes what changed, `names`
being a `services.changes.Names`; `change|outcome` is the mark for `changes/_outcome.html`.
"""

import difflib
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import template

from dashboard.models import Change, Outcome, Source
from dashboard.models.numbers import DEFAULT_RING
from dashboard.services import fields
from dashboard.services.callpath import file_name
from dashboard.services.changes import Names
from dashboard.templatetags.ui import phone

register = template.Library()

LONGEST_WORD_DIFF = 400
LISTS = ("participants", "participant_groups", "phone_numbers")


@dataclass(frozen=True)
class Value:
    """One side of a change: its words, a phone number behind them where there is one, and whether it is nothing."""

    words: str = ""
    number: str = ""
    none: bool = False

    def __str__(self) -> str:
        return " ".join(part for part in (self.words, phone(self.number)) if part)


@dataclass(frozen=True)
class Diff:
    """What became of one field: `parts` of a text, `removed` and `added` of a list, or else `old` and `new`."""

    field: str
    term: str
    old: Value = Value(none=True)
    new: Value = Value(none=True)
    parts: tuple[tuple[str, str], ...] = ()
    removed: tuple[Value, ...] = ()
    added: tuple[Value, ...] = ()
    note: str = ""

    @property
    def stays(self) -> bool:
        """Whether it is as it was: a plan that ran later made sure of it."""
        return self.old == self.new and not self.removed and not self.added


@dataclass(frozen=True)
class Mark:
    """An outcome as icon and word; `css` is its colour, which never says it alone."""

    css: str
    icon: str
    word: str


MARKS = {
    Outcome.PLANNED: Mark("wait", "pencil", "Planned"),
    Outcome.PENDING: Mark("wait", "hourglass", "Waiting"),
    Outcome.SENDING: Mark("wait", "loader-2", "Sending"),
    Outcome.UNKNOWN: Mark("warn", "help-circle", "Unknown"),
    Outcome.APPLIED: Mark("ok", "check", "Applied"),
    Outcome.REFUSED: Mark("bad", "ban", "Refused"),
    Outcome.CONFLICT: Mark("warn", "git-compare", "Conflict"),
    Outcome.FAILED: Mark("bad", "alert-circle", "Failed"),
    Outcome.OBSERVED: Mark("wait", "cloud", "Made in Close"),
    Outcome.LEFT_OUT: Mark("wait", "eye-off", "Left out"),
}
UNDONE = Mark("wait", "arrow-back-up", "Undone")


@register.filter
def terms(change: Change) -> str:
    """The fields of a change in words, each once: "Forwarding, Press 1 to accept"."""
    return fields.terms(change.fields)


@register.filter
def diffs(change: Change, names: Names) -> list[Diff]:
    """What changed, field by field; target and switch of the forwarding are one."""
    return between(change.before, change.after, names, shown=change.shown)


def between(
    before: dict[str, Any], after: dict[str, Any], names: Names, shown: dict[str, Any] | None = None
) -> list[Diff]:
    """The differences between two states of the same fields."""
    found = []
    for field, title, (old, new) in _lines(after, [before, after], names):
        diff = Diff(field, title, old, new)
        was, now = before.get(field), after[field]
        if field in LISTS:
            diff = replace(diff, removed=_only(field, was, now, names), added=_only(field, now, was, names))
        elif field == "label" and was and now:
            diff = replace(diff, parts=_word_diff(was, now))
        elif field == "forward_to_enabled" and (target := (shown or {}).get("forward_to")):
            diff = replace(diff, note=f"target kept: {phone(target)}")
        found.append(diff)
    return found


def _lines(
    of: Iterable[str], states: Sequence[Mapping[str, Any]], names: Names
) -> Iterator[tuple[str, str, list[Value]]]:
    """These fields in words: each with its term and with its value in each of the states, told apart.

    Target and switch of the forwarding are one line. Two greetings of the same name lie at different places: then
    the places are what differs.
    """
    of = list(of)
    for field in of:
        held = [state.get(field) for state in states]
        values = [value(field, one, names) for one in held]
        if field == "forward_to_enabled" and "forward_to" in of:
            continue
        if field == "forward_to" and "forward_to_enabled" in of:
            values = [
                _forwarding(one, state.get("forward_to_enabled")) for one, state in zip(held, states, strict=True)
            ]
        elif field == "voicemail_greeting_url" and len(set(filter(None, held))) > len(
            {one for one in values if not one.none}
        ):
            values = [Value(str(one)) if one else words for one, words in zip(held, values, strict=True)]
        yield field, fields.term(field), values


def value(field: str, held: Any, names: Names) -> Value:
    """What a field holds, in words."""
    if field in LISTS:
        entries = [str(_entry(field, entry, names)) for entry in held or []]
        return Value(", ".join(entries)) if entries else Value("none", none=True)
    if field == "released":
        return Value("gone from Close" if held else "in Close")
    if field == "inbound_ring_duration":
        return Value(f"{DEFAULT_RING} s, Close’s default" if held is None else f"{held} s")
    if isinstance(held, bool):
        return Value("on" if held else "off")
    if held is None or held == "":
        nothing = {"label": "no label", "voicemail_greeting_url": "Close’s default"}
        return Value(nothing.get(field, "none"), none=True)
    if field == "forward_to":
        return Value(number=str(held))
    if field == "voicemail_greeting_url":
        return Value(file_name(str(held)))
    return Value(held if isinstance(held, str) else json.dumps(held, ensure_ascii=False))


def _forwarding(target: Any, enabled: Any) -> Value:
    if not target:
        return Value("on, without a target" if enabled else "off")
    return Value("on, to" if enabled else "off, target", number=str(target))


def _entry(field: str, entry: str, names: Names) -> Value:
    if field == "participants":
        return Value(names.person(entry))
    if field == "participant_groups":
        return Value(names.group(entry))
    return Value(number=entry)


def _only(field: str, entries: Any, others: Any, names: Names) -> tuple[Value, ...]:
    """The entries of a list that are not among the others."""
    return tuple(_entry(field, entry, names) for entry in entries or [] if entry not in (others or []))


def _word_diff(old: str, new: str) -> tuple[tuple[str, str], ...]:
    """The words that stay, go and come, as ("stay" | "del" | "ins", text); empty where hardly a word stays."""
    one, other = re.split(r"(\s+)", old), re.split(r"(\s+)", new)
    # Comparing takes time that grows with the cube of the words; Close may hold labels of any length.
    if len(one) + len(other) > LONGEST_WORD_DIFF:
        return ()
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    if not any(
        word.strip() for block in matcher.get_matching_blocks() for word in one[block.a : block.a + block.size]
    ):
        return ()
    parts = []
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            parts.append(("stay", "".join(one[a:b])))
            continue
        if b > a:
            parts.append(("del", "".join(one[a:b])))
        if d > c:
            parts.append(("ins", "".join(other[c:d])))
    return tuple(parts)


@register.filter
def outcome(change: Change) -> Mark:
    """The mark of a change's outcome; `undone` (ChangeQuerySet.with_undone) goes before it."""
    if getattr(change, "undone", False):
        return UNDONE
    return MARKS[Outcome(change.state)]


@register.filter
def close_held(change: Change, names: Names) -> str:
    """What Close held where somebody had changed it meanwhile: "+1 303 555 0171", "Label: West, Groups: EMEA"."""
    return told(_found_instead(change), change.before | change.shown, names, of=change.fields)


@register.filter
def three_ways(change: Change, names: Names) -> list[tuple[str, Value, Value, Value]]:
    """For a conflict: each field with what it was, what was wanted, and what Close holds now."""
    known = change.before | change.shown
    now = known | (change.found or {})
    shown = dict.fromkeys([*change.after, *_found_instead(change)])
    return [
        (title, was, wanted, held)
        for _, title, (was, wanted, held) in _lines(shown, [known, now | change.after, now], names)
    ]


def _found_instead(change: Change) -> dict[str, Any]:
    known = change.before | change.shown
    found = change.found or {}
    return {field: held for field, held in found.items() if not fields.same(field, held, known.get(field))}


@register.filter
def saved_otherwise(change: Change, names: Names) -> str:
    """Where Close's answer is not what was sent: what it saved, in words."""
    other = {
        field: held for field, held in change.differs().items() if not fields.same(field, held, change.after[field])
    }
    return told(other, change.after, names, of=change.fields)


def told(values: Mapping[str, Any], beside: Mapping[str, Any], names: Names, *, of: Sequence[str]) -> str:
    """Fields in a line of text, as they differ from what is beside them: "West", "Label: West, Groups: EMEA".

    `of`: the fields that are spoken of. Where there is but one, or a phone number, it needs no name.
    """
    lines = [(title, held) for _, title, (_, held) in _lines(values, [beside, values], names)]
    if len(lines) == 1 and (len(of) == 1 or lines[0][1].number):
        return str(lines[0][1])
    return ", ".join(f"{title}: {held}" for title, held in lines)


@register.filter
def source(change: Change) -> str:
    """How a change came about, where that says more than its author."""
    kind = change.plan.source
    return "" if kind in (Source.INLINE, Source.CLOSE) else Source(kind).label


@register.simple_tag
def new_intent() -> str:
    """A fresh intent for a form: sent twice, it is carried out once."""
    return str(uuid.uuid4())
