"""Numbers as lines of a table: what an export writes, and an import compares with."""

from typing import Any

from dashboard.models import PhoneNumber

# The headings are Close's names where it has one, so that the file can be read back. Teams are for reading only: they
# come from the groups and from the members' groups.
HEADER = (
    "id",
    "number",
    "label",
    "type",
    "country",
    "teams",
    "members",
    "groups",
    "forward_to",
    "forward_to_enabled",
    "press_1_to_accept",
    "inbound_ring_duration",
    "voicemail_greeting_url",
    "date_updated",
)


def members(number: PhoneNumber) -> str:
    """Whom the number rings, by name."""
    return ", ".join(entry[1] for entry in number.people)


def groups(number: PhoneNumber) -> str:
    """The groups that are on the number itself, by name."""
    return ", ".join(group.name for group in number.groups.all())


def cells(number: PhoneNumber) -> list[Any]:
    """One line: names are joined by commas, nothing in Close is an empty cell."""
    return [
        number.close_id,
        number.number,
        number.label,
        number.type,
        number.country,
        ", ".join(number.team_names),
        members(number),
        groups(number),
        number.forward_to,
        number.forward_to_enabled,
        number.press_1_to_accept,
        number.inbound_ring_duration,
        number.voicemail_greeting_url,
        number.updated_in_close,
    ]
