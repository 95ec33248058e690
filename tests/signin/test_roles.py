"""Roles from the company account: which claims give which role, and what remains of them."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from dashboard import access, tasks
from dashboard.models import Access, ClaimedRole, Event, Group, Kind, Role
from dashboard.services import people
from dashboard.signin import roles

from ..conftest import make_user

MAP = {
    "sales-ops": "ops_admin",
    "emea-leads": "team_lead:EMEA Sales",
    "dach-leads": "team_lead: DACH , APAC",
    "moon-leads": "team_lead:Moon",
    "everyone-sales": "viewer:*",
    "emea": "viewer:EMEA Sales",
}


@pytest.fixture(autouse=True)
def teams(db, settings):
    settings.SSO_ROLE_MAP = MAP
    names = ("APAC", "DACH", "EMEA Sales")
    return {name: Group.objects.create(close_id=f"group_{name[:4]}", name=name) for name in names}


def sign_in(user, claims):
    """What this person may do after signing in with these claims."""
    roles.settle(user, roles.groups_in(claims))
    return now(user)


def now(user):
    user = get_user_model().objects.get(pk=user.pk)
    person = access.person(user)
    names = Group.objects.filter(pk__in=person.team_ids).order_by("name").values_list("name", flat=True)
    return person.role, "*" if person.all_numbers else list(names)


@pytest.mark.parametrize(
    ("groups", "result"),
    [
        (["sales-ops"], ("ops_admin", "*")),
        (["emea-leads"], ("team_lead", ["EMEA Sales"])),
        (["emea-leads", "dach-leads"], ("team_lead", ["APAC", "DACH", "EMEA Sales"])),
        (["everyone-sales", "emea-leads"], ("team_lead", ["EMEA Sales"])),
        (["emea", "everyone-sales"], ("viewer", "*")),
        (["emea-leads", "sales-ops", "other"], ("ops_admin", "*")),
        (["Sales-Ops"], (None, [])),
        (["sales-ops "], (None, [])),
        (["moon-leads"], (None, [])),
        (["moon-leads", "everyone-sales"], ("viewer", "*")),
        ([], (None, [])),
        ("emea-leads", ("team_lead", ["EMEA Sales"])),
        ("emea-leads,sales-ops", (None, [])),
        ("emea-leads|sales-ops", (None, [])),
        ({"sales-ops": True}, (None, [])),
        ([["sales-ops"], 7, None, {"name": "sales-ops"}], (None, [])),
        (None, (None, [])),
        (True, (None, [])),
    ],
)
def test_the_highest_role_wins_and_its_teams_are_joined(nobody, groups, result):
    assert sign_in(nobody, {"groups": groups}) == result


def test_several_claims_are_looked_through_and_paths_are_followed(nobody, settings):
    settings.SSO_ROLE_CLAIM = ["roles", "realm_access.roles"]

    assert sign_in(nobody, {"groups": ["sales-ops"]}) == (None, [])
    assert sign_in(nobody, {"roles": ["emea"], "realm_access": {"roles": ["emea-leads"]}}) == (
        "team_lead",
        ["EMEA Sales"],
    )
    assert sign_in(nobody, {"realm_access": "sales-ops"}) == (None, [])


def test_a_role_is_worked_out_anew_at_each_sign_in(nobody):
    assert sign_in(nobody, {"groups": ["sales-ops"]}) == ("ops_admin", "*")
    assert sign_in(nobody, {"groups": ["emea-leads"]}) == ("team_lead", ["EMEA Sales"])
    assert sign_in(nobody, {}) == (None, [])


def test_nothing_is_written_where_nothing_changed(nobody, django_assert_num_queries):
    roles.settle(nobody, ["emea-leads", "other"])
    nobody = get_user_model().objects.select_related("claimed").get(pk=nobody.pk)
    with django_assert_num_queries(2) as asked:
        roles.settle(nobody, ["other", "emea-leads"])
    assert all(query["sql"].startswith("SELECT") for query in asked.captured_queries)


def test_a_role_from_the_company_alone_counts_and_one_by_hand_where_there_is_none(teams, ops, lead):
    people.give_role(actor=access.person(ops), user=lead, role=Role.OPS_ADMIN, scope=people.Scope(all_numbers=True))
    assert sign_in(lead, {"groups": ["emea"]}) == ("viewer", ["EMEA Sales"])
    assert lead not in access.ops_admins()
    assert sign_in(lead, {"groups": ["nothing-here"]}) == ("ops_admin", "*")
    assert lead in access.ops_admins()


def test_whom_the_company_makes_an_ops_admin_is_one(nobody):
    sign_in(nobody, {"groups": ["sales-ops"]})
    assert list(access.ops_admins()) == [nobody]


def test_a_map_that_gives_less_counts_for_whoever_is_signed_in(nobody, client, settings):
    assert sign_in(nobody, {"groups": ["sales-ops"]}) == ("ops_admin", "*")
    client.force_login(nobody)
    assert client.get("/people/").status_code == 200
    settings.SSO_ROLE_MAP = {"sales-ops": "viewer:EMEA Sales"}
    # What the worker calls each minute.
    tasks.sweep.call()
    assert now(nobody) == ("viewer", ["EMEA Sales"])
    assert client.get("/people/").status_code == 403
    settings.SSO_ROLE_MAP = {"others": "ops_admin"}
    tasks.sweep.call()
    assert now(nobody) == (None, [])
    words = list(Event.objects.filter(kind=Kind.ROLE_GIVEN).order_by("position").values_list("words", flat=True))
    assert words[-1] == "Viewer for EMEA Sales, from the groups of the company account."


def test_who_signs_in_while_the_map_is_worked_out_keeps_what_that_gave(nobody, viewer, settings, monkeypatch):
    for user in (nobody, viewer):
        assert sign_in(user, {"groups": ["sales-ops"]}) == ("ops_admin", "*")
    settle = roles.settle

    def interrupted(user, groups):
        monkeypatch.setattr(roles, "settle", settle)
        sign_in(get_user_model().objects.get(pk=viewer.pk), {"groups": ["emea"]})
        settle(user, groups)

    monkeypatch.setattr(roles, "settle", interrupted)
    settings.SSO_ROLE_MAP = MAP | {"one-more": "viewer:*"}
    tasks.sweep.call()
    assert now(viewer) == ("viewer", ["EMEA Sales"])


def test_without_a_map_what_was_claimed_once_counts_no_more(nobody, settings):
    sign_in(nobody, {"groups": ["sales-ops"]})
    settings.SSO_ROLE_MAP = {}
    assert now(nobody) == (None, [])
    assert not access.ops_admins().exists()


def test_a_superuser_is_not_demoted(db):
    boss = make_user("Ada Boss", is_superuser=True)
    assert sign_in(boss, {"groups": ["emea"]}) == ("ops_admin", "*")


def test_a_role_by_hand_ends_after_ninety_days_or_on_the_day_that_was_set(ops, nobody):
    give = {"actor": access.person(ops), "user": nobody, "role": Role.VIEWER, "scope": people.Scope(all_numbers=True)}
    today = timezone.localdate()
    people.give_role(**give)
    assert Access.objects.get(user=nobody).ends_on == today + timedelta(days=90)
    people.give_role(**give, until=today)
    assert now(nobody) == ("viewer", "*")
    Access.objects.filter(user=nobody).update(ends_on=today - timedelta(days=1))
    assert now(nobody) == (None, [])
    with pytest.raises(people.RefusedError, match="cannot have passed"):
        people.give_role(**give, until=today - timedelta(days=1))


def test_roles_by_hand_can_be_forbidden(ops, nobody, viewer, settings):
    actor = access.person(ops)
    settings.MANUAL_ROLES = "off"
    assert now(viewer) == (None, [])
    assert not access.ops_admins().exists()
    for ask in (
        lambda: people.give_role(actor=actor, user=nobody, role="viewer", scope=people.Scope(True)),
        lambda: people.create_account(
            actor=actor, email="a@b.example", name="A", password="x" * 20, role="viewer", scope=people.Scope(True)
        ),
    ):
        with pytest.raises(people.RefusedError, match="company account alone"):
            ask()
    assert get_user_model().objects.filter(email="a@b.example").count() == 0
    assert sign_in(viewer, {"groups": ["everyone-sales"]}) == ("viewer", "*")


def test_a_role_from_the_company_is_not_edited_here(ops, nobody):
    sign_in(nobody, {"groups": ["emea"]})
    nobody = get_user_model().objects.get(pk=nobody.pk)
    for ask in (
        lambda: people.give_role(
            actor=access.person(ops), user=nobody, role="ops_admin", scope=people.Scope(all_numbers=True)
        ),
        lambda: people.take_role(actor=access.person(ops), user=nobody),
    ):
        with pytest.raises(people.RefusedError, match="This role comes from the company account"):
            ask()
    assert now(nobody) == ("viewer", ["EMEA Sales"])


def test_a_team_that_is_gone_from_close_gives_nothing(nobody, teams):
    Group.objects.filter(name="EMEA Sales").update(gone=True)
    assert sign_in(nobody, {"groups": ["emea-leads"]}) == (None, [])
    assert roles.unknown_teams() == ["EMEA Sales", "Moon"]
    assert ClaimedRole.objects.get(user=nobody).groups == ["emea-leads"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("admin", "gives “g” the role “admin”; the roles are viewer, team_lead, ops_admin"),
        ("", "gives “g” the role “”"),
        ("ops_admin:EMEA", "an ops admin has all numbers"),
        ("team_lead", "names no team for “g”. Write team_lead:* for all"),
        ("viewer: ,", "names no team for “g”"),
    ],
)
def test_a_line_that_cannot_be_is_refused_in_words(text, words):
    with pytest.raises(ValueError, match="SSO_ROLE_MAP") as refused:
        roles.rule_of("g", text)
    assert words in str(refused.value)
