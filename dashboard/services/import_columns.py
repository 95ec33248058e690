"""What the columns of an import can be, and which one a heading means."""

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.services.fields import EDITABLE

LEAVE = "leave"
"""In a mapping: this column is left out."""

KEYS = ("id", "number")
TO_READ = "For reading only. What stands in it is not looked at."
TEAMS = "For reading only: a number's teams come from its groups and from its members."


@dataclass(frozen=True)
class Column:
    """What a column can be: its title, other headings it is known by, and why its values are not looked at."""

    title: str
    headings: tuple[str, ...] = ()
    note: str = ""


# By the headings that an export writes, which are Close's names.
COLUMNS = {
    "id": Column("Id in Close", ("close id", "number id")),
    "number": Column("Phone number", ("phone", "telephone", "telephone number")),
    "label": Column("Label", ("name", "number label")),
    "forward_to": Column("Forwarding target", ("forwarding", "forwards to", "target")),
    "forward_to_enabled": Column("Forwarding on or off", ("forwarding enabled", "forwarding on", "forwarded")),
    "press_1_to_accept": Column("Press 1 to accept", ("press 1",)),
    "inbound_ring_duration": Column("Rings for, in seconds", ("ring duration", "rings for", "ring seconds")),
    "voicemail_greeting_url": Column("Voicemail greeting", ("greeting", "voicemail", "greeting address")),
    "members": Column("Members", ("member", "people", "participants")),
    "groups": Column("Groups", ("group", "participant groups")),
    "teams": Column("Teams", ("team",), TEAMS),
    "type": Column("Type", ("kind",), TO_READ),
    "country": Column("Country", (), TO_READ),
    "date_updated": Column("Last changed", ("changed", "updated"), TO_READ),
}
# The field that a column is about, where Close calls it otherwise.
FIELD_OF = {"members": "participants", "groups": "participant_groups"}
CHANGING = [*EDITABLE, *FIELD_OF]
# What the list of errors adds to a table.
OUR_OWN = ("row", "errors")


def _plain(heading: str) -> str:
    text = unicodedata.normalize("NFKC", heading).casefold()
    return re.sub(r"[\W_]+", " ", text).strip()


# Every heading that is known, as people compare them: as it is written, and the field.
_KNOWN = {
    _plain(known): (known, name) for name, one in COLUMNS.items() for known in (one.title, *one.headings, name)
} | {own: (own, LEAVE) for own in OUR_OWN}


def guess(headings: Sequence[str]) -> list[str]:
    """A mapping: what each heading means; "" for one that is unknown, or means what one before it means already."""
    mapping: list[str] = []
    for heading in headings:
        _, name = _KNOWN.get(_plain(heading), ("", ""))
        mapping.append(name if name == LEAVE or name not in mapping else "")
    return mapping


def problems(headings: Sequence[str], mapping: Sequence[str]) -> dict[int, str]:
    """What is wrong with the columns, by their place: unknown, or two that are the same field."""
    found = {}
    for place, (heading, name) in enumerate(zip(headings, mapping, strict=True)):
        _, means = _KNOWN.get(_plain(heading), ("", ""))
        taken = name or means
        if taken in COLUMNS and taken in (mapping[:place] if name else mapping):
            first = headings[mapping.index(taken)]
            found[place] = (
                f"The column “{first}” is the {COLUMNS[taken].title.lower()} already. Leave one of them out."
            )
        elif not name:
            found[place] = _unknown(heading)
    return found


def _unknown(heading: str) -> str:
    if not heading:
        return "This column has no heading. Choose what it is, or leave it out."
    near = difflib.get_close_matches(_plain(heading), _KNOWN, n=1, cutoff=0.6)
    meant = f" Did you mean “{_KNOWN[near[0]][0]}”?" if near else ""
    return f"There is no field “{heading[:60]}”.{meant} Choose what it is, or leave it out."


def missing(mapping: Sequence[str]) -> str:
    """What a table lacks as a whole: a sentence, or ""."""
    if not set(mapping) & set(KEYS):
        return "No column says which number a row is about. One has to be the phone number or the id in Close."
    if not set(mapping) & set(CHANGING):
        return "No column holds anything that can be changed here. One has to be a label, a forwarding target, …"
    return ""
