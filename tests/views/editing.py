"""What the tests of the editors share: posting as an editor posts, and reading what a person would see."""

from uuid import uuid4

from dashboard.models import PhoneNumber

HTMX = {"HTTP_HX_REQUEST": "true"}
FIELDS = {
    "label": ["label"],
    "forwarding": ["forward_to", "forward_to_enabled", "press_1_to_accept"],
    "voicemail": ["voicemail_greeting_url"],
    "ringing": ["inbound_ring_duration"],
}


def as_typed(value):
    """A value as a form carries it."""
    return {True: "true", False: "false", None: ""}.get(value, str(value)) if not isinstance(value, str) else value


def started_from(number, editor):
    """The `was_` values of an editor that was opened just now."""
    values = {name: getattr(number, name) for name in FIELDS[editor]}
    if editor == "ringing":
        values["inbound_ring_duration"] = values["inbound_ring_duration"] or 30
    return {f"was_{name}": as_typed(value) for name, value in values.items()}


def save(client, number, editor, *, htmx=True, intent=None, was=None, **values):
    """Post an editor of this number with these fields typed."""
    data = {"intent": intent or str(uuid4()), **started_from(number, editor), **(was or {}), **values}
    return client.post(f"/numbers/{number.close_id}/edit/{editor}/", data, **(HTMX if htmx else {}))


def any_number(**facts):
    """A number of the filled cache with these facts."""
    return PhoneNumber.objects.filter(**facts).order_by("number").first()
