"""Who may give which role to whom."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from dashboard import access
from dashboard.models import Access, Group, Role
from dashboard.services import people
from dashboard.services.people import RefusedError, Scope

from ..conftest import make_user

ALL = Scope(all_numbers=True)


@pytest.fixture
def team(db):
    return Group.objects.create(close_id="group_emea", name="EMEA")


@pytest.fixture
def actor(ops):
    return access.person(ops)


def now(user):
    return access.person(get_user_model().objects.get(pk=user.pk))


def test_a_role_and_its_teams_are_given_and_by_whom_is_kept(actor, nobody, team):
    people.give_role(actor=actor, user=nobody, role=Role.TEAM_LEAD, scope=Scope(team_ids=(team.pk,)))
    person = now(nobody)
    assert (person.role, person.all_numbers, person.team_ids) == (Role.TEAM_LEAD, False, (team.pk,))
    assert person.user.access.given_by == "Marta Klein"


def test_an_ops_admin_has_all_numbers_whatever_is_chosen(actor, nobody, team):
    people.give_role(actor=actor, user=nobody, role=Role.OPS_ADMIN, scope=Scope(team_ids=(team.pk,)))
    assert (now(nobody).all_numbers, now(nobody).user.access.teams.count()) == (True, 0)


@pytest.mark.parametrize(
    ("role", "scope", "words"),
    [
        (Role.VIEWER, Scope(), "Choose at least one team, or all numbers."),
        (Role.VIEWER, Scope(team_ids=(99_999,)), "Choose at least one team, or all numbers."),
        ("owner", ALL, "Choose one of the roles."),
    ],
)
def test_half_a_role_is_none(actor, nobody, role, scope, words):
    with pytest.raises(RefusedError) as refused:
        people.give_role(actor=actor, user=nobody, role=role, scope=scope)
    assert refused.value.words == words
    assert now(nobody).role is None


def test_nobody_changes_their_own_role(actor, ops):
    make_user("Priya Nair", role=Role.OPS_ADMIN)
    for attempt in (
        lambda: people.give_role(actor=actor, user=ops, role=Role.VIEWER, scope=ALL),
        lambda: people.take_role(actor=actor, user=ops),
        lambda: people.set_active(actor=actor, user=ops, active=False),
    ):
        with pytest.raises(RefusedError, match="Nobody changes their own role"):
            attempt()
    assert now(ops).role == Role.OPS_ADMIN


def test_only_ops_admins_give_roles(lead, nobody):
    with pytest.raises(RefusedError, match="Only ops admins give roles"):
        people.give_role(actor=access.person(lead), user=nobody, role=Role.VIEWER, scope=ALL)
    with pytest.raises(RefusedError, match="Only ops admins give access"):
        people.create_account(
            actor=access.person(lead), email="a@example.com", name="A", password="x", role=Role.VIEWER, scope=ALL
        )


def test_the_last_ops_admin_stays(ops, nobody):
    # Somebody whose own role has just been taken, and whose page was still open.
    former = access.Person(nobody, role=access.OPS_ADMIN, all_numbers=True)
    for attempt in (
        lambda: people.give_role(actor=former, user=ops, role=Role.VIEWER, scope=ALL),
        lambda: people.take_role(actor=former, user=ops),
        lambda: people.set_active(actor=former, user=ops, active=False),
    ):
        with pytest.raises(RefusedError, match="This is the last ops admin"):
            attempt()
    assert now(ops).role == Role.OPS_ADMIN


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_demote_each_other_leave_one(ops):
    other = make_user("Priya Nair", role=Role.OPS_ADMIN)
    pairs = [(access.person(ops), other), (access.person(other), ops)]

    def demote(pair):
        try:
            people.take_role(actor=pair[0], user=pair[1])
            return 1
        except RefusedError:
            return 0
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(demote, pairs)) == 1
    assert access.ops_admins().count() == 1


def test_a_superuser_is_never_demoted(actor):
    root = get_user_model().objects.create_superuser("root", "root@example.com", "x")
    for attempt in (
        lambda: people.give_role(actor=actor, user=root, role=Role.VIEWER, scope=ALL),
        lambda: people.take_role(actor=actor, user=root),
        lambda: people.set_active(actor=actor, user=root, active=False),
    ):
        with pytest.raises(RefusedError, match="A superuser is an ops admin for good"):
            attempt()
    assert now(root).is_ops_admin


def test_a_role_that_is_taken_is_gone_and_the_account_stays(actor, viewer):
    people.take_role(actor=actor, user=viewer)
    assert now(viewer).role is None
    assert not Access.objects.filter(user=viewer).exists()


def test_an_account_is_made_whole_or_not_at_all(actor):
    make = {"actor": actor, "email": "ana@example.com", "name": "Ana María Ruiz", "password": "a long password"}
    with pytest.raises(RefusedError):
        people.create_account(**make, role=Role.VIEWER, scope=Scope())
    assert not get_user_model().objects.filter(username="ana@example.com").exists()
    user = people.create_account(**make, role=Role.VIEWER, scope=ALL)
    assert (user.first_name, user.last_name, user.check_password("a long password")) == ("Ana", "María Ruiz", True)
    with pytest.raises(RefusedError, match="There is an account with this address already"):
        people.create_account(**{**make, "email": "ANA@example.com"}, role=Role.VIEWER, scope=ALL)
