"""What a PUT of a phone number may hold, and who may send it.

https://developer.close.com/api/resources/phone-numbers/update. The API publishes no texts of its errors: the words
here are our own, in the shapes that Close's Python client reads.
"""

import re
from collections.abc import Callable
from typing import Any

import phonenumbers

from .organisation import Organisation, members_of
from .web import Answer, Json, error, says

MOST_GROUPS = 40
RING_SECONDS = range(15, 91)
E164 = re.compile(r"\+[1-9]\d{4,14}", re.ASCII)
# What a person without the permission may change on a number that is theirs alone.
OWN_FIELDS = {"label", "voicemail_greeting_url", "forward_to", "forward_to_enabled"}

Complaint = str | Json | None
Check = Callable[[Any, Organisation], Complaint]


def _text(value: Any, organisation: Organisation) -> Complaint:
    return None if isinstance(value, str) else "Expected a string."


def _boolean(value: Any, organisation: Organisation) -> Complaint:
    return None if isinstance(value, bool) else "Expected a boolean."


def _phone(value: Any, organisation: Organisation) -> Complaint:
    if not isinstance(value, str):
        return "Expected a string."
    try:
        possible = bool(E164.fullmatch(value)) and phonenumbers.is_possible_number(phonenumbers.parse(value))
    except phonenumbers.NumberParseException:
        possible = False
    return None if possible else "Not a valid phone number."


def _target(value: Any, organisation: Organisation) -> Complaint:
    return None if value == "" else _phone(value, organisation)


def _ring(value: Any, organisation: Organisation) -> Complaint:
    if not isinstance(value, int) or isinstance(value, bool):
        return "Expected an integer."
    if value not in RING_SECONDS:
        return f"Value must be between {RING_SECONDS.start} and {RING_SECONDS.stop - 1}."
    return None


def _greeting(value: Any, organisation: Organisation) -> Complaint:
    if value is None:
        return None
    if not isinstance(value, str):
        return "Expected a string."
    # Greetings that the simulator serves itself are http, and an undo must be able to bring them back.
    secure = re.fullmatch(r"https://[^\s/]+\S*", value)
    return None if secure or value.startswith(f"{organisation.origin}/greetings/") else "Not a valid https URL."


def _list_of(check: Check, most: int | None = None) -> Check:
    def checked(value: Any, organisation: Organisation) -> Complaint:
        if not isinstance(value, list):
            return "Expected a list."
        if most is not None and len(value) > most:
            return f"List must have at most {most} items."
        wrong = {str(place): said for place, one in enumerate(value) if (said := check(one, organisation))}
        return {"errors": wrong} if wrong else None

    return checked


def _user(value: Any, organisation: Organisation) -> Complaint:
    return None if isinstance(value, str) and value in organisation.users else "Object does not exist."


def _group(value: Any, organisation: Organisation) -> Complaint:
    return None if isinstance(value, str) and value in organisation.groups else "Object does not exist."


CHECKS: dict[str, Check] = {
    "label": _text,
    "forward_to": _target,
    "forward_to_enabled": _boolean,
    "voicemail_greeting_url": _greeting,
    "press_1_to_accept": _boolean,
    "inbound_ring_duration": _ring,
    "participants": _list_of(_user),
    "participant_groups": _list_of(_group, MOST_GROUPS),
    "phone_numbers": _list_of(_phone),
}


def complaints(patch: Json, number: Json, organisation: Organisation) -> Json:
    """Return what is wrong with a patch of this number, by field; nothing if it may be saved."""
    wrong: Json = {}
    for field, value in patch.items():
        check = CHECKS.get(field)
        said = check(value, organisation) if check else "This field is not recognized."
        if said:
            wrong[field] = said
    after = {**number, **patch}
    touched = patch.keys() & {"forward_to", "forward_to_enabled"}
    if touched and not wrong and after.get("forward_to_enabled") and not after.get("forward_to"):
        wrong["forward_to"] = "A phone number is required while forwarding is enabled."
    return wrong


def refusal(patch: Json, number: Json, organisation: Organisation, status: int) -> Answer | None:
    """Return Close's refusal where the caller lacks the permission for this patch, else nothing.

    Which status a missing permission gives is not documented: `status` may be 400, 401 or 403.
    """
    if organisation.may_manage:
        return None
    theirs_alone = members_of(number) == {organisation.me["id"]} and not number.get("participant_groups")
    if theirs_alone and patch.keys() <= OWN_FIELDS:
        return None
    text = "You don't have permission to manage phone numbers of your team."
    if status == 400:
        return says(400, {"errors": [text], "field-errors": {}})
    return error(status, text)
