"""The fields of a phone number as values: what is followed, when two are the same, how one is sent to Close."""

from collections.abc import Iterable, Mapping
from typing import Any

from dashboard.close import PhoneNumberRecord
from dashboard.models import PhoneNumber
from dashboard.models.numbers import DEFAULT_RING

# What a person can change here and Close takes in a PUT (https://developer.close.com/api/resources/phone-numbers).
EDITABLE = (
    "label",
    "forward_to",
    "forward_to_enabled",
    "press_1_to_accept",
    "voicemail_greeting_url",
    "inbound_ring_duration",
)

# Who a number belongs to: plans change it, for ops admins; there is no editor of one field for it.
BELONGING = ("participants", "participant_groups")
WRITABLE = (*EDITABLE, *BELONGING)

# A difference in one of these is a change that somebody made; all else in an answer is derived or billing.
FOLLOWED = (
    *WRITABLE,
    "number",
    "type",
    "country",
    "phone_numbers",
    "sms_enabled",
    "mms_enabled",
)

# Close's names of fields, in the words of the field.
TERMS = {
    "label": "Label",
    "forward_to": "Forwarding",
    "forward_to_enabled": "Forwarding",
    "press_1_to_accept": "Press 1 to accept",
    "voicemail_greeting_url": "Voicemail greeting",
    "inbound_ring_duration": "Rings for",
    "participants": "Members",
    "participant_groups": "Groups",
    "phone_numbers": "Also rings",
    "released": "Number",
    "type": "Kind",
    "sms_enabled": "SMS",
    "mms_enabled": "MMS",
}

_LISTS = {"participants", "participant_groups", "phone_numbers"}


def said(record: PhoneNumberRecord) -> dict[str, Any]:
    """The followed fields that this answer holds; a key that Close left out says nothing and is left out here.

    `participants` stands for the members: Close may say them there, in `user_id`, or in both.
    """
    values = {name: record.raw[name] for name in FOLLOWED if record.says(name)}
    if record.member_ids is not None:
        values["participants"] = list(record.member_ids)
    return values


def term(name: str) -> str:
    """A field in words; one that Close has added since is named by its own name."""
    return TERMS.get(name) or name.replace("_", " ").capitalize()


def terms(names: Iterable[str]) -> str:
    """Fields in words, each once: "Forwarding, Press 1 to accept"."""
    return ", ".join(dict.fromkeys(term(name) for name in names))


def held(number: PhoneNumber, names: Iterable[str]) -> dict[str, Any]:
    """What the cache says that this number holds of these writable fields, with "" where Close has null."""
    values: dict[str, Any] = {}
    for name in names:
        if name == "participants":
            values[name] = [entry[0] for entry in number.people]
        elif name == "participant_groups":
            values[name] = [group.close_id for group in number.groups.all()]
        else:
            values[name] = getattr(number, name)
    return values


def normal(name: str, value: Any) -> Any:
    """A form of the value in which equal means the same to people: null text is "", null ring is Close's default."""
    if name in _LISTS:
        return sorted(value or [])
    if name == "inbound_ring_duration":
        return DEFAULT_RING if value is None else value
    if isinstance(value, bool):
        return value
    return value or ""


def same(name: str, one: Any, other: Any) -> bool:
    """Whether two values of a field mean the same."""
    return bool(normal(name, one) == normal(name, other))


def differing(one: Mapping[str, Any], other: Mapping[str, Any], names: Iterable[str] | None = None) -> list[str]:
    """The names of the fields that both hold and hold differently."""
    shared = [name for name in (one if names is None else names) if name in one and name in other]
    return [name for name in shared if not same(name, one[name], other[name])]


def for_close(values: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a PUT. A label and a ring duration cannot be null there, a greeting can be nothing but null."""
    body = {name: normal(name, value) for name, value in values.items()}
    if body.get("voicemail_greeting_url") == "":
        body["voicemail_greeting_url"] = None
    return body
