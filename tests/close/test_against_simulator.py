"""The client against the simulated Close: the same words on both ends of a real connection."""

import pytest

from dashboard import close as api
from dashboard.close import (
    AuthenticationError,
    Client,
    ConnectionFailedError,
    ForbiddenError,
    InvalidRequestError,
    ListMovedError,
    LocalPacer,
    NotFoundError,
    PlanLimitError,
    RateLimitError,
    ServerError,
)
from dashboard.simulator import DEMO_KEY, DEMO_TOKEN, Organisation, Simulator


@pytest.fixture
def sim():
    with Simulator(Organisation.make(numbers=240, members=60, groups=6, seed=1)) as simulator:
        yield simulator


@pytest.fixture
def client(sim, clock):
    pacer = LocalPacer(clock=clock, sleep=clock.sleep)
    client = Client(sim.url, api_key=DEMO_KEY, timeout=5.0, sleep=clock.sleep, pacer=pacer)
    yield client
    client.close()


@pytest.fixture
def number_id(sim):
    return sim.organisation.order[0]


def test_everything_is_read(client, sim):
    me = api.me(client)
    (organization_id,) = me.organization_ids
    organization = api.organization(client, organization_id)
    assert "manage_group_numbers" in me.permissions(organization_id)
    assert organization.name == sim.organisation.name
    assert all(person.name and person.email for person in organization.memberships)
    assert organization.inactive_memberships
    assert {user.id for user in api.users(client)} >= {person.user_id for person in organization.memberships}
    groups = [api.group(client, group.id) for group in api.groups(client)]
    assert len(groups) == 6
    assert all(group.member_ids for group in groups)
    assert {role.id for role in api.roles(client)} >= {"admin"}


@pytest.mark.parametrize("connections", [1, 4])
def test_all_numbers_are_read_page_by_page(client, sim, connections):
    pages = list(api.phone_number_pages(client, connections=connections))
    assert [record.id for page in pages for record in page.records] == sim.organisation.order
    numbers = {record.id: record.raw for page in pages for record in page.records}
    assert numbers == {number_id: api.phone_number(client, number_id).raw for number_id in numbers}


def test_named_fields_alone_are_read(client):
    record = next(api.phone_numbers(client, fields=["label"]))
    assert set(record.raw) == {"id", "number", "label"}


def test_a_change_is_sent_as_it_is_and_answered(client, sim, number_id):
    record = api.update_phone_number(client, number_id, {"label": "Sales", "forward_to_enabled": False})
    assert (record.id, record.label, record.forward_to_enabled) == (number_id, "Sales", False)
    assert sim.puts(committed=True) == [(number_id, {"label": "Sales", "forward_to_enabled": False})]


def test_an_access_token_opens_and_a_wrong_key_does_not(sim):
    assert api.me(Client(sim.url, access_token=DEMO_TOKEN)).id
    with pytest.raises(AuthenticationError):
        api.me(Client(sim.url, api_key="api_wrong"))


def test_a_field_that_cannot_be_is_refused_by_name(client, sim, number_id):
    with pytest.raises(InvalidRequestError) as caught:
        api.update_phone_number(client, number_id, {"inbound_ring_duration": 14})
    assert list(caught.value.field_errors) == ["inbound_ring_duration"]
    assert caught.value.words
    assert sim.puts(committed=True) == []


def test_an_unknown_number_is_not_found(client):
    with pytest.raises(NotFoundError):
        api.phone_number(client, "phon_nobody")


@pytest.mark.parametrize(
    ("fault", "kind", "sent", "done"),
    [
        ("400", InvalidRequestError, False, False),
        ("401", AuthenticationError, False, False),
        ("402", PlanLimitError, False, False),
        ("403", ForbiddenError, False, False),
        ("404", NotFoundError, False, False),
        ("429", RateLimitError, False, False),
        ("429-html", RateLimitError, False, False),
        ("retry-after-decimal", RateLimitError, False, False),
        ("500", ServerError, True, False),
        ("502", ServerError, True, False),
        ("503", ServerError, True, False),
        ("504", ServerError, True, False),
        ("html-error", ServerError, True, False),
        ("half-answer", ServerError, True, True),
        ("bad-json", ServerError, True, True),
        ("no-answer", ConnectionFailedError, True, False),
        ("done-before-answer", ConnectionFailedError, True, True),
    ],
)
def test_each_fault_of_a_write_has_its_name_and_is_met_once(client, sim, number_id, fault, kind, sent, done):
    sim.fault(fault)
    with pytest.raises(kind) as caught:
        api.update_phone_number(client, number_id, {"label": "Sales"})
    assert type(caught.value) is kind
    assert caught.value.sent is sent
    assert len(sim.puts()) == 1
    assert bool(sim.puts(committed=True)) is done


SHORT = ["429", "429-html", "500", "503", "html-error", "half-answer", "bad-json", "no-answer"]


@pytest.mark.parametrize("fault", SHORT)
def test_a_read_survives_two_faults_in_a_row(client, sim, number_id, fault):
    sim.fault(fault, times=2, delay=0)
    assert api.phone_number(client, number_id).id == number_id


@pytest.mark.parametrize(
    "fault", ["missing-keys", "no-user-id", "null-label", "no-offset-dates", "new-enum", "dangling-ids"]
)
def test_odd_numbers_are_read(client, sim, fault):
    sim.fault(fault)
    assert [record.id for record in api.phone_numbers(client)] == sim.organisation.order


def test_a_missing_permission_is_close_own_word(client, sim):
    sim.permissions(manage=False)
    shared = next(record.id for record in api.phone_numbers(client) if len(record.member_ids or ()) > 1)
    with pytest.raises(ForbiddenError) as caught:
        api.update_phone_number(client, shared, {"inbound_ring_duration": 30})
    assert "“Manage Team Phone Numbers”" in caught.value.screen


def test_pages_whose_rows_never_rest_are_said_not_to_be_complete(client, sim):
    sim.fault("shuffled-pages")
    with pytest.raises(ListMovedError):
        list(api.phone_number_pages(client, connections=4))
