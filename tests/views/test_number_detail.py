"""The page of one number: its settings, the call, the history, and everything that Close says."""

import html
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard import access
from dashboard.models import Answer, Connection, Group, Member, PhoneNumber
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
    PhoneNumber.objects.filter(pk=number.pk).update(
        number="+4930231250", label="Berlin Vertrieb", country="DE", carrier_type="local"
    )
    page = page_of(ops_client, number)
    assert "+49 30 231250 Berlin Vertrieb Germany · local ·" in words(page)
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


@pytest.mark.parametrize("target", ["", "+14155550142"])
def test_a_mailbox_at_the_target_needs_a_target(number, ops_client, target):
    say(number, forward_to=target, press_1_to_accept=False)
    told = cell(page_of(ops_client, number, "press-1/"), number, "press-1")
    assert ("A mailbox at the target may take the call" in told) is bool(target)


def test_the_call_is_told_with_a_word_of_caution(number, ops_client):
    text = words(page_of(ops_client, number))
    assert "What happens to a call Rings" in text
    assert "Read from the settings. Call from another phone to be sure." in text


def test_members_have_initials_and_who_left_is_said(number, ops_client):
    gone = Member.objects.create(close_id="user_gone", name="Luis Prado", active=False)
    number.members.add(gone)
    members.describe([number.pk], members.People())
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
        user_id="user_alone",
    )
    Member.objects.create(close_id="user_alone", name="Luis Prado")
    text = words(page_of(ops_client, number))
    for told in (
        "Single owner Luis Prado",
        f"Organisation {Connection.load().organization_name}",
        "Calls In and out",
        "SMS Germany Austria",
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
        # The head says when Close was read, so it follows a reading that found nothing new as well.
        also = ", number-read from:body" if part == "head" else ""
        assert f'hx-get="/numbers/{number.close_id}/{part}/" hx-trigger="number-changed from:body{also}"' in page
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


class TestInItsList:
    """From a number to its neighbours in the list that it was opened from."""

    def walk(self, client, asked):
        """The numbers as the list has them, and as one walks from one to the next and back again."""
        shown = re.findall(
            r'<a class="num[^>]*href="(/numbers/[^"]+)"', client.get(f"/numbers/?{asked}").content.decode()
        )
        forth, back = [], []
        page = client.get(html.unescape(shown[0])).content.decode()
        for way, steps in (("next", forth), ("previous", back)):
            while found := re.search(rf'id="{way}-number" rel="\w+" href="([^"]+)"', page):
                steps.append(html.unescape(found[1]))
                page = client.get(steps[-1]).content.decode()
        return [html.unescape(address) for address in shown], forth, back

    @pytest.mark.parametrize(
        "asked",
        [
            "",
            "sort=-label&country=US&per_page=200",
            "sort=forwarding&q=1",
            "sort=-greeting&forwarding=off",
            "sort=changed",
            "sort=team&columns=label",
        ],
    )
    def test_leads_to_each_neighbour_and_back(self, synced, ops_client, asked):
        shown, forth, back = self.walk(ops_client, asked)
        assert len(shown) > 3
        assert [shown[0], *forth] == shown
        assert [*reversed(back), shown[-1]] == shown

    def test_says_the_place_and_leads_back_to_its_page(self, synced, ops_client):
        last = PhoneNumber.objects.order_by("number")[29]
        page = ops_client.get(f"/numbers/{last.close_id}/", {"from": "sort=number&per_page=25&page=1"})
        assert "Numbers · 30 of 40" in words(page)
        assert 'href="/numbers/?page=2&amp;per_page=25"' in page.content.decode()

    def test_a_number_that_has_left_the_list_keeps_its_neighbours(self, synced, ops_client):
        first, left, third = PhoneNumber.objects.filter(forwarding="on").order_by("number")[:3]
        PhoneNumber.objects.filter(pk=left.pk).update(forward_to_enabled=False)
        page = ops_client.get(f"/numbers/{left.close_id}/", {"from": "forwarding=on"}).content.decode()
        assert f'rel="prev" href="/numbers/{first.close_id}/?from=forwarding%3Don"' in page
        assert f'rel="next" href="/numbers/{third.close_id}/?from=forwarding%3Don"' in page
        assert "·" not in re.search(r'<nav class="crumbs".*?</nav>', page)[0]

    def test_a_lead_is_led_to_the_own_numbers_only(self, synced, lead, lead_client):
        shown, forth, _ = self.walk(lead_client, "")
        assert len(forth) + 1 == len(shown) == access.visible_numbers(access.person(lead)).count()

    def test_without_a_list_there_are_no_neighbours(self, number, ops_client):
        assert (
            "rel=" not in re.search(r'<nav class="crumbs".*?</nav>', page_of(ops_client, number).content.decode())[0]
        )

    @pytest.mark.parametrize("odd", ["&" * 3000, "sort=nonsense&page=0&team=\0&q=%00", "=", "from=from"])
    def test_an_odd_list_breaks_nothing(self, number, ops_client, odd):
        assert ops_client.get(f"/numbers/{number.close_id}/", {"from": odd}).status_code == 200

    def test_costs_two_queries_at_the_most(self, number, ops_client):
        costs = []
        for asked in ({}, {"from": f"team={Group.objects.first().close_id}&q=1&sort=-label"}):
            with CaptureQueriesContext(connection) as queries:
                ops_client.get(f"/numbers/{number.close_id}/", asked)
            costs.append(len(queries))
        assert costs[1] - costs[0] <= 2

    def test_a_row_that_is_read_anew_still_knows_its_list(self, number, ops_client):
        here = "http://testserver/numbers/?country=US&page=2"
        for address, trail in ((here, "?from=country%3DUS"), ("http://[", "?from=")):
            row = page_of_row(ops_client, number, address)
            assert f'href="/numbers/{number.close_id}/{trail}"' in row


def page_of_row(client, number, address):
    response = client.get(f"/numbers/{number.close_id}/row/", HTTP_HX_REQUEST="true", HTTP_HX_CURRENT_URL=address)
    return response.content.decode()
