"""From a selection to a draft: which numbers, what shall become of them, and what bad input gets."""

from uuid import uuid4

import pytest

from dashboard import access
from dashboard.models import Group, PhoneNumber, Plan

from ..reading import text_of
from .story import in_and_out_of_scope

TARGET = "+4917604069180"


def ask(client, *, number=(), **fields):
    """Post the form of a bulk edit."""
    return client.post("/plans/new/", {"intent": str(uuid4()), "number": [one.close_id for one in number], **fields})


def the_plan():
    return Plan.objects.get(background=True)


def wanted(plan):
    return {change.number.close_id: change.after for change in plan.changes.select_related("number")}


@pytest.fixture
def numbers(synced):
    return list(PhoneNumber.objects.filter(type="internal", country="US").order_by("number")[:3])


def test_the_list_offers_a_tick_for_each_number_to_whoever_may_change_something(ops_client, viewer_client, numbers):
    page = ops_client.get("/numbers/?per_page=25").content.decode()
    assert page.count('form="bulk"') == 25
    assert "All 40 that match" in page
    assert '<a href="/plans/"' in page
    page = viewer_client.get("/numbers/").content.decode()
    assert 'id="bulk"' not in page
    assert "/plans/" not in page


def test_ticked_numbers_are_named_and_carried_on(ops_client, numbers):
    response = ops_client.post("/plans/new/", {"number": [one.close_id for one in numbers]})
    assert response.status_code == 200
    assert "Change 3 numbers 3 chosen of 40" in text_of(response)
    carried = " ".join(one.close_id for one in numbers)
    assert f'name="numbers" value="{carried}"' in response.content.decode()
    assert not Plan.objects.filter(background=True).exists()


def test_all_that_match_are_said_in_words(ops_client, numbers):
    one, two = Group.objects.order_by("name")[:2]
    query = f"team={one.close_id},{two.close_id}&forwarding=on"
    found = ops_client.get(f"/numbers/?{query}").context["found"]
    response = ops_client.get("/plans/new/", {"query": f"?{query}"})
    assert f"team {one.name} or {two.name}, forwarding On; {found} of 40" in text_of(response)
    response = ops_client.post(
        "/plans/new/", {"intent": str(uuid4()), "query": f"?{query}", "label": "set", "label_text": "Team"}
    )
    assert response.status_code == 303
    assert the_plan().changes.count() == found
    assert the_plan().selection == f"team {one.name} or {two.name}, forwarding On; {found} of 40"


def test_a_filter_that_is_not_understood_selects_nothing(ops_client, synced):
    response = ops_client.get("/plans/new/", {"query": "?team=group_gone"})
    assert "Which numbers?" in text_of(response)


def test_a_bulk_edit_becomes_a_draft_and_nothing_is_sent(ops_client, numbers, synced):
    response = ask(
        ops_client,
        number=numbers,
        label="set",
        label_text="{country} desk",
        forwarding="to",
        target="+49 176 04069 180",
        press_1="off",
        greeting="none",
        ring="set",
        ring_seconds="45",
    )
    plan = the_plan()
    assert (response.status_code, response["Location"]) == (303, f"/plans/{plan.pk}/")
    assert plan.name == "Change label, forwarding, press 1, greeting and ring duration of 3 numbers"
    rows = [{**change.shown, **change.after} for change in plan.changes.all()]
    assert (
        rows
        == [
            {
                "label": "US desk",
                "forward_to": TARGET,
                "forward_to_enabled": True,
                "press_1_to_accept": False,
                "voicemail_greeting_url": "",
                "inbound_ring_duration": 45,
            }
        ]
        * 3
    )
    assert len(synced.journal) == 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Choose at least one thing to change."),
        ({"label": "set"}, "Type the label, or choose “Clear”."),
        ({"label": "set", "label_text": "{person}"}, "{person} stands for nothing here. There are {member}"),
        ({"label": "replace", "label_text": "x"}, "Type what shall be found in the labels."),
        ({"forwarding": "to"}, "Type the number that calls shall go to"),
        ({"forwarding": "to", "target": "0176 04069180"}, "Begin with + and the country code"),
        ({"forwarding": "target", "target": "+499001123456"}, "Premium-rate numbers"),
        ({"greeting": "set", "greeting_url": "http://example.com/a.mp3"}, "begin with https://"),
        ({"ring": "set", "ring_seconds": "5"}, "from 15 to 90"),
        ({"press_1": "maybe"}, "maybe is not one of the available choices"),
    ],
)
def test_what_cannot_be_is_said_in_place_and_kept(ops_client, numbers, fields, words):
    response = ask(ops_client, number=numbers, **fields)
    assert response.status_code == 422
    assert words in text_of(response)
    for name, value in fields.items():
        assert name == "press_1" or f'value="{value}"' in response.content.decode()
    assert not Plan.objects.filter(background=True).exists()


def test_no_numbers_are_no_plan(ops_client, synced):
    for data in ({}, {"number": "phon_nothing"}, {"plan": "1"}, {"query": "?q=nothing-like-this"}):
        response = ops_client.post("/plans/new/", {"intent": str(uuid4()), "label": "clear", **data})
        assert (response.status_code, "Which numbers?" in text_of(response)) == (422, True)


def test_the_same_form_twice_is_one_draft(ops_client, numbers):
    intent = str(uuid4())
    one, other = (ask(ops_client, number=numbers, intent=intent, label="clear") for _ in range(2))
    assert one["Location"] == other["Location"]
    assert Plan.objects.filter(background=True).count() == 1


def test_a_lead_selects_only_what_they_see(synced, lead, lead_client):
    mine, foreign = in_and_out_of_scope(lead)
    response = ask(lead_client, number=[mine, foreign], label="set", label_text="Mine")
    assert response.status_code == 303
    assert list(wanted(the_plan())) == [mine.close_id]
    seen = access.visible_numbers(access.person(lead)).count()
    assert the_plan().selection == f"1 chosen of {seen}"


def test_asking_for_something_else_replaces_the_draft(ops_client, numbers):
    ask(ops_client, number=numbers, label="set", label_text="Wrong")
    old = the_plan()
    response = ops_client.get("/plans/new/", {"plan": str(old.pk)})
    assert 'value="Wrong"' in response.content.decode()
    response = ask(ops_client, plan=str(old.pk), label="set", label_text="Right")
    plan = the_plan()
    assert plan.pk != old.pk
    assert response["Location"] == f"/plans/{plan.pk}/"
    assert set(map(str, wanted(plan).values())) == {"{'label': 'Right'}"}
    assert plan.selection == old.selection
