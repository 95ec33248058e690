"""The page of one number: its settings, the call, the history, and everything that Close says."""

import re

import pytest
from django.utils import timezone

from dashboard.models import Answer, Group, Member, PhoneNumber
from dashboard.services import members

from .story import happened, in_and_out_of_scope, plain_number, save, words


@pytest.fixture
def number(synced):
    return plain_number(groups=True)


def page_of(client, number, part=""):
    return client.get(f"/numbers/{number.close_id}/{part}")


def cell(page, number, name):
    found = re.search(rf'<td id="number-{number.close_id}-{name}".*?</td>', page.content.decode(), re.S)
    return words(found.group(0))


def say(number, **fields):
    """Close says something else of this number now; the columns follow."""
    answer = Answer.objects.get(number=number)
    answer.raw |= fields
    answer.save()
    columns = {name: value for name, value in fields.items() if name in {f.name for f in PhoneNumber._meta.fields}}
    PhoneNumber.objects.filter(pk=number.pk).update(**columns)


def test_the_head_says_which_number_it_is_and_how_old_the_reading_is(number, ops_client):
    PhoneNumber.objects.filter(pk=number.pk).update(number="+4930231250", label="Berlin Vertrieb")
    page = page_of(ops_client, number)
    assert "+49 30 231250 Berlin Vertrieb" in words(page)
    assert "read from Close just now" in words(page)
    assert '<a id="back-to-list" href="/numbers/">' in page.content.decode()


def test_the_settings_are_the_cells_of_the_list(number, ops_client):
    say(
        number,
        label="West",
        forward_to="+14155550142",
        press_1_to_accept=True,
        inbound_ring_duration=None,
        voicemail_greeting_url="",
        phone_numbers=["+447700900123"],
    )
    page = page_of(ops_client, number)
    assert "West" in cell(page, number, "label")
    assert "+1 415 555 0142" in cell(page, number, "forwarding")
    assert "30 s, Close’s default" in cell(page, number, "ringing")
    assert cell(page, number, "press-1").startswith("On")
    assert "None" in cell(page, number, "voicemail")
    assert "Also rings +44 7700 900123" in words(page)
    for name in ("label", "forwarding", "voicemail", "ringing"):
        assert f'hx-get="/numbers/{number.close_id}/edit/{name}/"' in page.content.decode()


def test_the_call_is_told_with_a_word_of_caution(number, ops_client):
    text = words(page_of(ops_client, number))
    assert "What happens to a call Rings" in text
    assert "Read from the settings. Call from another phone to be sure." in text


def test_members_have_initials_and_who_left_is_said(number, ops_client):
    gone = Member.objects.create(close_id="user_gone", name="Luis Prado", active=False)
    number.members.add(gone)
    members.describe([number.pk])
    text = words(page_of(ops_client, number))
    assert "LP Luis Prado left" in text
    assert "Luis Prado left and does not ring." in text


def test_groups_say_how_many_people_they_ring(number, ops_client):
    group = number.groups.first()
    count = group.members.filter(active=True).count()
    assert f"{group.name} · {count} " in words(page_of(ops_client, number))


def test_everything_that_close_says_stands_there_in_words(number, ops_client):
    say(
        number,
        sms_enabled=True,
        supports_sms_to_countries=["DE", "AT"],
        mms_enabled=False,
        last_billed_price=1.15,
        next_billing_on="2026-12-03T00:00:00",
        is_premium=True,
        was_ported=None,
        carrier="plivo",
        address_id="addr_1",
        brand_new={"a": ["b"]},
    )
    text = words(page_of(ops_client, number))
    for told in (
        "Calls In and out",
        "SMS DE AT",
        "MMS Not with this number",
        "Last billed 1.15",
        "Next billing 3 Dec 2026",
        "Premium number Yes",
        "Ported in Not said",
        "Carrier Plivo",
        "Address on file addr_1",
        f"Id in Close {number.close_id}",
        'Also said by Close brand_new {"a": ["b"]}',
        '"brand_new": { "a": [ "b" ] }',
    ):
        assert told in text


def test_every_field_of_the_answer_is_on_the_page(number, ops_client):
    text = words(page_of(ops_client, number)).split("Raw answer from Close")[0]
    assert "Also said by Close" not in text


@pytest.mark.parametrize(
    "odd",
    [
        {"phone_numbers": None, "supports_sms_to_countries": None, "sms_enabled": True},
        {"next_billing_on": "soon", "last_billed_price": "1,15"},
        {"next_billing_on": "2026-99-99T00:00:00Z", "carrier": None, "is_verified": "pending"},
    ],
)
def test_odd_answers_are_shown_and_break_nothing(number, ops_client, odd):
    say(number, **odd)
    assert page_of(ops_client, number).status_code == 200


def test_the_history_tells_all_newest_first(number, ops, ops_client):
    save(ops, number, label="First")
    second = save(ops, number, label="Second")
    happened(number, "observed", {"label": "Second"}, {"label": "Third"}, observed_after=timezone.now())
    page = page_of(ops_client, number, "history/")
    text = words(page)
    assert "History 3 changes since" in text
    assert text.index("to Third") < text.index("to Second") < text.index("to First")
    assert "by whom is not known" in text
    assert f'hx-post="/changes/{second.pk}/undo/"' in page.content.decode()
    assert f'href="/changes/export.csv?number={number.close_id}"' in page.content.decode()


def test_a_long_history_leads_to_all_of_it(number, ops_client):
    for turn in range(20):
        happened(number, "applied", {"label": f"{turn}"}, {"label": f"{turn + 1}"})
    page = page_of(ops_client, number)
    assert f'<a href="/changes/?number={number.close_id}">All 20 changes</a>' in page.content.decode()


def test_the_page_asks_for_a_fresh_reading_and_its_parts_follow(number, ops_client):
    page = page_of(ops_client, number).content.decode()
    assert f'hx-post="/numbers/{number.close_id}/refresh/" hx-trigger="load"' in page
    for part in ("head", "call", "press-1", "history"):
        assert f'hx-get="/numbers/{number.close_id}/{part}/" hx-trigger="number-changed from:body"' in page
        answer = page_of(ops_client, number, f"{part}/")
        assert (answer.status_code, answer["X-Fragment"]) == (200, "1")


def test_a_viewer_reads_and_finds_no_editor(number, viewer_client):
    page = page_of(viewer_client, number)
    assert "You may look at this number, not change it." in words(page)
    assert "cell-edit" not in page.content.decode()
    assert "Undo" not in words(page)


def test_a_lead_sees_what_is_in_scope_and_nothing_else(synced, lead, lead_client):
    inside, outside = in_and_out_of_scope(lead)
    assert "cell-edit" in page_of(lead_client, inside).content.decode()
    for part in ("", "head/", "call/", "press-1/", "history/"):
        assert page_of(lead_client, outside, part).status_code == 404
    assert lead_client.get("/numbers/phon_of_nothing/").status_code == 404


def test_a_number_that_is_gone_is_there_for_ops_admins_and_cannot_be_changed(number, ops_client, viewer_client):
    PhoneNumber.objects.filter(pk=number.pk).update(missing_since=timezone.now())
    page = page_of(ops_client, number)
    assert "Close has not had this number since" in words(page)
    assert "cell-edit" not in page.content.decode()
    assert "/refresh/" not in page.content.decode().split('id="content"')[1]
    assert page_of(viewer_client, number).status_code == 404


def test_the_number_of_queries_does_not_grow(number, ops_client, django_assert_max_num_queries):
    for turn in range(20):
        happened(number, "observed", {"label": f"{turn}"}, {"label": f"{turn + 1}"})
    number.groups.set(Group.objects.all())
    number.members.set(Member.objects.all())
    with django_assert_max_num_queries(18):
        assert page_of(ops_client, number).status_code == 200
