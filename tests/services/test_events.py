"""The history: an entry for each thing that happened, in one chain, and whoever tampers with it is found out."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from dashboard import access
from dashboard.models import Change, Event, Kind, Outcome
from dashboard.services import events, people, plans

from .. import history_rule
from .conftest import shown

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lines():
    """What goes to standard output, line by line."""
    found = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(json.loads(record.getMessage()))
    log = logging.getLogger("closephones.history")
    log.addHandler(handler)
    yield found
    log.removeHandler(handler)


def verified(**options):
    """What the command says."""
    out = StringIO()
    call_command("verify_history", stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def history(number, edit, ops):
    """Two sign-ins, a save, a role, another sign-in: five entries."""
    actor = access.person(ops)
    events.note(Kind.SIGNED_IN, actor=actor)
    events.note(Kind.SIGNED_IN, actor=actor, words="Again.")
    edit(number, label="Remembered")
    events.note(Kind.ROLE_TAKEN, actor=actor, about="Tom Berger")
    events.note(Kind.SIGNED_OUT, actor=actor)
    return list(Event.objects.order_by("position"))


def test_a_save_stands_in_it_with_all_that_became_of_it(number, edit, ops, lines):
    change = edit(number, label="Remembered")
    entry = Event.objects.get()
    assert (entry.kind, entry.who, entry.account, entry.change) == (Kind.CHANGE, "Marta Klein", ops.pk, change)
    facts = json.loads(entry.facts)
    assert facts["after"] == facts["answer"] == {"label": "Remembered"}
    assert (facts["state"], facts["number"]) == ("applied", number.close_id)
    assert "All 1 entries are as they were written." in verified()
    assert [(line["position"], line["mac"], line["facts"]) for line in lines] == [(1, entry.mac, entry.facts)]


def test_every_outcome_stands_in_it(number, edit, synced):
    """Also what somebody has changed in Close, and what Close refuses."""
    was = shown(number, "label")
    synced.change_as_somebody_else(number.close_id, label="Theirs")
    assert edit(number, label="Mine", was=was).state == Outcome.CONFLICT
    synced.fault("403", method="PUT")
    assert edit(number, label="Refused").state == Outcome.REFUSED
    entries = Event.objects.order_by("position")
    assert [entry.words for entry in entries] == ["Made in Close", "Conflict", "Refused"]
    assert [json.loads(entry.facts)["found"] for entry in entries] == [None, {"label": "Theirs"}, None]
    verified()


def test_what_cannot_be_stored_has_no_outcome_either(number, edit, monkeypatch):
    """The outcome and its entry are one: a change whose entry fails is settled later, as after a crash."""

    def full(*args):
        raise DatabaseError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(Event.objects, "append", full)
        with pytest.raises(DatabaseError):
            edit(number, label="Half done")
    change = Change.objects.get()
    assert change.state == Outcome.SENDING
    assert Event.objects.count() == 0
    Change.objects.update(lease_until=timezone.now())
    plans.sweep()
    change.refresh_from_db()
    assert change.state == Outcome.APPLIED
    verified()


def test_nothing_is_told_of_what_was_rolled_back(lines, ops):
    with transaction.atomic():
        events.note(Kind.EXPORTED, actor=access.person(ops))
        transaction.set_rollback(True)
    assert lines == []
    events.note(Kind.EXPORTED, actor=access.person(ops))
    assert [line["position"] for line in lines] == [1]


def test_a_chain_of_many_hands_is_one_chain(ops):
    """Threads, each with a connection of its own: no place is taken twice, and each entry follows the one before."""

    def add(worker):
        actor = access.Person(ops, way=f"worker {worker}")
        for count in range(8):
            with transaction.atomic():
                events.note(Kind.EXPORTED, actor=actor, words=str(count))
        connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(6)))
    assert "All 48 entries are" in verified()


def test_it_costs_two_queries(number, ops, django_assert_num_queries):
    events.note(Kind.SIGNED_IN, actor=access.person(ops))
    actor = access.person(ops)
    with transaction.atomic(), django_assert_num_queries(2):
        events.note(Kind.EXPORTED, actor=actor)


# --- tampering --------------------------------------------------------------------------------


def run(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def shift(first, by):
    """Give the entries from `first` on other places, one by one, so that no two have the same on the way."""
    places = list(Event.objects.filter(position__gte=first).order_by("position").values_list("position", flat=True))
    for place in reversed(places) if by > 0 else places:
        run("UPDATE dashboard_event SET position = %s WHERE position = %s", place + by, place)


def altered(history):
    run("UPDATE dashboard_event SET who = 'Somebody else' WHERE position = 2")


def deleted(history):
    run("DELETE FROM dashboard_event WHERE position = 2")


def deleted_and_closed_up(history):
    run("DELETE FROM dashboard_event WHERE position = 2")
    shift(3, -1)


def put_in(history):
    shift(2, 1)
    forged = Event(position=2, kind=Kind.EXPORTED, at=timezone.now(), previous=history[0].mac, mac="f" * 64)
    Event.objects.bulk_create([forged])


def put_in_a_copy(history):
    copy = history[1]
    copy.position = 6
    Event.objects.bulk_create([copy])


def swapped(history):
    for old, new in ((2, 99), (4, 2), (99, 4)):
        run("UPDATE dashboard_event SET position = %s WHERE position = %s", new, old)


def begun_later(history):
    run("DELETE FROM dashboard_event WHERE position = 1")


def outcome_rewritten(history):
    run("UPDATE dashboard_change SET state = 'failed' WHERE id = %s", history[2].change_id)


def reason_rewritten(history):
    run("UPDATE dashboard_plan SET author_name = 'Somebody else' WHERE id = %s", history[2].change.plan_id)


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (altered, "Entry 2 was altered"),
        (deleted, "Entry 2 was deleted"),
        (deleted_and_closed_up, "Entry 2 was deleted"),
        (put_in, "Entry 2 was displaced by one that was put in: it stands in place 3"),
        (put_in_a_copy, "Entry 6 was put in: it is a copy of entry 2"),
        (swapped, "Entry 2 was moved: it stands in place 4"),
        (begun_later, "Entry 1 was deleted"),
        (outcome_rewritten, "was altered after entry 3 had recorded its outcome"),
        (reason_rewritten, "was altered after entry 3 had recorded its outcome"),
    ],
)
def test_whoever_tampers_is_found_out(history, tamper, words):
    assert "All 5 entries" in verified()
    with history_rule.without():
        tamper(history)
    with pytest.raises(CommandError, match=words):
        verified()


def test_an_end_that_was_cut_off_is_found_out_by_the_head_kept_elsewhere(history):
    head = history[4].mac
    assert "All 5 entries" in verified(head=head)
    with history_rule.without():
        run("DELETE FROM dashboard_event WHERE position > 3")
    assert "All 3 entries" in verified()
    with pytest.raises(CommandError, match=f"cut off after entry 3: the one with the head {head} is gone"):
        verified(head=head)


def test_after_a_cut_it_goes_on_and_shows_the_gap(history, ops):
    with history_rule.without():
        run("DELETE FROM dashboard_event WHERE position > 3")
    events.note(Kind.SIGNED_IN, actor=access.person(ops))
    with pytest.raises(CommandError, match="Entry 4 was deleted"):
        verified()


def test_a_change_that_was_put_in_is_found_out(history, number):
    plan = history[2].change.plan
    forged = Change.objects.create(plan=plan, number=number, state=Outcome.APPLIED, created_at=timezone.now())
    with pytest.raises(CommandError, match=f"Change {forged.pk} has an outcome and no entry"):
        verified()


def test_with_another_key_it_says_so(history, settings):
    settings.AUDIT_KEY = "another key " * 4
    with pytest.raises(CommandError, match="AUDIT_KEY is another one than they were written with"):
        verified()


def test_the_database_refuses_it_in_the_first_place(history):
    with history_rule.as_installed():
        statements = ["UPDATE dashboard_event SET who = 'x' WHERE position = 2", "DELETE FROM dashboard_event"]
        if connection.vendor == "postgresql":
            statements.append("TRUNCATE dashboard_event")
        for statement in statements:
            with pytest.raises(DatabaseError, match="The history is only added to"):
                run(statement)
    assert "All 5 entries" in verified()


def test_each_hour_its_head_goes_to_standard_output_once(history, lines, monkeypatch):
    monkeypatch.setattr(events, "_told", {})
    events.tell_head()
    events.tell_head()
    assert [(line["history"], line["position"], line["mac"]) for line in lines] == [("head", 5, history[4].mac)]


# --- who gave what to whom --------------------------------------------------------------------


def test_what_is_done_to_access_stands_in_it(ops, lead):
    actor = access.Person(ops, role="ops_admin", all_numbers=True, way="password", address="192.0.2.7")
    people.give_role(actor=actor, user=lead, role="viewer", scope=people.Scope(all_numbers=True))
    people.take_role(actor=actor, user=lead)
    people.set_active(actor=actor, user=lead, active=False)
    entries = Event.objects.order_by("position")
    assert [(entry.kind, entry.about, entry.words) for entry in entries] == [
        (Kind.ROLE_GIVEN, "Tom Berger", "Viewer for all numbers."),
        (Kind.ROLE_TAKEN, "Tom Berger", ""),
        (Kind.ACCOUNT, "Tom Berger", "Deactivated."),
    ]
    assert {(entry.who, entry.way, entry.address) for entry in entries} == {("Marta Klein", "password", "192.0.2.7")}
