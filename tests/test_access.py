"""Who may see and change what: the rules of `access.py`, one by one."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from dashboard import access
from dashboard.models import Change, Connection, Group, Member, Outcome, PhoneNumber, Plan, Role, Source
from dashboard.services.members import People, describe

from .conftest import make_user

OURS, THEIRS, NEITHER = "Ours", "Theirs", "Neither"

# Groups on the number; its members as (groups, active); what a viewer of, and a lead of "Ours" may do with it.
SCOPE = [
    ("our group", [OURS], [], True, True),
    ("their group", [THEIRS], [], False, False),
    ("our group and theirs", [OURS, THEIRS], [], True, False),
    ("our person", [], [([OURS], True)], True, True),
    ("their person", [], [([THEIRS], True)], False, False),
    ("our person and theirs", [], [([OURS], True), ([THEIRS], True)], True, False),
    ("a person of both", [], [([OURS, THEIRS], True)], True, True),
    ("our person and one of no group", [], [([OURS], True), ([], True)], True, False),
    ("our person in their group's number", [THEIRS], [([OURS], True)], True, False),
    ("their person in our group's number", [OURS], [([THEIRS], True)], True, False),
    ("our person in our group's number", [OURS], [([OURS], True)], True, True),
    ("our person who has left", [], [([OURS], False)], False, False),
    ("their person who has left, and ours", [], [([THEIRS], False), ([OURS], True)], True, True),
    ("a leaver in our group's number", [OURS], [([], False)], True, True),
    ("nobody and no group", [], [], False, False),
]


@pytest.fixture
def groups(db):
    return {name: Group.objects.create(close_id=f"group_{name}", name=name) for name in (OURS, THEIRS, NEITHER)}


@pytest.fixture
def number_of(groups):
    """Makes a number with these groups and members."""

    def make(names=(), members=()):
        place = PhoneNumber.objects.count()
        number = PhoneNumber.objects.create(close_id=f"phon_{place}", number=f"+1628555{place:04}")
        number.groups.set([groups[name] for name in names])
        for one, (of, active) in enumerate(members):
            person = Member.objects.create(close_id=f"user_{place}_{one}", name=f"Person {one}", active=active)
            person.groups.set([groups[name] for name in of])
            number.members.add(person)
        describe([number.pk], People())
        number.refresh_from_db()
        return number

    return make


@pytest.fixture
def connected(db):
    """Close lets us change everything."""
    return Connection(permissions=["manage_group_numbers"], acting_id="user_me", acting_name="Marta Klein")


def lead_of(*teams, **facts):
    return access.person(make_user("Tom Berger", role=Role.TEAM_LEAD, teams=teams, **facts))


@pytest.mark.parametrize(
    ("names", "members", "seen", "changed"), [row[1:] for row in SCOPE], ids=[r[0] for r in SCOPE]
)
def test_scope(groups, number_of, connected, names, members, seen, changed):
    number, lead = number_of(names, members), lead_of(groups[OURS])
    viewer = access.person(make_user("Lena Fischer", role=Role.VIEWER, teams=[groups[OURS]]))

    for person in (lead, viewer):
        assert (number in access.visible_numbers(person)) == seen
    assert access.changeable_ids(lead, [number]) == ({number.pk} if changed else set())
    assert access.changeable_ids(viewer, [number]) == set()
    assert access.why_not(lead, number, ["label"], connected) == ("" if changed else access.BEYOND_TEAMS)
    assert access.why_not(viewer, number, ["label"], connected) == access.MAY_ONLY_LOOK


@pytest.mark.parametrize(("names", "members"), [row[1:3] for row in SCOPE], ids=[row[0] for row in SCOPE])
def test_ops_admins_and_whoever_has_all_numbers(number_of, connected, names, members):
    number = number_of(names, members)
    ops = access.person(make_user("Marta Klein", role=Role.OPS_ADMIN))
    lead = access.person(make_user("Tom Berger", role=Role.TEAM_LEAD, all_numbers=True))
    viewer = access.person(make_user("Lena Fischer", role=Role.VIEWER, all_numbers=True))
    nobody = access.person(make_user("Jonas Weber"))

    for person in (ops, lead):
        assert number in access.visible_numbers(person)
        assert access.changeable_ids(person, [number]) == {number.pk}
        assert access.why_not(person, number, ["label"], connected) == ""
    assert number in access.visible_numbers(viewer)
    assert access.changeable_ids(viewer, [number]) == set()
    assert not access.visible_numbers(nobody).exists()
    assert access.why_not(nobody, number, ["label"], connected) == access.MAY_ONLY_LOOK


def test_a_lead_of_two_teams(groups, number_of, connected):
    number = number_of([OURS, THEIRS], [([OURS], True), ([THEIRS], True)])
    lead = lead_of(groups[OURS], groups[THEIRS])
    assert access.why_not(lead, number, ["label"], connected) == ""


def test_a_lead_of_no_team_sees_nothing(number_of):
    number_of([OURS])
    assert not access.visible_numbers(lead_of()).exists()


def test_only_ops_admins_change_who_a_number_belongs_to(groups, number_of, connected):
    number, lead = number_of([OURS]), lead_of(groups[OURS])
    ops = access.person(make_user("Marta Klein", role=Role.OPS_ADMIN))
    for name in ("participants", "participant_groups"):
        assert access.why_not(lead, number, ["label", name], connected).startswith("Only ops admins")
        assert access.why_not(ops, number, [name], connected) == ""


def test_a_number_that_is_gone_is_nobody_s(groups, number_of, connected):
    number, lead = number_of([OURS]), lead_of(groups[OURS])
    ops = access.person(make_user("Marta Klein", role=Role.OPS_ADMIN))
    PhoneNumber.objects.update(missing_since=timezone.now())
    number.refresh_from_db()
    assert number not in access.visible_numbers(ops)
    assert access.why_not(ops, number, ["label"], connected) == access.GONE
    assert access.why_not(lead, number, ["label"], connected) == access.GONE


def test_history_follows_the_number_and_of_those_gone_it_is_for_ops_admins(groups, number_of):
    mine, theirs, gone = number_of([OURS]), number_of([THEIRS]), number_of([OURS])
    plan = Plan.objects.create(intent="0" * 32, source=Source.CLOSE, created_at=timezone.now())
    changes = {
        number: Change.objects.create(plan=plan, number=number, state=Outcome.OBSERVED, created_at=timezone.now())
        for number in (mine, theirs, gone)
    }
    PhoneNumber.objects.filter(pk=gone.pk).update(missing_since=timezone.now())

    ops = access.person(make_user("Marta Klein", role=Role.OPS_ADMIN))
    assert set(access.visible_changes(lead_of(groups[OURS]))) == {changes[mine]}
    assert set(access.visible_changes(ops)) == set(changes.values())
    assert not access.visible_changes(access.person(make_user("Jonas Weber"))).exists()


# --- people -------------------------------------------------------------------------------------


def test_strangers_and_closed_accounts_are_nobody(db):
    closed = make_user("Marta Klein", role=Role.OPS_ADMIN)
    closed.is_active = False
    for user in (None, AnonymousUser(), closed):
        person = access.person(user)
        assert (person.role, person.all_numbers, person.user.is_authenticated) == (None, False, False)
        assert not person.meets(access.SIGNED_IN)
        assert person.meets(access.ANYONE)


def test_a_superuser_is_an_ops_admin(db):
    person = access.person(make_user("Root", is_superuser=True))
    assert (person.role, person.all_numbers) == (Role.OPS_ADMIN, True)
    assert person.is_ops_admin


def test_access_ends_after_its_last_day(db):
    user = make_user("Tom Berger", role=Role.OPS_ADMIN)
    user.access.ends_on = timezone.localdate()
    user.access.save()
    assert access.person(user).is_ops_admin
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        assert access.person(user).role is None
        assert not access.ops_admins().filter(pk=user.pk).exists()


@pytest.mark.parametrize("superuser", [False, True])
def test_accounts_of_the_demo_do_nothing_beside_a_real_close(db, settings, superuser):
    user = make_user("Marta Klein", role=Role.OPS_ADMIN, is_superuser=superuser)
    user.email = "ops@demo.test"
    settings.CLOSE_IS_LOOPBACK = True
    assert access.person(user).is_ops_admin
    settings.CLOSE_IS_LOOPBACK = False
    assert access.person(user).role is None


@pytest.mark.parametrize(
    ("role", "meets"),
    [
        (None, {"anyone", "signed_in"}),
        (Role.VIEWER, {"anyone", "signed_in", "viewer"}),
        (Role.TEAM_LEAD, {"anyone", "signed_in", "viewer", "team_lead"}),
        (Role.OPS_ADMIN, {"anyone", "signed_in", "viewer", "team_lead", "ops_admin"}),
    ],
)
def test_roles_contain_each_other(db, role, meets):
    person = access.person(make_user("Tom Berger", role=role))
    assert {rule for rule in access.RULES if person.meets(rule)} == meets


def test_a_rule_has_to_be_one_that_there_is():
    with pytest.raises(ValueError, match="everybody is not a rule"):
        access.allow("everybody")


def test_nobody_gives_themselves_a_role(db):
    ops, tom = make_user("Marta Klein", role=Role.OPS_ADMIN), make_user("Tom Berger", role=Role.TEAM_LEAD)
    assert access.may_look_after_access(access.person(ops), tom) == ""
    assert access.may_look_after_access(access.person(ops), ops).startswith("Nobody changes their own role.")
    assert access.may_look_after_access(access.person(tom), ops) == "Only ops admins give roles."


# --- what Close itself would refuse ---------------------------------------------------------------


@pytest.fixture
def without_permission(db):
    return Connection(permissions=["calling"], acting_id="user_0_0", acting_name="Marta Klein")


def test_without_the_permission_only_the_own_number_s_plain_fields(number_of, without_permission):
    ops = access.person(make_user("Marta Klein", role=Role.OPS_ADMIN))
    mine = number_of([], [([], True)])
    shared = number_of([], [([], True), ([], True)])

    assert access.why_not(ops, mine, ["label", "forward_to", "forward_to_enabled"], without_permission) == ""
    assert "Manage Team Phone Numbers" in access.why_not(ops, mine, ["press_1_to_accept"], without_permission)
    assert "Manage Team Phone Numbers" in access.why_not(ops, shared, ["label"], without_permission)


def test_an_own_number_with_a_group_is_not_the_own_alone(number_of, without_permission):
    ops = access.person(make_user("Marta Klein", role=Role.OPS_ADMIN))
    number = number_of([OURS], [([], True)])
    assert "Manage Team Phone Numbers" in access.why_not(ops, number, ["label"], without_permission)


@pytest.mark.parametrize("name", ["manage_group_numbers", "manage_team_phone_numbers"])
def test_the_permission_by_either_name(number_of, name):
    ops = access.person(make_user("Marta Klein", role=Role.OPS_ADMIN))
    assert access.why_not(ops, number_of(), ["label"], Connection(permissions=[name])) == ""
