"""What a plan of several numbers may set: the rules of the editors (validators.py), asked for thousands of rows."""

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

from dashboard import validators
from dashboard.models import Change, Group, Member, PhoneNumber, Verdict
from dashboard.services import fields

LONGEST_CHAIN = 50
MOST_GROUPS = 40
NO_TARGET = "Forwarding cannot be switched on without a target."
UNKNOWN_RANGE = (
    f"Our tables of number ranges ({validators.TABLES}) do not know this target. Check each digit; if it is right, "
    "set it in the number's own editor."
)
ITSELF = "The target is the number itself, so calls would go round."
ROUND = "The target forwards back to this number, so calls would go round."


class Belonging:
    """The people and groups that a number may have, by their ids; read once for all rows that are judged by it."""

    @functools.cached_property
    def people(self) -> set[str]:
        return set(Member.objects.filter(active=True).values_list("close_id", flat=True))

    @functools.cached_property
    def groups(self) -> set[str]:
        return set(Group.objects.filter(gone=False).values_list("close_id", flat=True))


def values(
    number: PhoneNumber, after: Mapping[str, Any], belonging: Belonging | None = None
) -> tuple[dict[str, Any], str]:
    """The wanted values as they may be sent, and what is wrong with them: a sentence, or "".

    A value that the number holds already is not judged: nobody is asked to put right what they did not touch.
    `belonging`: as the caller has it for many rows.
    """
    belonging = belonging or Belonging()
    judged: dict[str, Any] = {}
    try:
        for name, value in after.items():
            if name in fields.BELONGING:
                judged[name] = _known(name, value, belonging)
            elif isinstance(value, bool) or value == getattr(number, name):
                judged[name] = value
            else:
                judged[name] = _value(name, str(value), number.country)
    except ValidationError as error:
        return dict(after), str(error.messages[0])
    if judged.get("forward_to_enabled") is True and not number.forward_to_enabled:
        target = judged.get("forward_to", number.forward_to)
        if not target:
            return judged, NO_TARGET
        if "forward_to" not in judged:
            # A target that was set in Close is judged here before the first call goes there.
            try:
                _value("forward_to", target, number.country)
            except ValidationError as error:
                return judged, str(error.messages[0])
    return judged, ""


@functools.lru_cache(maxsize=4096)
def _value(name: str, text: str, country: str) -> Any:
    if name == "label":
        return validators.label(text)
    if name == "voicemail_greeting_url":
        origin = settings.CLOSE_API_URL.split("/api/")[0] if settings.CLOSE_IS_LOOPBACK else ""
        return validators.greeting(text, also_allowed=origin)
    if name == "inbound_ring_duration":
        return validators.ring(text)
    if name == "forward_to":
        if not text.strip():
            raise ValidationError("Close cannot take a target away again. Switch forwarding off instead.")
        found = validators.target(text, region=country, countries=tuple(settings.FORWARD_COUNTRIES))
        if not found.range_known:
            raise ValidationError(UNKNOWN_RANGE)
        return found.e164
    raise ValidationError("This field cannot be changed here.")


def _known(name: str, value: Any, belonging: Belonging) -> list[str]:
    """People have to be active and groups have to be there; Close takes at most 40 groups."""
    ids = sorted(set(value))
    if name == "participants":
        if not belonging.people.issuperset(ids):
            raise ValidationError("Somebody in this list is not an active person in Close. Choose somebody else.")
    elif len(ids) > MOST_GROUPS or not belonging.groups.issuperset(ids):
        raise ValidationError(f"Choose groups that Close has, at most {MOST_GROUPS}.")
    return ids


def mark_loops(changes: Iterable[Change]) -> None:
    """Mark the rows whose calls would go round once the whole plan is carried out, among themselves included."""
    planned = [change for change in changes if change.verdict == Verdict.CHANGE]
    rows = [change for change in planned if _forwards(change)]
    if not rows:
        return
    here = PhoneNumber.objects.here()
    links = dict(here.filter(forward_to_enabled=True).values_list("number", "forward_to"))
    for change in planned:
        links.pop(change.number.number, None)
        if _wanted(change, "forward_to_enabled"):
            links[change.number.number] = _wanted(change, "forward_to")
    for change in rows:
        start = change.number.number
        at, steps = links[start], 0
        while at != start and at in links and steps < LONGEST_CHAIN:
            at, steps = links[at], steps + 1
        if at == start:
            change.verdict, change.error = Verdict.LOOP, ITSELF if steps == 0 else ROUND


def _forwards(change: Change) -> bool:
    """Whether this row changes where calls go, and calls would be forwarded."""
    touched = "forward_to" in change.after or change.after.get("forward_to_enabled") is True
    return touched and bool(_wanted(change, "forward_to_enabled"))


def _wanted(change: Change, name: str) -> Any:
    return change.after.get(name, getattr(change.number, name))
