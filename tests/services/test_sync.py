"""Walks over Close: what they store, what counts as missing, and what they leave alone."""

import pytest
import time_machine
from django.utils import timezone

from dashboard import access
from dashboard.close import CloseError, ConnectionFailedError
from dashboard.models import Answer, Change, Connection, Group, Member, PhoneNumber, SyncRun
from dashboard.services import connection, store, sync

from .conftest import beside, cached

HIDDEN = 2


@pytest.fixture
def some(synced):
    """Ids of some numbers."""
    return list(synced.organisation.numbers)[5 : 5 + HIDDEN]


def gone():
    return set(PhoneNumber.objects.filter(missing_since__isnull=False).values_list("close_id", flat=True))


def hide(sim, ids):
    for one in ids:
        sim.hide(one)


def test_everything_is_as_close_says_it(transactional_db, sim):
    run = sync.sync(asked_by="Marta Klein")

    organisation = sim.organisation
    assert dict(Answer.objects.values_list("number__close_id", "raw")) == dict(organisation.numbers)
    assert set(Group.objects.values_list("close_id", "name")) == {
        (group["id"], group["name"]) for group in organisation.groups.values()
    }
    assert Member.objects.filter(active=True).count() == len(organisation.memberships)
    assert Member.objects.filter(active=False).count() == len(organisation.inactive_memberships)
    assert (run.seen, run.new, run.changed, run.missing, run.complete) == (40, 40, 0, 0, True)
    here = Connection.load()
    assert (here.organization_name, here.acting_name) == (organisation.name, "Marta Klein")
    assert here.may_change_team_numbers
    assert here.synced_at == run.ended_at
    assert here.sync_lease_until is None


def test_a_second_walk_changes_nothing_and_writes_no_history(synced):
    before = list(Answer.objects.order_by("pk").values())
    run = sync.sync()
    assert (run.seen, run.new, run.changed) == (40, 0, 0)
    assert list(Answer.objects.order_by("pk").values()) == before
    assert not Change.objects.exists()


def test_what_was_changed_in_close_is_counted_and_told(synced, number):
    synced.change_as_somebody_else(number.close_id, label="Theirs")
    told = []
    run = sync.sync(progress=lambda run: told.append((run.pages, run.seen)))
    assert run.changed == 1
    assert told == [(1, 40)]


def test_a_number_is_gone_after_two_complete_walks_without_it(synced, some):
    hide(synced, some)
    assert sync.sync().missing == 0
    assert gone() == set()

    assert sync.sync().missing == HIDDEN
    assert gone() == set(some)
    assert Change.objects.filter(after={"released": True}).count() == HIDDEN
    assert sync.sync().missing == 0


def test_a_number_that_was_seen_in_between_is_not_gone(synced, some):
    hide(synced, some)
    sync.sync()
    synced.show(some[0])
    sync.refresh_number(number=PhoneNumber.objects.get(close_id=some[0]))
    synced.hide(some[0])
    sync.sync()
    assert gone() == {some[1]}


@pytest.mark.parametrize("fault", ["500", "bad-json", "no-answer"])
def test_a_walk_that_does_not_reach_its_end_marks_nobody(synced, some, hasty, fault):
    hide(synced, some)
    sync.sync()
    synced.fault(fault, method="GET", path="/phone_number/")
    with pytest.raises(CloseError):
        sync.sync()

    run = SyncRun.objects.first()
    assert (run.complete, run.missing, bool(run.ended_at)) == (False, 0, True)
    assert run.error == Connection.load().sync_error != ""
    assert gone() == set()
    assert Connection.load().away_since


def test_a_walk_that_breaks_off_keeps_what_it_has(transactional_db, hasty, sim):
    """Pages are stored as they come. Here those that are not read ahead yet never come."""
    make_longer(sim, 1160)
    with pytest.raises(CloseError):
        sync.sync(progress=lambda run: sim.fault("503", method="GET", path="/phone_number/"))
    assert 100 <= PhoneNumber.objects.count() < 1200
    assert Connection.load().synced_at is None

    sim.clear_faults()
    sync.sync()
    assert PhoneNumber.objects.count() == 1200


def make_longer(sim, count):
    organisation = sim.organisation
    some = next(iter(organisation.numbers.values()))
    for place in range(count):
        number = {**some, "id": f"phon_more{place}", "number": f"+1628555{place:04}"}
        organisation.order.append(number["id"])
        organisation._put(number["id"], number)


def test_a_walk_that_breaks_off_by_our_fault_says_so_and_the_next_one_begins_at_once(synced, monkeypatch):
    drawn = iter([store.draw()])
    with monkeypatch.context() as fault:
        fault.setattr(store, "draw", lambda: next(drawn))
        with pytest.raises(StopIteration):
            sync.sync()
    run = SyncRun.objects.latest("pk")
    assert (run.complete, run.error) == (False, sync.BROKEN_OFF)
    assert Connection.load().sync_error == sync.BROKEN_OFF
    sync.sync()
    assert SyncRun.objects.latest("pk").complete


def test_too_many_missing_are_not_believed_until_an_ops_admin_says_so(synced, ops):
    lost = list(synced.organisation.numbers)[:6]
    hide(synced, lost)
    sync.sync()
    run = sync.sync()

    assert (run.doubted, run.missing) == (6, 0)
    assert gone() == set()
    assert sync.doubted_run() == run
    assert Connection.load().doubted == 6

    assert sync.believe(actor=access.person(ops)) == 6
    assert gone() == set(lost)
    assert sync.doubted_run() is None
    assert sync.believe(actor=access.person(ops)) == 0


def test_who_came_back_since_the_doubted_walk_is_not_marked(synced, ops):
    lost = list(synced.organisation.numbers)[:6]
    hide(synced, lost)
    sync.sync()
    synced.show(lost[0])
    sync.refresh_number(number=PhoneNumber.objects.get(close_id=lost[0]))

    assert sync.believe(actor=access.person(ops)) == 5
    assert gone() == set(lost[1:])


def test_a_walk_that_meets_them_again_ends_the_doubt(synced):
    lost = list(synced.organisation.numbers)[:6]
    hide(synced, lost)
    sync.sync()
    for one in lost:
        synced.show(one)
    sync.sync()
    assert sync.doubted_run() is None
    assert Connection.load().doubted == 0


def test_two_walks_at_once(synced):
    synced.hold("GET", "/phone_number/")
    with beside(sync.sync) as walking:
        synced.wait_until_held()
        with pytest.raises(sync.AlreadyRunningError):
            sync.sync()
        synced.release()
    assert walking.result().complete
    assert SyncRun.objects.count() == 2


def test_a_walk_that_died_is_taken_over_when_its_lease_is_out(synced):
    Connection.note(sync_lease_until=timezone.now() + sync.LEASE)
    with pytest.raises(sync.AlreadyRunningError):
        sync.sync()
    with time_machine.travel(timezone.now() + 2 * sync.LEASE):
        assert sync.sync().complete


def test_a_walk_that_lost_its_lease_leaves_everything_to_the_other(synced):
    synced.hold("GET", "/phone_number/")
    theirs = timezone.now() + 2 * sync.LEASE
    with beside(sync.sync) as walking:
        synced.wait_until_held()
        Connection.note(sync_lease_until=theirs)
        synced.release()
    with pytest.raises(sync.AlreadyRunningError, match="another one has taken over"):
        walking.result()

    assert (Connection.load().sync_lease_until, Connection.load().sync_error) == (theirs, "")
    run = SyncRun.objects.first()
    assert (run.complete, run.pages, bool(run.ended_at), run.error) == (False, 0, True, walking.exception().args[0])


def test_a_walk_whose_process_died_has_ended_by_the_next_sweep(synced):
    ended = SyncRun.objects.get().ended_at
    cut_off = SyncRun.objects.create(began_at=timezone.now())
    Connection.note(sync_lease_until=timezone.now() + sync.LEASE)
    sync.sweep()
    cut_off.refresh_from_db()
    assert cut_off.ended_at is None

    with time_machine.travel(timezone.now() + 2 * sync.LEASE):
        sync.sweep()
    cut_off.refresh_from_db()
    assert cut_off.ended_at
    assert cut_off.error == sync.CUT_OFF
    assert SyncRun.objects.last().ended_at == ended


def test_a_walk_whose_process_died_has_ended_when_the_next_begins(synced):
    cut_off = SyncRun.objects.create(began_at=timezone.now())
    sync.sync()
    cut_off.refresh_from_db()
    assert (bool(cut_off.ended_at), cut_off.error) == (True, sync.CUT_OFF)


def test_numbers_of_another_organisation_are_not_stored(synced, number):
    before = cached(number)
    synced.change_as_somebody_else(number.close_id, organization_id="orga_Another", label="Theirs")
    with pytest.raises(connection.NotConnectedError) as caught:
        sync.sync()

    assert "orga_Another" in caught.value.words
    assert cached(number) == before
    assert Connection.load().problem == "other_organisation"
    assert SyncRun.objects.first().complete is False


def test_a_number_of_another_organisation_is_not_stored(synced, number):
    before = cached(number)
    synced.change_as_somebody_else(number.close_id, organization_id="orga_Another", label="Theirs")
    assert sync.refresh_number(number=number) == set()
    assert cached(number) == before
    assert Connection.load().problem == "other_organisation"


def test_refreshing_one_number_says_what_differs(synced, number):
    assert sync.refresh_number(number=number) == set()
    synced.change_as_somebody_else(number.close_id, label="Theirs", forward_to_enabled=False)
    assert sync.refresh_number(number=number) == {"label", "forward_to_enabled"}
    assert (number.label, number.forward_to_enabled) == ("Theirs", False)


def test_close_away_and_back_is_noted(synced, number, hasty):
    synced.fault("no-answer", method="GET", path="/phone_number/")
    with pytest.raises(ConnectionFailedError):
        sync.refresh_number(number=number)
    here = Connection.load()
    assert here.away_since
    assert here.last_error.startswith("Close cannot be reached at the moment.")

    synced.clear_faults()
    sync.refresh_number(number=number)
    assert Connection.load().away_since is None


def test_rows_that_move_while_they_are_read_are_all_read(transactional_db, sim):
    make_longer(sim, 400)
    sim.fault("shuffled-pages", path="/phone_number/", times=3)
    sync.sync()
    assert set(PhoneNumber.objects.values_list("close_id", flat=True)) == set(sim.organisation.numbers)


def test_many_numbers_are_read_without_a_429(transactional_db, sim):
    """Background work keeps to 80 % of what Close announces, though four connections read ahead (promise P6)."""
    make_longer(sim, 960)
    sim.limit(10, 0.3)
    sim.journal.clear()
    run = sync.sync()

    assert run.seen == 1000
    assert {entry.status for entry in sim.journal} == {200}
    assert PhoneNumber.objects.count() == 1000


def test_the_key_is_asked_for_before_anything_is_read(transactional_db, sim, settings):
    settings.CLOSE_API_KEY = ""
    with pytest.raises(connection.NotConnectedError, match="or set CLOSE_API_KEY"):
        sync.sync()
    assert sim.journal == []
    assert SyncRun.objects.get().error == Connection.load().problem_text


def test_a_wrong_key(transactional_db, sim, settings):
    settings.CLOSE_API_KEY = "api_wrong_key_of_somebody"
    with pytest.raises(CloseError):
        sync.sync()
    here = Connection.load()
    assert here.problem == "refused"
    assert "api_wrong" not in here.problem_text
