"""PUT of a phone number: a patch, strictly checked, with everything that follows from it."""

from datetime import datetime, timedelta

import pytest


def complaint(answer):
    assert answer.status_code == 400
    body = answer.json()
    assert body["errors"] == []
    return body["field-errors"]


def test_a_put_changes_what_is_sent_and_leaves_the_rest(call, sim, shared):
    answer = call.put(shared["id"], label="Sales ☎️")

    assert answer.status_code == 200
    after = answer.json()
    assert after == {**shared, "label": "Sales ☎️", "date_updated": after["date_updated"]}
    assert call.get(f"phone_number/{shared['id']}/").json() == after
    assert sim.puts() == [(shared["id"], {"label": "Sales ☎️"})]
    assert sim.puts(committed=True) == sim.puts()


def test_the_date_says_when(call, shared):
    after = datetime.fromisoformat(call.put(shared["id"], label="x").json()["date_updated"])

    assert after.utcoffset() == timedelta(0)
    assert after > datetime.fromisoformat(shared["date_updated"])


def test_a_target_is_shown_formatted(call, shared):
    after = call.put(shared["id"], forward_to="+442079460321", forward_to_enabled=True, press_1_to_accept=True).json()

    assert after["forward_to_formatted"] == "+44 20 7946 0321"
    assert (after["forward_to_enabled"], after["press_1_to_accept"]) == (True, True)


def test_an_empty_target_is_taken_while_forwarding_is_off(call, shared):
    after = call.put(shared["id"], forward_to="", forward_to_enabled=False).json()

    assert (after["forward_to"], after["forward_to_formatted"], after["forward_to_enabled"]) == ("", "", False)


def test_a_target_in_a_range_that_nobody_knows_is_taken(call, shared):
    # Valid for Close, since it can be a number, although libphonenumber has no such range.
    assert call.put(shared["id"], forward_to="+447700900123").status_code == 200


def test_forwarding_without_a_target_is_refused(call, sim, shared):
    sim.change_as_somebody_else(shared["id"], forward_to=None, forward_to_enabled=False)

    assert set(complaint(call.put(shared["id"], forward_to_enabled=True))) == {"forward_to"}
    assert set(complaint(call.put(shared["id"], forward_to_enabled=True, forward_to=""))) == {"forward_to"}
    assert call.put(shared["id"], forward_to_enabled=True, forward_to="+16285550190").status_code == 200
    assert set(complaint(call.put(shared["id"], forward_to=""))) == {"forward_to"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("label", None),
        ("label", 5),
        ("forward_to", None),
        ("forward_to", "0151 23456789"),
        ("forward_to", "+49 151 23456789"),
        ("forward_to", "+1415"),
        ("forward_to", "+99999999999"),
        ("forward_to", 14155550142),
        ("forward_to_enabled", "true"),
        ("forward_to_enabled", None),
        ("press_1_to_accept", 1),
        ("inbound_ring_duration", 14),
        ("inbound_ring_duration", 91),
        ("inbound_ring_duration", None),
        ("inbound_ring_duration", "30"),
        ("inbound_ring_duration", 30.0),
        ("inbound_ring_duration", True),
        ("voicemail_greeting_url", ""),
        ("voicemail_greeting_url", 1),
        ("voicemail_greeting_url", "http://example.com/a.mp3"),
        ("voicemail_greeting_url", "https://"),
        ("participants", "user_x"),
        ("participants", ["user_nobody"]),
        ("participant_groups", ["group_none"]),
        ("participant_groups", None),
        ("phone_numbers", ["030 23125000"]),
        ("phone_numbers", [None]),
        ("user_id", None),
        ("number", "+14155550142"),
        ("colour", "blue"),
    ],
)
def test_what_cannot_be_is_named_by_field_and_nothing_is_changed(call, sim, org, shared, field, value):
    assert set(complaint(call.put(shared["id"], **{field: value, "sms_enabled": True}))) == {field, "sms_enabled"}
    assert set(complaint(call.put(shared["id"], **{field: value}))) == {field}
    assert org.numbers[shared["id"]] == shared
    assert sim.puts(committed=True) == []
    assert len(sim.puts(committed=False)) == 2


@pytest.mark.parametrize("seconds", [15, 90])
def test_the_limits_of_the_ring_duration_are_inside(call, shared, seconds):
    assert call.put(shared["id"], inbound_ring_duration=seconds).json()["inbound_ring_duration"] == seconds


def test_a_greeting_is_https_or_the_simulator_s_own_or_none(call, sim, shared):
    for url in ("https://media.example.com/a.mp3", f"{sim.origin}/greetings/support.mp3", None):
        assert call.put(shared["id"], voicemail_greeting_url=url).json()["voicemail_greeting_url"] == url


def test_a_wrong_item_of_a_list_is_named_by_its_place(call, org, shared):
    answer = call.put(shared["id"], participants=[org.me["id"], "user_nobody"])

    assert complaint(answer) == {"participants": {"errors": {"1": "Object does not exist."}}}


def test_one_member_alone_is_the_number_s_user(call, org, shared):
    one = call.put(shared["id"], participants=[org.me["id"]], participant_groups=[]).json()
    assert (one["user_id"], one["is_group_number"]) == (org.me["id"], False)

    group = next(iter(org.groups))
    more = call.put(shared["id"], participant_groups=[group]).json()
    assert (more["user_id"], more["is_group_number"], more["participant_groups"]) == (None, True, [group])

    none = call.put(shared["id"], participants=[], participant_groups=[]).json()
    assert (none["user_id"], none["participants"]) == (None, [])


def test_outside_phones_are_shown_formatted(call, shared):
    after = call.put(shared["id"], phone_numbers=["+493023125020"]).json()

    assert after["phone_numbers_formatted"] == ["+49 30 23125020"]


def test_forty_groups_are_the_most(call, org, shared):
    group = next(iter(org.groups))

    assert call.put(shared["id"], participant_groups=[group] * 40).status_code == 200
    assert set(complaint(call.put(shared["id"], participant_groups=[group] * 41))) == {"participant_groups"}


def test_an_unknown_number_is_404(call):
    assert call.put("phon_nothing", label="x").json() == {
        "error": "Empty query: PhoneNumber matching query does not exist."
    }


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"label"', b"null"])
def test_a_body_that_is_no_object_is_400(call, sim, shared, body):
    url = f"{sim.url}/phone_number/{shared['id']}/"
    answer = call.request("PUT", url, data=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}


def test_a_body_that_is_not_said_to_be_json_is_415(call, sim, shared):
    answer = call.request("PUT", f"{sim.url}/phone_number/{shared['id']}/", data={"label": "x"})

    assert answer.status_code == 415


def test_somebody_else_s_change_is_seen_and_not_in_the_journal(call, sim, shared):
    sim.change_as_somebody_else(shared["id"], label=None, forward_to="+16285550190")
    after = call.get(f"phone_number/{shared['id']}/").json()

    assert (after["label"], after["forward_to_formatted"]) == (None, "+1 628-555-0190")
    assert after["date_updated"] > shared["date_updated"]
    assert [entry.method for entry in sim.journal] == ["GET"]


def test_the_journal_can_begin_anew(call, sim):
    call.get("me/")
    sim.journal.clear()
    call.get("user/", _limit=1)

    assert [(entry.method, entry.path, entry.query) for entry in sim.journal] == [("GET", "/user/", {"_limit": "1"})]


def test_reset_brings_everything_back(call, sim, org, shared):
    call.put(shared["id"], label="x")
    sim.hide(shared["id"])
    sim.permissions(manage=False)
    sim.fault("500")
    sim.reset()

    assert call.get(f"phone_number/{shared['id']}/").json() == shared
    assert org.may_manage
    assert len(sim.journal) == 1
