"""Undo brings back exactly what was there, or says why it cannot (promise P7)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from dashboard import access
from dashboard.models import Change, Outcome, PhoneNumber, Source
from dashboard.services import plans, sync

from .conftest import cached, columns, shown

EVERY_FIELD = {
    "label": "Nights",
    "forward_to": "+16285550190",
    "forward_to_enabled": False,
    "press_1_to_accept": None,
    "voicemail_greeting_url": "https://example.com/nights.mp3",
    "inbound_ring_duration": 17,
}


def other_value(number, name):
    return not shown(number, name)[name] if name == "press_1_to_accept" else EVERY_FIELD[name]


@pytest.fixture
def bare(synced):
    """A number without a forwarding target."""
    return PhoneNumber.objects.filter(forward_to="", type="internal", answer__raw__has_key="forward_to")[0]


def without_date(raw):
    return {key: value for key, value in raw.items() if key != "date_updated"}


@pytest.mark.parametrize("name", EVERY_FIELD)
def test_a_field_goes_back_to_what_it_was(synced, number, edit, undo, in_close, name):
    before = in_close(number)
    change = edit(number, **{name: other_value(number, name)})
    assert plans.undo_note(change) == plans.UndoNote(True)

    undone = undo(change)

    assert (undone.state, undone.plan.source, undone.undoes) == ("applied", Source.UNDO, change)
    assert synced.puts()[1] == (number.close_id, {name: before[name]})
    assert without_date(in_close(number)) == without_date(before)
    assert cached(number) == in_close(number)


def test_all_fields_at_once(synced, number, edit, undo, in_close):
    before = in_close(number)
    undo(edit(number, **{name: other_value(number, name) for name in EVERY_FIELD}))

    assert synced.puts()[1] == (number.close_id, {name: before[name] for name in EVERY_FIELD})
    assert without_date(in_close(number)) == without_date(before)


def test_no_greeting_goes_back_as_no_greeting(synced, number, edit, undo, in_close):
    synced.change_as_somebody_else(number.close_id, voicemail_greeting_url=None)
    change = edit(number, voicemail_greeting_url="https://example.com/x.mp3", was={"voicemail_greeting_url": ""})

    assert undo(change).state == "applied"
    assert synced.puts()[1][1] == {"voicemail_greeting_url": None}
    assert in_close(number)["voicemail_greeting_url"] is None


def test_a_null_label_goes_back_as_an_empty_one(synced, number, edit, undo):
    synced.change_as_somebody_else(number.close_id, label=None)
    change = edit(number, label="Nights", was={"label": None})

    assert plans.undo_note(change) == plans.UndoNote(True)
    assert undo(change).state == "applied"
    assert synced.puts()[1][1] == {"label": ""}


def test_a_null_ring_duration_goes_back_as_30_and_that_is_said_before(synced, number, edit, undo):
    synced.change_as_somebody_else(number.close_id, inbound_ring_duration=None)
    change = edit(number, inbound_ring_duration=45, was={"inbound_ring_duration": None})

    assert plans.undo_note(change).words == "It goes back to 30 seconds, which is Close’s default."
    assert undo(change).state == "applied"
    assert synced.puts()[1][1] == {"inbound_ring_duration": 30}


@pytest.mark.parametrize("was", [None, ""])
def test_a_first_target_stays_and_forwarding_is_switched_off(synced, bare, edit, undo, in_close, was):
    was = {"forward_to": was, "forward_to_enabled": False}
    change = edit(bare, forward_to="+16285550190", forward_to_enabled=True, was=was)

    assert plans.undo_note(change).words == (
        "Close cannot take the target away again, so forwarding is switched off instead."
    )
    assert undo(change).state == "applied"
    assert synced.puts()[1][1] == {"forward_to_enabled": False}
    assert in_close(bare)["forward_to"] == "+16285550190"
    assert in_close(bare)["forward_to_enabled"] is False


def test_a_first_target_of_a_forwarding_that_is_off_cannot_be_taken_back(synced, bare, edit, undo):
    change = edit(bare, forward_to="+16285550190")

    assert not plans.undo_note(change).possible
    with pytest.raises(plans.NotAllowedError, match="cannot take a first target away"):
        undo(change)
    assert len(synced.puts()) == 1


def test_after_somebody_else_s_change_it_is_a_conflict(synced, number, edit, undo, in_close):
    change = edit(number, label="Nights")
    synced.change_as_somebody_else(number.close_id, label="Theirs")

    undone = undo(change)

    assert (undone.state, undone.found) == ("conflict", {"label": "Theirs"})
    assert in_close(number)["label"] == "Theirs"
    assert len(synced.puts()) == 1
    assert plans.undo_note(change).possible


def test_another_field_that_changed_meanwhile_stays_as_it_is(synced, number, edit, undo, in_close):
    change = edit(number, label="Nights")
    synced.change_as_somebody_else(number.close_id, forward_to="+16285550190")

    assert undo(change).state == "applied"
    assert in_close(number)["forward_to"] == "+16285550190"


def test_it_compares_with_what_close_made_of_it(synced, number, edit, undo, in_close):
    synced.fault("saves-capitals", times=1)
    before = number.label
    change = edit(number, label="Nights")

    assert undo(change).state == "applied"
    assert in_close(number)["label"] == before


def test_where_close_made_nothing_of_it_there_is_nothing_to_take_back(synced, number, edit, undo):
    synced.change_as_somebody_else(number.close_id, label="SALES")
    synced.fault("saves-capitals", times=1)
    change = edit(number, label="Sales", was={"label": "SALES"})

    assert plans.undo_note(change) == plans.UndoNote(False, "Close holds what it held before.")
    with pytest.raises(plans.NotAllowedError):
        undo(change)
    assert len(synced.puts()) == 1


def test_it_is_done_once(synced, number, edit, undo):
    change = edit(number, label="Nights")
    undo(change)

    assert plans.undo_note(change) == plans.UndoNote(False, "This was already undone.")
    with pytest.raises(plans.NotAllowedError, match="already undone"):
        undo(change)
    assert len(synced.puts()) == 2


def test_two_people_click_undo_at_once(synced, number, edit, undo, in_close):
    before = number.label
    change = edit(number, label="Nights")

    def click(_):
        try:
            return undo(change).state
        except plans.NotAllowedError:
            return "not any more"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        states = sorted(pool.map(click, range(2)))

    assert states[0] == "applied"
    assert states[1] in ("conflict", "failed", "not any more")
    assert in_close(number)["label"] == before
    assert len(synced.puts()) == 2


def test_an_undo_can_be_undone(synced, number, edit, undo, in_close):
    undone = undo(edit(number, label="Nights"))
    assert undo(undone).state == "applied"
    assert in_close(number)["label"] == "Nights"


def test_what_was_made_in_close_can_be_undone(synced, number, undo, in_close):
    before = in_close(number)["label"]
    synced.change_as_somebody_else(number.close_id, label="Theirs")
    sync.refresh_number(number=number)
    change = Change.objects.get(state=Outcome.OBSERVED)

    assert undo(change).state == "applied"
    assert in_close(number)["label"] == before


def test_members_come_back_and_other_phones_stay_which_is_said(synced, number, undo, in_close):
    before, people = in_close(number)["label"], sorted(in_close(number)["participants"])
    synced.change_as_somebody_else(number.close_id, label="Theirs", participants=[], phone_numbers=["+16285550190"])
    sync.refresh_number(number=number)
    change = Change.objects.get(state=Outcome.OBSERVED)

    assert plans.undo_note(change).words == "Other phones stay as they are now."
    assert undo(change).state == "applied"
    assert synced.puts() == [(number.close_id, {"label": before, "participants": people})]


def test_only_ops_admins_bring_members_back(synced, number, undo, lead):
    number = access.changeable_numbers(access.person(lead)).filter(type="internal").exclude(people=[])[0]
    synced.change_as_somebody_else(number.close_id, participants=[])
    sync.refresh_number(number=number)
    with pytest.raises(plans.NotAllowedError, match="Only ops admins change who a number belongs to"):
        undo(Change.objects.get(), by=lead)


def test_what_is_not_written_here_can_only_be_changed_back_in_close(synced, number):
    synced.change_as_somebody_else(number.close_id, phone_numbers=["+16285550190"])
    sync.refresh_number(number=number)

    assert plans.undo_note(Change.objects.get()).words == "This can only be changed back in Close."


def test_a_number_that_is_gone_cannot_be_undone(synced, number, edit, undo):
    change = edit(number, label="Nights")
    synced.hide(number.close_id)
    with pytest.raises(Exception, match="404"):
        sync.refresh_number(number=number)
    change = Change.objects.get(pk=change.pk)

    assert plans.undo_note(change) == plans.UndoNote(False, "The number is gone from Close.")
    with pytest.raises(plans.NotAllowedError, match="gone from Close"):
        undo(change)


@pytest.mark.parametrize("fault", ["400", "404"])
def test_what_was_not_changed_cannot_be_taken_back(synced, number, edit, fault):
    synced.fault(fault, method="PUT")
    change = edit(number, label="Nights")

    assert plans.undo_note(change).words == "Nothing was changed in Close, so there is nothing to take back."


def test_an_undo_that_close_refuses_has_close_s_words(synced, number, edit, undo):
    change = edit(number, label="Nights")
    synced.fault("400", method="PUT")

    undone = undo(change)

    assert (undone.state, undone.error) == ("refused", "label: This label cannot be used right now.")
    assert plans.undo_note(change).possible


def test_only_whoever_may_change_the_number_may_undo(synced, number, edit, undo, viewer):
    change = edit(number, label="Nights")
    with pytest.raises(plans.NotAllowedError, match="may look at this number"):
        undo(change, by=viewer)
    assert columns(number)["label"] == "Nights"
