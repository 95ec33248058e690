"""Giving the way to Close on the page, by OAuth or by key, and taking it away again."""

import pytest

from dashboard.models import Connection, Credential, Event
from dashboard.services import connecting, connection, credentials, sync
from dashboard.simulator import DEMO_KEY, Simulator

from .granted import actor, bare, code_of, connected, token

__all__ = ["actor", "bare", "connected"]


def test_connected_by_oauth_numbers_can_be_read(connected):
    here = Connection.load()
    assert (here.acting_name, here.problem, here.may_change_team_numbers) == ("Marta Klein", "", True)
    assert here.organization_name == connected.organisation.name
    sync.sync()
    assert {entry.key for entry in connected.journal} == {token()}
    assert credentials.stored_credential().given_by == "Marta Klein"
    entry = Event.objects.get(kind="connection")
    assert (entry.who, entry.about) == ("Marta Klein", connected.organisation.name)
    assert entry.words == "connected by OAuth, as Marta Klein"


def test_another_key_in_the_environment_is_in_the_history_by_its_end(synced, settings, organisation):
    settings.CLOSE_API_KEY = "api_another_1234"
    with Simulator(organisation, keys=("api_another_1234",)) as there:
        settings.CLOSE_API_URL = there.url
        sync.sync()
        sync.sync()
        settings.CLOSE_API_KEY = ""
        with pytest.raises(connection.NotConnectedError):
            sync.sync()
        settings.CLOSE_API_KEY = "api_another_1234"
        sync.sync()
    entries = Event.objects.filter(kind="connection").order_by("position")
    assert [entry.words.removeprefix("The key of the environment (CLOSE_API_KEY) ") for entry in entries] == [
        "was changed: it ended in demo, and ends in 1234 now.",
        "was taken out; it ended in 1234.",
        "counts now; it ends in 1234.",
    ]
    assert "api_another" not in "".join(entry.line() for entry in entries)


def test_the_environment_goes_first(connected, actor, settings):
    settings.CLOSE_API_KEY = DEMO_KEY
    assert credentials.current() == credentials.Key(api_key=DEMO_KEY)
    for connect in (
        lambda: connecting.by_key(actor=actor, api_key="api_other"),
        lambda: connecting.by_oauth(actor=actor, code="code"),
        lambda: connecting.ask_for_leave(state="s"),
    ):
        with pytest.raises(connecting.RefusedError, match="CLOSE_API_KEY"):
            connect()
    assert connected.journal == []


@pytest.mark.parametrize("name", ["other-organisation", "401", "503"])
def test_a_key_that_does_not_open_this_organisation_is_not_stored(connected, actor, name, hasty):
    before = Credential.objects.values().get()
    connected.fault(name)
    with pytest.raises(connecting.RefusedError, match="Nothing was stored"):
        connecting.by_key(actor=actor, api_key=DEMO_KEY)
    assert Credential.objects.values().get() == before
    assert Connection.load().problem == ""


def test_a_grant_for_another_organisation_is_refused_in_words_and_given_back(bare, actor):
    Connection.note(organization_id="orga_ours", organization_name="Ours Ltd")
    with pytest.raises(connecting.RefusedError, match="this database holds Ours Ltd"):
        connecting.by_oauth(actor=actor, code=code_of(bare))
    assert not Credential.objects.exists()
    assert bare.grants.grants == []


def test_a_code_is_good_once(bare, actor):
    code = code_of(bare)
    connecting.by_oauth(actor=actor, code=code)
    with pytest.raises(connecting.RefusedError, match="Connect once more"):
        connecting.by_oauth(actor=actor, code=code)


def test_a_wrong_secret_is_whoever_runs_closephones_to_set_right(bare, actor, settings):
    code = code_of(bare)
    settings.CLOSE_OAUTH_CLIENT_SECRET = "wrong"
    with pytest.raises(connecting.RefusedError, match="CLOSE_OAUTH_CLIENT_SECRET"):
        connecting.by_oauth(actor=actor, code=code)


def test_a_key_in_place_of_a_grant_gives_the_grant_back(connected, actor):
    connecting.by_key(actor=actor, api_key=DEMO_KEY)
    assert connected.grants.grants == []
    assert Credential.objects.get().refresh_token == ""


def test_disconnecting_revokes_and_forgets(connected, actor):
    assert connecting.disconnect(actor=actor)
    assert connected.grants.grants == []
    assert credentials.current() is None
    assert Event.objects.filter(kind="connection").latest("position").words == "disconnected"
    with pytest.raises(connection.NotConnectedError):
        sync.sync()


def test_disconnecting_while_close_is_away_forgets_all_the_same(connected, actor):
    connected.fault("503")
    assert not connecting.disconnect(actor=actor)
    assert not Credential.objects.exists()
