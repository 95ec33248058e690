"""A row of the number list as its templates want it: everything in words, nothing left to look up.

The list draws 50 to 200 rows at once, so a row is made here, in plain Python, and its template only fills in.
The page of one number uses the same rows, so that a cell is the same wherever it stands.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.conf import settings
from django.utils.html import escape

from dashboard import access
from dashboard.models import Connection, Occurrence, PhoneNumber
from dashboard.models.numbers import DEFAULT_RING
from dashboard.templatetags.days import until
from dashboard.templatetags.ui import ago, moment, phone
from dashboard.views import number_words

# The columns of a number that a row shows.
ROW_FIELDS = (
    "close_id",
    "number",
    "label",
    "type",
    "country",
    "carrier_type",
    "forward_to",
    "forward_to_enabled",
    "press_1_to_accept",
    "voicemail_greeting_url",
    "updated_in_close",
    "people",
    "team_names",
    "missing_since",
)


def intents() -> Iterator[str]:
    """Fresh intents, of which only the ends differ: a page of them takes little room once it is compressed."""
    first = uuid4().int >> 16 << 16
    return (str(UUID(int=first + place)) for place in range(1 << 16))


def row_of(number: PhoneNumber, *, why: str = "", intent: str = "", held: Occurrence | None = None) -> dict[str, Any]:
    """The row of one number. `why` says why this person may not change it; empty where they may.

    `held`: the occurrence of an absence that holds something of it now.

    Each row carries a fresh `intent` for its switch: the same click sent twice is one change.
    """
    # A row names these three forty times, so they are escaped here, once.
    return {
        "id": escape(number.close_id),
        "base": escape(f"/numbers/{number.close_id}/"),
        "number": number.number,
        "phone": escape(phone(number.number)),
        "sub": sub_of(number),
        "held": held and {"pk": held.absence_id, "name": held.absence.name, "until": until(held.ends_at)},
        "label": number.label,
        "teams": ", ".join(number.team_names),
        **people_of(number),
        "target": number.forward_to,
        "target_phone": phone(number.forward_to),
        "on": number.forward_to_enabled,
        "press_1": number.press_1_to_accept,
        "greeting": number.voicemail_greeting_url,
        "playable": playable(number.voicemail_greeting_url),
        **ring_of(number),
        "changed_at": number.updated_in_close.isoformat(timespec="seconds") if number.updated_in_close else "",
        "changed_title": moment(number.updated_in_close),
        "changed": ago(number.updated_in_close) if number.updated_in_close else "",
        "why": why,
        "intent": intent or str(uuid4()),
    }


def sub_of(number: PhoneNumber, *, in_full: bool = False) -> str:
    """What kind of number it is: "US · local", "GB · mobile · caller ID"; `in_full` with the country's name."""
    country = number_words.country(number.country) if in_full else number.country
    kind = number_words.SHORT_KINDS.get(number.type, number.type)
    return " · ".join(part for part in (country, number_words.line(number.carrier_type), kind) if part)


def ring_of(number: PhoneNumber) -> dict[str, Any]:
    """How many seconds it rings, and whether somebody chose them. The list shows neither, and reads neither."""
    chosen = number.inbound_ring_duration if "inbound_ring_duration" in number.__dict__ else None
    return {"ring": chosen or DEFAULT_RING, "ring_chosen": bool(chosen)}


def people_of(number: PhoneNumber) -> dict[str, str]:
    """The members in one line: up to two names, or the first and how many more; who left is said."""
    names = [entry[1] for entry in number.people]
    gone = sum(not entry[2] for entry in number.people)
    shown = ", ".join(names) if len(names) <= 2 else f"{names[0]} + {len(names) - 1}"
    left = "left" if gone and gone == len(names) else f"{gone} left" if gone else ""
    return {"people": shown, "left": left, "everybody": ", ".join(names) if len(names) > 2 else ""}


def playable(url: str) -> bool:
    """Whether the browser may fetch this greeting: https, or the simulated organisation on this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return True
    return settings.CLOSE_IS_LOOPBACK and bool(url) and parts[:2] == urlsplit(settings.CLOSE_API_URL)[:2]


def why_locked(person: access.Person, number: PhoneNumber, connection: Connection, *, changeable: bool) -> str:
    """Why nothing of this row can be changed by this person: a sentence, or "".

    `changeable` is whether the number is in the person's scope for changes; the list has asked that for the
    whole page at once.
    """
    if number.missing_since:
        return access.GONE
    if not person.may_change_something:
        return access.MAY_ONLY_LOOK
    if not changeable:
        return access.BEYOND_TEAMS
    return access.why_close_would_not(number, access.OWN_NUMBER_FIELDS, connection)


def row_for(
    person: access.Person, number: PhoneNumber, connection: Connection, *, held: Occurrence | None = None
) -> dict[str, Any]:
    """The row of one number as this person sees it."""
    changeable = number.pk in access.changeable_ids(person, [number])
    return row_of(number, why=why_locked(person, number, connection, changeable=changeable), held=held)
