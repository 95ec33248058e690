"""The cast and the stage of the tests: people with their roles, a Close organisation on loopback, a filled cache."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, TransactionTestCase
from django.utils import timezone

from dashboard import access
from dashboard.models import Access, Group, Role
from dashboard.services import sync
from dashboard.simulator import Organisation, Simulator

from . import emptying, history_rule

PASSWORD = "correct horse battery"
# All of one person in Close; who runs as several processes can be told apart by them.
KEYS = ("api_demo", "api_demo_of_another", "api_demo_of_a_third")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Between tests the database is emptied, the history too, which the product's own rule refuses."""
    TransactionTestCase._fixture_teardown = lambda case: emptying.empty()
    with django_db_blocker.unblock():
        history_rule.lift()


@pytest.fixture
def organisation():
    """A small made-up organisation; the same one each time."""
    return Organisation.make(numbers=40, members=12, groups=3, seed=1)


@pytest.fixture
def sim(organisation, settings):
    """That organisation behind HTTP, and our settings pointing at it."""
    with Simulator(organisation, keys=KEYS) as simulator:
        settings.CLOSE_API_URL = simulator.url
        settings.CLOSE_APP_ORIGIN = simulator.origin
        settings.CLOSE_API_KEY = "api_demo"
        settings.CLOSE_IS_LOOPBACK = True
        settings.CLOSE_TIMEOUT = 5.0
        yield simulator


@pytest.fixture
def synced(transactional_db, sim):
    """The cache, filled from the simulator by a walk; what was asked until then is not in the journal any more."""
    sync.sync()
    sim.journal.clear()
    return sim


def make_user(name, *, role=None, all_numbers=False, teams=(), **facts):
    """An account with a role and teams (by Group)."""
    first, _, last = name.partition(" ")
    user = get_user_model().objects.create_user(
        username=first.lower(),
        email=f"{first.lower()}@example.com",
        password=PASSWORD,
        first_name=first,
        last_name=last,
        **facts,
    )
    if role:
        given = Access.objects.create(user=user, role=role, all_numbers=all_numbers, given_at=timezone.now())
        given.teams.set(teams)
    return user


@pytest.fixture
def ops(db):
    return make_user("Marta Klein", role=Role.OPS_ADMIN)


@pytest.fixture
def lead(db):
    """Leads the first team by name."""
    return make_user("Tom Berger", role=Role.TEAM_LEAD, teams=Group.objects.order_by("name")[:1])


@pytest.fixture
def viewer(db):
    """Sees all numbers, changes none."""
    return make_user("Lena Fischer", role=Role.VIEWER, all_numbers=True)


@pytest.fixture
def nobody(db):
    """Has an account and no role."""
    return make_user("Jonas Weber")


def signed_in(user):
    """A browser without script, signed in as this person."""
    client = Client()
    client.force_login(user, backend="dashboard.signin.local.AuthenticationBackend")
    return client


@pytest.fixture
def ops_client(ops):
    return signed_in(ops)


@pytest.fixture
def lead_client(lead):
    return signed_in(lead)


@pytest.fixture
def viewer_client(viewer):
    return signed_in(viewer)


@pytest.fixture
def nobody_client(nobody):
    return signed_in(nobody)


@pytest.fixture
def person_of():
    """What somebody may do, as the services ask it."""
    return access.person
