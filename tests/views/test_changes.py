"""The page Changes: what is told of each change, tabs, filters, and who sees what."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from dashboard.models import Change, Group, Member, Outcome, PhoneNumber, Preference, Source

from .story import happened, in_and_out_of_scope, plain_number, row_of, save, words


@pytest.fixture
def number(synced):
    return plain_number()


def test_a_label_shows_the_words_that_changed(number, ops_client):
    change = happened(number, "applied", {"label": "West inbound 2"}, {"label": "West overflow"}, reason="busy")
    page = ops_client.get("/changes/")
    row = row_of(page, change)
    assert "Label: West from inbound 2 to overflow" in row
    assert "Nora Lind “busy”" in row
    assert "Applied" in row
    assert "West <del>" in page.content.decode()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"label": None}, {"label": "New"}, "Label: from no label to New"),
        ({"forward_to": None}, {"forward_to": "+4917604069123"}, "Forwarding: from none to +49 176 04069123"),
        ({"forward_to_enabled": True}, {"forward_to_enabled": False}, "Forwarding: from on to off"),
        (
            {"forward_to": None, "forward_to_enabled": False},
            {"forward_to": "+14155550142", "forward_to_enabled": True},
            "Forwarding: from off to on, to +1 415 555 0142",
        ),
        ({"press_1_to_accept": False}, {"press_1_to_accept": True}, "Press 1 to accept: from off to on"),
        (
            {"inbound_ring_duration": None},
            {"inbound_ring_duration": 20},
            "Rings for: from 30 s, Close’s default to 20 s",
        ),
        (
            {"voicemail_greeting_url": "https://a.test/summer.mp3"},
            {"voicemail_greeting_url": None},
            "Voicemail greeting: from summer.mp3 to Close’s default",
        ),
        (
            {"voicemail_greeting_url": "https://a.test/x.mp3"},
            {"voicemail_greeting_url": "https://b.test/x.mp3"},
            "from https://a.test/x.mp3 to https://b.test/x.mp3",
        ),
        ({"phone_numbers": []}, {"phone_numbers": ["+14155550142"]}, "Also rings: + +1 415 555 0142"),
        ({"released": False}, {"released": True}, "Number: from in Close to gone from Close"),
        ({"brand_new_field": 1}, {"brand_new_field": 2}, "Brand new field: from 1 to 2"),
    ],
)
def test_each_field_is_told_in_its_own_words(number, ops_client, before, after, told):
    change = happened(number, "observed", before, after, observed_after=timezone.now())
    assert told in row_of(ops_client.get("/changes/"), change)


def test_people_and_groups_are_told_by_name(number, ops_client):
    one, other = Member.objects.order_by("pk")[:2]
    group = Group.objects.first()
    change = happened(
        number,
        "observed",
        {"participants": [one.close_id], "participant_groups": []},
        {"participants": [other.close_id], "participant_groups": [group.close_id, "group_gone"]},
    )
    row = row_of(ops_client.get("/changes/"), change)
    assert f"− {one.name} + {other.name}" in row
    assert f"+ {group.name} + Unknown group" in row
    assert one.close_id not in row


def test_what_was_made_in_close_says_between_when_and_by_whom_not(number, ops_client):
    change = happened(number, "observed", {"label": "a"}, {"label": "b"})
    at = timezone.now().replace(hour=11, minute=30)
    Change.objects.filter(pk=change.pk).update(created_at=at, observed_after=at - timedelta(minutes=15))
    row = row_of(ops_client.get("/changes/"), change)
    assert "In Close" in row
    assert "Made between 11:15 and 11:30, by whom is not known" in row


def test_times_are_those_of_the_reader_and_the_zone_is_named_once(number, ops, ops_client):
    Preference.objects.create(user=ops, zone="Asia/Kolkata")
    change = happened(number, "applied", {"label": "a"}, {"label": "b"})
    Change.objects.filter(pk=change.pk).update(created_at=timezone.now().replace(hour=6, minute=0))
    page = ops_client.get("/changes/")
    assert row_of(page, change).startswith("11:30")
    assert words(page).count("Times in Kolkata (IST)") == 1


def test_what_did_not_happen_says_why(number, ops_client):
    refused = happened(number, "refused", {"label": "a"}, {"label": "b"}, error="label: too long")
    failed = happened(number, "failed", {"label": "a"}, {"label": "b"}, error="Not saved: Close is unreachable.")
    conflict = happened(number, "conflict", {"label": "a"}, {"label": "b"}, found={"label": "c"})
    unknown = happened(number, "unknown", {"label": "a"}, {"label": "b"}, error="Close did not answer.")
    other = PhoneNumber.objects.exclude(pk=number.pk)[0]
    cut_off = happened(other, "unknown", {"label": "a"}, {"label": "b"}, sent_at=timezone.now())
    forbidden = happened(number, "refused", {}, {"label": "b"}, error="Ask someone.", error_kind="forbidden")
    page = ops_client.get("/changes/")
    assert "Close: label: too long Refused" in row_of(page, refused)
    assert "Try again" in row_of(page, refused)
    assert "Not saved: Close is unreachable. Failed" in row_of(page, failed)
    assert "Nothing was sent: Close already held c." in row_of(page, conflict)
    assert "Was a Yours b Now in Close c" in row_of(page, conflict)
    assert "Close did not answer. " in row_of(page, unknown)
    assert "Read again" in row_of(page, unknown)
    assert "closephones was cut off before Close had answered." in row_of(page, cut_off)
    assert "Close:" not in row_of(page, forbidden)
    for change in (refused, failed, conflict, unknown):
        assert "Undo" not in row_of(page, change)


def test_an_answer_that_differs_from_what_was_sent_is_told(number, ops_client):
    change = happened(number, "applied", {"label": "a"}, {"label": " b "}, answer={"label": "b"})
    assert "Close saved it as b." in row_of(ops_client.get("/changes/"), change)


def test_what_cannot_be_taken_back_is_said_before_the_click(number, ops_client):
    first_target = happened(
        number,
        "applied",
        {"forward_to": None, "forward_to_enabled": False},
        {"forward_to": "+14155550142", "forward_to_enabled": True},
    )
    phones = happened(number, "observed", {"phone_numbers": []}, {"phone_numbers": ["+16285550190"]})
    page = ops_client.get("/changes/")
    assert "so forwarding is switched off instead" in row_of(page, first_target)
    assert f'aria-describedby="undo-note-{first_target.pk}"' in page.content.decode()
    assert "Undo" not in row_of(page, phones)


def test_tabs_count_exactly_and_hold_what_they_say(number, ops, ops_client):
    mine = save(ops, number, label="Mine")
    plans_of_close = happened(number, "observed", {"label": "Mine"}, {"label": "Theirs"})
    old_failure = happened(number, "failed", {"label": "x"}, {"label": "y"}, error="No.")
    page = words(ops_client.get("/changes/"))
    assert "All 3 Mine 1 Made in Close 1 Needs a look 1 Undone 0" in page
    shown = {
        view: set(re.findall(r'id="change-(\d+)"', ops_client.get(f"/changes/?view={view}").content.decode()))
        for view in ("mine", "close", "look", "undone")
    }
    assert shown == {
        "mine": {str(mine.pk)},
        "close": {str(plans_of_close.pk)},
        "look": {str(old_failure.pk)},
        "undone": set(),
    }


def test_what_was_set_right_since_needs_no_look_any_more(number, ops, ops_client):
    happened(number, "failed", {"label": "x"}, {"label": "y"}, error="No.")
    save(ops, number, label="Done after all")
    assert "Needs a look 0" in words(ops_client.get("/changes/"))


def test_filters_narrow_together(number, ops_client):
    wanted = happened(number, "refused", {"label": "a"}, {"label": "Köln b"}, error="No.", reason="trade fair")
    happened(number, "applied", {"forward_to_enabled": True}, {"forward_to_enabled": False})
    other_person = happened(number, "applied", {"label": "b"}, {"label": "c"}, author_name="Priya Nair")
    old = happened(number, "applied", {"label": "1"}, {"label": "2"}, minutes=60 * 24 * 3)
    today = timezone.localdate().isoformat()

    def found(query):
        return set(re.findall(r'id="change-(\d+)"', ops_client.get(f"/changes/?{query}").content.decode()))

    assert found("person=Priya+Nair") == {str(other_person.pk)}
    assert found(f"person=Nora+Lind&field=label&from={today}") == {str(wanted.pk)}
    assert found("outcome=refused") == {str(wanted.pk)}
    assert found("q=k%C3%B6ln") == found("q=trade+fair") == {str(wanted.pk)}
    assert found(f"to={timezone.localdate() - timedelta(days=2)}") == {str(old.pk)}
    page = words(ops_client.get("/changes/?person=Nora+Lind"))
    assert "3 of 4 changes, newest first" in page
    assert "Source Edited here Many at once Import Absence Undo Hand-over Made in Close" in page
    assert "Nora Lind “trade fair”" in page
    assert found(f"number={number.close_id}&field=forwarding&source={Source.INLINE}") != set()
    assert found("number=phon_nothing") == set()
    assert str(wanted.pk) in found(f"q={number.number[-6:]}")


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=1000000000",
        "page=x",
        "view=nonsense",
        "outcome=nonsense",
        "source=nonsense",
        "field=nonsense",
        "from=2026-02-31",
        "to=yesterday",
        "from=0001-01-01",
        "to=9999-12-31",
        "seen=perhaps",
        "sort=number",
        "q=%00",
    ],
)
def test_an_address_that_makes_no_sense_is_the_page_with_a_note(number, ops, ops_client, query):
    # East of Greenwich the first day there is begins before it, and west of it the last one ends after it.
    Preference.objects.create(user=ops, zone="Europe/Berlin" if "from" in query else "America/New_York")
    happened(number, "applied", {"label": "a"}, {"label": "b"})
    page = ops_client.get(f"/changes/?{query}")
    assert page.status_code == 200
    assert "note-box warn" in page.content.decode()


def test_pages_have_exact_totals(number, ops_client):
    for turn in range(53):
        happened(number, "applied", {"label": f"{turn}"}, {"label": f"{turn + 1}"})
    first, last = words(ops_client.get("/changes/")), words(ops_client.get("/changes/?page=2"))
    assert "1–50 of 53" in first
    assert "· 53 changes" in first
    assert "51–53 of 53" in last


def test_an_empty_record_says_what_will_stand_here(synced, ops_client):
    assert "No changes yet" in words(ops_client.get("/changes/"))
    assert "No change matches" in words(ops_client.get("/changes/?q=nothing"))


def test_a_label_full_of_markup_is_text(number, ops_client):
    bad = '"><img src=x onerror=alert(1)>'
    PhoneNumber.objects.filter(pk=number.pk).update(label=bad)
    happened(number, "applied", {"label": "a"}, {"label": bad}, author_name=bad, reason=bad)
    for url in ("/changes/", f"/numbers/{number.close_id}/", "/changes/?q=%22%3E%3Cimg"):
        page = ops_client.get(url).content.decode()
        assert "<img" not in page
        assert "&lt;img src=x" in page


def test_the_number_of_queries_does_not_grow(number, ops_client, django_assert_max_num_queries):
    numbers = list(PhoneNumber.objects.all()[:20])
    for turn in range(50):
        happened(numbers[turn % 20], "applied", {"label": f"{turn}"}, {"label": f"{turn + 1}"})
    happened(number, "observed", {"participants": []}, {"participants": ["user_1"], "participant_groups": ["g"]})
    with django_assert_max_num_queries(14):
        assert ops_client.get("/changes/").status_code == 200


def test_team_leads_see_the_changes_of_their_numbers(number, lead, lead_client):
    inside, outside = in_and_out_of_scope(lead)
    seen = happened(inside, "applied", {"label": "a"}, {"label": "b"})
    hidden = happened(outside, "applied", {"label": "a"}, {"label": "b"}, author_name="Hidden Person")
    page = lead_client.get("/changes/")
    assert row_of(page, seen) is not None
    assert row_of(page, hidden) is None
    assert "Hidden Person" not in page.content.decode()
    assert "All 1 " in words(page)
    assert lead_client.post(f"/changes/{hidden.pk}/undo/").status_code == 404


def test_changes_of_numbers_that_are_gone_are_for_ops_admins(number, ops_client, viewer_client):
    change = happened(number, "applied", {"label": "a"}, {"label": "b"})
    PhoneNumber.objects.filter(pk=number.pk).update(missing_since=timezone.now())
    assert "Undo" not in row_of(ops_client.get("/changes/"), change)
    assert row_of(viewer_client.get("/changes/"), change) is None


def test_viewers_look_and_do_nothing(number, viewer_client):
    change = happened(number, "applied", {"label": "a"}, {"label": "b"})
    happened(number, "observed", {"label": "a"}, {"label": "b"})
    page = viewer_client.get("/changes/")
    assert "Undo" not in row_of(page, change)
    assert "as seen" not in words(page)
    for url in (f"/changes/{change.pk}/undo/", f"/changes/{change.pk}/settle/", "/changes/seen/"):
        answer = viewer_client.post(url)
        assert answer.status_code == 403
        assert "This is for team leads and ops admins." in words(answer)


class TestSeen:
    def test_one_is_marked_by_whom_and_its_row_comes_back(self, number, ops_client):
        change = happened(number, "observed", {"label": "a"}, {"label": "b"})
        answer = ops_client.post("/changes/seen/", {"change": change.pk}, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert "Seen by Marta Klein" in row_of(answer, change)
        assert "Marked as seen." in words(answer)

    @pytest.mark.parametrize("page", ["http://testserver/changes/?q=x", "http://["])
    def test_its_way_back_is_the_page_it_was_asked_from(self, number, ops_client, page):
        change = happened(number, "conflict", {"label": "a"}, {"label": "b"}, error="No.", found={"label": "c"})
        other = happened(number, "applied", {"label": "a"}, {"label": "b"})
        headers = {"HX-Request": "true", "HX-Current-URL": page}
        answer = ops_client.post("/changes/seen/", {"change": change.pk}, headers=headers)
        assert answer["HX-Trigger"] == "changes-seen"
        answer = ops_client.post(f"/changes/{other.pk}/settle/", headers=headers)
        back = "/changes/?q=x" if "?" in page else "/changes/"
        assert f'name="back" value="{back}"' in answer.content.decode()

    def test_all_that_are_shown_are_marked_at_once(self, number, ops_client):
        changes = [happened(number, "observed", {"label": "a"}, {"label": "b"}) for _ in range(3)]
        failed = happened(number, "failed", {"label": "a"}, {"label": "b"}, error="No.")
        applied = happened(number, "applied", {"label": "a"}, {"label": "b"})
        ids = [change.pk for change in [*changes, failed, applied]]
        answer = ops_client.post("/changes/seen/", {"change": ids, "back": "/changes/?view=close"})
        assert (answer.status_code, answer["Location"]) == (303, "/changes/?view=close")
        assert Change.objects.filter(seen_at__isnull=False).count() == 4
        assert "Marked 4 changes as seen." in words(ops_client.get("/changes/"))
        assert Change.objects.unseen().count() == 0

    def test_what_is_not_seen_by_this_person_stays_unseen(self, number, lead, lead_client):
        _, outside = in_and_out_of_scope(lead)
        change = happened(outside, "observed", {"label": "a"}, {"label": "b"})
        lead_client.post("/changes/seen/", {"change": [change.pk, "x", "9" * 30]})
        change.refresh_from_db()
        assert change.seen_at is None

    def test_the_way_back_stays_on_this_site(self, number, ops_client):
        for back in ("https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", ""):
            answer = ops_client.post("/changes/seen/", {"change": 1, "back": back})
            assert answer["Location"] == "/changes/"


def test_an_unknown_change_is_read_again_on_demand(number, ops, ops_client, synced):
    change = happened(number, Outcome.UNKNOWN, {"label": number.label}, {"label": "New"}, author=ops)
    Change.objects.filter(pk=change.pk).update(sent_at=timezone.now() - timedelta(minutes=5), sent_no=1)
    synced.change_as_somebody_else(number.close_id, label="New")
    answer = ops_client.post(f"/changes/{change.pk}/settle/", headers={"HX-Request": "true"})
    assert "Applied" in row_of(answer, change)
    assert "This change is settled: applied." in words(answer)
