"""No silent overwrite: two people, somebody in Close, the same form twice."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from dashboard.models import Change, Outcome, PhoneNumber, Plan, Role, Source
from dashboard.services import plans, store, sync
from dashboard.views import answers

from ..conftest import make_user
from .conftest import beside, cached, columns, eventually, shown


def ours():
    return Change.objects.exclude(state=Outcome.OBSERVED)


def test_somebody_changed_the_same_field_in_close(synced, number, edit, in_close):
    was = shown(number, "label")
    synced.change_as_somebody_else(number.close_id, label="Theirs")

    change = edit(number, label="Mine", was=was)

    assert change.state == "conflict"
    assert (change.before, change.after, change.found) == (was, {"label": "Mine"}, {"label": "Theirs"})
    assert answers.status_of_change(change) == 409
    assert synced.puts() == []
    assert in_close(number)["label"] == columns(number)["label"] == "Theirs"
    # What was found is also in the history, as made in Close.
    observed = Change.objects.get(state=Outcome.OBSERVED)
    assert (observed.before, observed.after, observed.plan.source) == (was, {"label": "Theirs"}, Source.CLOSE)


def test_somebody_changed_a_field_that_was_shown_and_not_changed(synced, number, edit):
    """Who switches forwarding off because of where it goes, must know that it goes elsewhere by now."""
    was = shown(number, "forward_to", "forward_to_enabled", "press_1_to_accept")
    synced.change_as_somebody_else(number.close_id, forward_to="+16285550190")

    change = edit(number, forward_to_enabled=False, was=was)

    assert change.state == "conflict"
    assert change.found == {**was, "forward_to": "+16285550190"}
    assert synced.puts() == []


def test_a_change_of_a_field_that_was_not_shown_does_not_matter(synced, number, edit):
    was = shown(number, "label")
    synced.change_as_somebody_else(number.close_id, forward_to_enabled=False)

    assert edit(number, label="Mine", was=was).state == "applied"
    assert synced.puts() == [(number.close_id, {"label": "Mine"})]


@pytest.mark.parametrize(("held", "was"), [(None, ""), ("", None), (None, None)])
def test_no_label_is_no_label_however_it_is_said(synced, number, edit, held, was):
    synced.change_as_somebody_else(number.close_id, label=held)

    assert edit(number, label="Mine", was={"label": was}).state == "applied"


def test_what_close_does_not_say_is_not_overwritten(synced, number, edit):
    was = shown(number, "forward_to", "forward_to_enabled")
    synced.fault("missing-keys", method="GET")

    change = edit(number, forward_to_enabled=False, was=was)

    assert change.state == "conflict"
    assert change.found == {"forward_to": None, "forward_to_enabled": None}


def test_use_mine_is_a_new_change_from_what_is_there_now(synced, number, edit, in_close):
    was = shown(number, "label")
    synced.change_as_somebody_else(number.close_id, label="Theirs")
    first = edit(number, label="Mine", was=was)

    second = edit(number, label="Mine", was=first.found)

    assert second.state == "applied"
    assert in_close(number)["label"] == "Mine"
    assert synced.puts() == [(number.close_id, {"label": "Mine"})]


def test_only_the_changed_fields_are_sent_and_each_as_close_takes_it(synced, number, edit, in_close):
    was = shown(number, "forward_to", "forward_to_enabled", "voicemail_greeting_url", "inbound_ring_duration")
    edit(number, forward_to_enabled=False, voicemail_greeting_url="", inbound_ring_duration=None, was=was)

    assert synced.puts() == [
        (
            number.close_id,
            {"forward_to_enabled": False, "voicemail_greeting_url": None, "inbound_ring_duration": 30},
        )
    ]
    assert cached(number) == in_close(number)


def test_two_people_save_the_same_number(synced, number, edit, ops, in_close):
    priya = make_user("Priya Nair", role=Role.OPS_ADMIN)
    synced.hold("PUT")
    with beside(edit, number, by=priya, label="Priya's") as first:
        synced.wait_until_held()
        second = edit(number, label="Marta's")
        synced.release()

    assert (second.state, second.error_kind) == ("failed", "busy")
    assert second.error == "Priya Nair is saving this number. Try again in a moment."
    assert answers.status_of_change(second) == 409
    assert first.result().state == "applied"
    assert synced.puts() == [(number.close_id, {"label": "Priya's"})]


def test_two_numbers_do_not_wait_for_each_other(synced, number, edit):
    other = type(number).objects.exclude(pk=number.pk).filter(type="internal")[0]
    synced.hold("PUT", f"/phone_number/{number.close_id}/")
    with beside(edit, number, label="One") as first:
        synced.wait_until_held()
        assert edit(other, label="Other").state == "applied"
        synced.release()
    assert first.result().state == "applied"


def test_a_change_that_nobody_knows_of_holds_its_number_until_it_is_settled(synced, number, edit, hasty, in_close):
    was = shown(number, "label")
    synced.fault("done-later", times=1)
    first = edit(number, label="First")
    assert first.state == "unknown"

    second = edit(number, label="Second", was=was)
    assert (second.state, second.error_kind) == ("failed", "busy")
    assert second.error.startswith("What became of your last change is not known yet.")

    synced.do_later()
    third = edit(number, label="Third", was={"label": "First"})

    first.refresh_from_db()
    assert (first.state, third.state) == ("applied", "applied")
    assert in_close(number)["label"] == "Third"
    assert [body["label"] for _, body in synced.puts()] == ["First", "Third"]


def test_a_change_left_behind_is_settled_by_the_next_one(synced, number, edit, hasty):
    synced.fault("503", method="PUT", times=1)
    first = edit(number, label="First")
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        second = edit(number, label="Second")

    first.refresh_from_db()
    assert (first.state, second.state) == ("failed", "applied")


def test_somebody_was_there_while_nobody_knew(synced, number, edit, hasty):
    """A third value: whether ours was there in between cannot be said; what was made in Close is recorded."""
    before = number.label
    synced.fault("504", method="PUT", times=1)
    change = edit(number, label="Mine")
    synced.change_as_somebody_else(number.close_id, label="Theirs")
    plans.sweep()

    change.refresh_from_db()
    assert (change.state, change.found) == ("conflict", {"label": "Theirs"})
    assert "cannot be said" in change.error
    observed = Change.objects.get(state=Outcome.OBSERVED)
    assert (observed.before, observed.after) == ({"label": before}, {"label": "Theirs"})


def test_a_number_that_is_gone_when_nobody_knew(synced, number, edit, hasty):
    synced.fault("504", method="PUT", times=1)
    change = edit(number, label="Mine")
    synced.hide(number.close_id)
    plans.sweep()

    change.refresh_from_db()
    number.refresh_from_db()
    assert (change.state, change.error_kind) == ("conflict", "not_found")
    assert number.missing_since


def test_a_key_that_close_leaves_out_does_not_block_a_number_for_ever(synced, number, edit, hasty, in_close):
    """A number without a ring duration: what was null before and is not said afterwards was not set."""
    text = synced.organisation.numbers[number.close_id]
    del text["inbound_ring_duration"]
    synced.organisation._put(number.close_id, text)
    sync.refresh_number(number=number)
    synced.fault("504", method="PUT", times=1)

    change = edit(number, inbound_ring_duration=45)
    assert change.state == "unknown"
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        plans.sweep()

    change.refresh_from_db()
    assert change.state == "failed"


def test_a_walk_settles_what_nobody_knew(synced, number, edit, hasty):
    synced.fault("done-later", times=1)
    change = edit(number, label="Mine")
    synced.do_later()
    sync.sync()

    change.refresh_from_db()
    assert (change.state, change.answer, change.error) == ("applied", {"label": "Mine"}, "")
    assert change.plan.state == Plan.State.DONE
    assert not Change.objects.filter(state=Outcome.OBSERVED).exists()


def test_a_read_from_before_the_write_says_nothing_of_it(synced, number, edit, hasty):
    """A page that was read before the write left, and holds the wanted value by chance, does not settle it."""
    synced.fault("504", method="PUT", times=1)
    synced.change_as_somebody_else(number.close_id, label="Mine")
    synced.hold("GET", "/phone_number/", after_commit=True)
    with beside(sync.refresh_number, number=type(number).objects.get(pk=number.pk)):
        synced.wait_until_held()
        synced.change_as_somebody_else(number.close_id, label=number.label)
        with beside(edit, number, label="Mine") as saving:
            synced.wait_until_held(count=2)
            synced.release()
    change = saving.result()
    change.refresh_from_db()
    assert change.state == "unknown"


# --- the same form twice ----------------------------------------------------------------------


def test_the_same_form_again_gives_the_first_outcome_again(synced, number, edit):
    intent, was = uuid4(), shown(number, "label")
    first = edit(number, label="Mine", was=was, intent=intent)
    again = edit(number, label="Mine", was=was, intent=intent)

    assert again.pk == first.pk
    assert again.state == "applied"
    assert len(synced.puts()) == 1


def test_the_same_form_twice_at_the_same_moment(synced, number, edit):
    intent, was = uuid4(), shown(number, "label")
    synced.hold("PUT")
    with beside(edit, number, label="Mine", was=was, intent=intent) as first:
        synced.wait_until_held()
        with beside(edit, number, label="Mine", was=was, intent=intent) as again:
            synced.release()

    assert first.result().pk == again.result().pk
    assert {first.result().state, again.result().state} == {"applied"}
    assert len(synced.puts()) == 1


def test_many_of_the_same_form_at_once(synced, number, edit):
    from django.db import connection

    intent, was = uuid4(), shown(number, "label")

    def save(_):
        try:
            return edit(number, label="Mine", was=was, intent=intent)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        changes = list(pool.map(save, range(6)))

    assert {change.pk for change in changes} == {ours().get().pk}
    assert {change.state for change in changes} == {"applied"}
    assert len(synced.puts()) == 1


def test_the_form_of_another_person_or_number_is_refused(synced, number, edit):
    intent = uuid4()
    edit(number, label="Mine", intent=intent)
    other = type(number).objects.exclude(pk=number.pk)[0]

    with pytest.raises(plans.NotAllowedError, match="belongs to another change"):
        edit(other, label="Mine", intent=intent)
    with pytest.raises(plans.NotAllowedError, match="belongs to another change"):
        edit(number, label="Mine", intent=intent, by=make_user("Priya Nair", role=Role.OPS_ADMIN))
    assert len(synced.puts()) == 1


def test_what_would_be_sent_must_be_what_was_approved(synced, number, edit):
    """Somebody meddles with the stored change between approval and sending (promise P2)."""
    synced.hold("GET", f"/phone_number/{number.close_id}/")
    synced.fault("429", method="PUT", times=1, delay=0.01)
    with beside(edit, number, label="Mine") as saving:
        synced.wait_until_held()
        ours().update(after={"label": "Meddled"})
        synced.release()

    assert (saving.result().state, saving.result().error_kind) == ("failed", "not_sent")
    assert "not what was approved" in saving.result().error
    eventually(lambda: [body for _, body in synced.puts(committed=True)] == [])


def test_an_answer_is_kept_while_a_walk_stores_the_same_number(synced, number, edit, monkeypatch):
    """One has drawn its place in the order and waits for the number; whoever holds that draws, and is not stuck."""
    drawn, draw = threading.Event(), store.draw

    def noted():
        number_of_the_answer = draw()
        drawn.set()
        return number_of_the_answer

    synced.hold("PUT", f"/phone_number/{number.close_id}/")
    with beside(edit, number, label="Nights") as saving:
        synced.wait_until_held()
        monkeypatch.setattr(store, "draw", noted)
        with transaction.atomic():
            PhoneNumber.objects.select_for_update().get(pk=number.pk)
            synced.release()
            # On SQLite one transaction writes at a time, so that there the answer waits for all of this.
            assert connection.vendor == "sqlite" or drawn.wait(5)
            draw()
    assert saving.result().state == "applied"
    assert cached(number)["label"] == "Nights"
