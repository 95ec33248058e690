"""What holds a write back before anything leaves, and says why."""

import pytest
import time_machine
from django.utils import timezone

from dashboard import access, close
from dashboard.models import Change, Connection, Group, PhoneNumber, Plan, Role
from dashboard.services import connection, plans, sync
from dashboard.views import answers

from ..conftest import make_user
from .conftest import beside


def stop(ops):
    connection.stop_writes(actor=access.person(ops))


def nothing_happened(sim):
    assert sim.puts() == []
    assert not Plan.objects.exists()
    assert not Change.objects.exists()


@pytest.fixture
def held(synced, number, edit):
    """Tries to change the number; gives the words with which that was held back."""

    def refused(**facts):
        with pytest.raises(plans.HeldError) as caught:
            edit(number, label="Mine", **facts)
        nothing_happened(synced)
        return caught.value.words

    return refused


def test_writes_are_off(held, settings):
    settings.WRITES = "off"
    assert held() == "This installation is set to WRITES=off: it never changes anything in Close."


def test_an_ops_admin_stopped_all_writes_and_starts_them_again(held, ops, number, edit):
    stop(ops)
    assert held() == (
        "Marta Klein stopped all writes. Reading works; an ops admin can start them again on the settings page."
    )
    connection.start_writes(actor=access.person(ops))
    assert edit(number, label="Mine").state == "applied"


def test_the_disk_is_nearly_full(held, settings):
    settings.MIN_FREE_MB = 10**9
    assert held().startswith("The disk of closephones is nearly full (")


def test_there_is_no_key(held, settings):
    settings.CLOSE_API_KEY = ""
    with pytest.raises(connection.NotConnectedError):
        sync.sync()
    assert "There is no usable key for Close. Connect on the page Connection" in held()


def test_the_key_belongs_to_another_organisation(held, synced):
    name = Connection.load().organization_name
    synced.fault("other-organisation")
    with pytest.raises(connection.NotConnectedError):
        sync.sync()
    words = held()
    assert "The key belongs to the Close organisation Another Company" in words
    assert f"Use a key of {name}, or an empty database." in words


def test_close_refuses_the_key(held, synced, number):
    synced.fault("401", method="GET", times=1)
    with pytest.raises(Exception, match="401"):
        sync.refresh_number(number=number)
    assert held().startswith("Close refused the key")


def test_a_walk_that_works_again_lets_writes_go_on(synced, number, edit):
    synced.fault("401", times=1)
    with pytest.raises(Exception, match="401"):
        sync.sync()
    with pytest.raises(close.AuthenticationError, match="not asked") as caught:
        sync.sync()
    assert caught.value.screen == (
        "Close refused the key before, and is asked with it once a minute at most, so it was not asked now. "
        "Try again in a minute."
    )
    with time_machine.travel(timezone.now() + connection.credentials.ASK_AGAIN_AFTER):
        sync.sync()
    assert edit(number, label="Mine").state == "applied"


def test_nothing_was_read_yet(sim, transactional_db, ops, edit, held):
    Connection.objects.update(organization_id="")
    assert held() == "Nothing was read from Close yet. Refresh from Close first."


# --- who may ------------------------------------------------------------------------------------


def test_whoever_may_only_look(synced, number, edit, viewer):
    with pytest.raises(plans.NotAllowedError, match="You may look at this number, not change it"):
        edit(number, label="Mine", by=viewer)
    nothing_happened(synced)


def test_close_would_refuse_it(synced, number, edit):
    synced.permissions(manage=False)
    sync.sync()
    with pytest.raises(plans.NotAllowedError) as caught:
        edit(number, label="Mine")
    assert caught.value.words == (
        "Marta Klein lacks the permission “Manage Team Phone Numbers” in Close, so Close would refuse this. "
        "Ask the person who runs closephones."
    )
    assert synced.puts() == []


def test_the_own_number_needs_no_permission(synced, edit):
    synced.permissions(manage=False)
    sync.sync()
    mine = PhoneNumber.objects.get(close_id=own_number(synced))

    assert edit(mine, label="Mine").state == "applied"
    with pytest.raises(plans.NotAllowedError):
        edit(mine, inbound_ring_duration=45)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_permission_that_was_taken_meanwhile_is_close_s_to_say(synced, number, edit, status):
    synced.permissions(manage=False, refusal_status=status)

    change = edit(number, label="Mine")

    assert change.state == "refused"
    assert "permission" in change.error
    assert len(synced.puts(committed=True)) == 0


def own_number(sim):
    me = sim.organisation.me["id"]
    return next(id for id, number in sim.organisation.numbers.items() if number["user_id"] == me)


# --- what changes between proposing and sending ---------------------------------------------------


@pytest.fixture
def told_to_wait(synced, number, edit):
    """Saves; Close asks to wait a moment, and in that moment something happens. Gives the change."""

    def wait(happens, **facts):
        synced.fault("429", method="PUT", times=1, delay=0.01)
        synced.hold("PUT")
        with beside(edit, number, label="Mine", **facts) as saving:
            synced.wait_until_held()
            happens()
            synced.release()
        return saving.result()

    return wait


def test_access_was_taken_away_before_it_was_sent(synced, told_to_wait):
    teams = Group.objects.all()
    tom = make_user("Tom Berger", role=Role.TEAM_LEAD, teams=teams, all_numbers=True)

    change = told_to_wait(tom.access.delete, by=tom)

    assert (change.state, change.error_kind) == ("failed", "forbidden")
    assert answers.status_of_change(change) == 403
    assert synced.puts(committed=True) == []


def test_the_account_was_closed_before_it_was_sent(synced, told_to_wait):
    tom = make_user("Tom Berger", role=Role.OPS_ADMIN)

    def close_account():
        type(tom).objects.filter(pk=tom.pk).update(is_active=False)

    assert told_to_wait(close_account, by=tom).error_kind == "forbidden"
    assert synced.puts(committed=True) == []


def test_all_writes_were_stopped_before_it_was_sent(synced, told_to_wait, ops):
    change = told_to_wait(lambda: stop(ops))

    assert (change.state, change.error_kind) == ("failed", "held")
    assert "stopped all writes" in change.error
    assert synced.puts(committed=True) == []


def test_the_number_was_released_before_it_was_sent(synced, told_to_wait, number):
    change = told_to_wait(lambda: synced.hide(number.close_id))

    assert (change.state, change.error_kind) == ("failed", "not_found")
    number.refresh_from_db()
    assert number.missing_since


def test_the_number_was_released_between_read_and_write(synced, number, edit):
    synced.hold("PUT")
    with beside(edit, number, label="Mine") as saving:
        synced.wait_until_held()
        synced.hide(number.close_id)
        synced.release()

    assert (saving.result().state, saving.result().error_kind) == ("failed", "not_found")
    number.refresh_from_db()
    assert number.missing_since


def test_a_number_that_is_gone_says_so(synced, number, edit):
    synced.hide(number.close_id)
    edit(number, label="Mine")

    with pytest.raises(plans.NotAllowedError, match="gone from Close"):
        edit(number, label="Mine")


def test_an_access_that_ended_yesterday_is_none(synced, number, edit):
    tom = make_user("Tom Berger", role=Role.OPS_ADMIN)
    tom.access.ends_on = timezone.localdate()
    tom.access.save()
    assert edit(number, label="Mine", by=tom).state == "applied"
    with (
        time_machine.travel(timezone.now() + timezone.timedelta(days=1)),
        pytest.raises(plans.NotAllowedError),
    ):
        edit(number, label="Tomorrow", by=tom)
