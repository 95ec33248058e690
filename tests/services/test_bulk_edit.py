"""One wish for many numbers becomes the values of each of them."""

from uuid import uuid4

import pytest

from dashboard import access
from dashboard.models import PhoneNumber, Source
from dashboard.services import planning
from dashboard.services.bulk_edit import BulkEdit

TARGET = "+4917604069180"


def number(**facts):
    return PhoneNumber(number="+442079460958", country="GB", label="Desk", **facts)


def row(edit, **facts):
    return next(iter(edit.rows([number(**facts)])))


@pytest.mark.parametrize(
    ("edit", "after"),
    [
        (BulkEdit(), {}),
        (BulkEdit(label="set", label_text="West"), {"label": "West"}),
        (BulkEdit(label="clear"), {"label": ""}),
        (BulkEdit(label="replace", label_find="es", label_text="oc"), {"label": "Dock"}),
        (BulkEdit(label="replace", label_find="x", label_text="y"), {"label": "Desk"}),
        (BulkEdit(forwarding="to", target=TARGET), {"forward_to": TARGET, "forward_to_enabled": True}),
        (BulkEdit(forwarding="target", target=TARGET), {"forward_to": TARGET}),
        (BulkEdit(forwarding="on"), {"forward_to_enabled": True}),
        (BulkEdit(forwarding="off"), {"forward_to_enabled": False}),
        (BulkEdit(press_1="off", ring=45), {"press_1_to_accept": False, "inbound_ring_duration": 45}),
        (
            BulkEdit(greeting="set", greeting_url="https://x.example/a.mp3"),
            {"voicemail_greeting_url": "https://x.example/a.mp3"},
        ),
        (BulkEdit(greeting="none"), {"voicemail_greeting_url": ""}),
    ],
)
def test_a_wish_becomes_values(edit, after):
    made = row(edit)
    assert (made.after, made.error) == (after, "")
    assert BulkEdit.read(edit.stored()) == edit


def test_a_label_can_speak_of_the_number():
    people = [["user_1", "Emma Clarke", True], ["user_2", "Luis Prado", False]]
    edit = BulkEdit(label="set", label_text="{member} · {country} {team} ({label})")
    assert row(edit, people=people, team_names=["EMEA"]).after == {"label": "Emma Clarke · GB EMEA (Desk)"}
    assert row(edit, people=people[1:], team_names=["EMEA"]).error.startswith("Nobody is on this number")
    assert row(edit, people=people).error.startswith("This number has no team")


def test_a_draft_knows_what_was_asked_for(synced, ops):
    numbers = PhoneNumber.objects.filter(type="internal")[:3]
    edit = BulkEdit(label="set", label_text="Holiday")
    plan = planning.propose(
        actor=access.person(ops), source=Source.BULK, rows=edit.rows(numbers), asked=edit.stored(), intent=uuid4()
    )
    plan.refresh_from_db()
    assert plan.asked == {"label": "set", "label_text": "Holiday"}
    assert {change.after["label"] for change in plan.changes.all()} == {"Holiday"}
