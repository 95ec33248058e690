"""The page People: roles and teams, changed in their row, and new accounts."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard import access
from dashboard.models import Group, Role

from ..conftest import make_user, signed_in
from .story import words

HTMX = {"HX-Request": "true"}


@pytest.fixture
def teams(db):
    return [Group.objects.create(close_id=f"group_{name}", name=name) for name in ("APAC", "EMEA")]


def row_of(answer, user):
    found = re.search(rf'id="person-{user.pk}".*?</tr>', answer.content.decode(), re.S)
    return words(f"<tr {found.group(0)}") if found else None


def now(user):
    return access.person(get_user_model().objects.get(pk=user.pk))


def test_everybody_stands_there_with_role_teams_and_giver(teams, ops, viewer, nobody, ops_client):
    lead = make_user("Tom Berger", role=Role.TEAM_LEAD, teams=teams[:1])
    page = ops_client.get("/people/")
    assert "3 with access, 1 without" in words(page)
    assert "All 4 Ops admins 1 Team leads 1 Viewers 1 No role 1" in words(page)
    assert "Tom Berger tom@example.com Team lead APAC" in row_of(page, lead)
    assert "Viewer All numbers" in row_of(page, viewer)
    assert "No role Has not signed in yet, and would see nothing." in row_of(page, nobody)
    assert "Give a role" in row_of(page, nobody)
    assert "Marta Klein (you)" in row_of(page, ops)
    assert "Nobody changes their own role." in row_of(page, ops)
    assert "What a role may do" in words(page)


def test_who_has_no_role_comes_first(ops, nobody, ops_client):
    page = ops_client.get("/people/").content.decode()
    assert page.index(f'id="person-{nobody.pk}"') < page.index(f'id="person-{ops.pk}"')


def test_how_many_numbers_each_may_change(synced, lead, viewer, ops, ops_client):
    page = ops_client.get("/people/")
    assert "May change 40" in row_of(page, ops)
    assert "May change 0" in row_of(page, viewer)
    changeable = access.changeable_numbers(access.person(lead)).count()
    assert 0 < changeable < 40
    assert f"May change {changeable}" in row_of(page, lead)


def test_many_team_leads_cost_no_more_queries_than_one(teams, ops_client):
    costs = []
    for names in (["Ana Ruiz"], [f"Lead{n} X" for n in range(8)]):
        for name in names:
            make_user(name, role=Role.TEAM_LEAD, teams=teams)
        ops_client.get("/people/")
        with CaptureQueriesContext(connection) as queries:
            assert "Ana Ruiz" in words(ops_client.get("/people/"))
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_tabs_narrow_and_nonsense_is_said(nobody, viewer, ops_client):
    page = ops_client.get("/people/?role=none")
    assert row_of(page, nobody)
    assert row_of(page, viewer) is None
    assert "There is no view “king”" in words(ops_client.get("/people/?role=king"))


def test_a_role_is_changed_in_its_row(teams, nobody, ops_client):
    editor = ops_client.get(f"/people/{nobody.pk}/edit/", headers=HTMX)
    assert f'id="person-{nobody.pk}-role"' in editor.content.decode()
    answer = ops_client.post(
        f"/people/{nobody.pk}/edit/",
        {"role": "team_lead", "scope": "teams", "teams": [team.pk for team in teams]},
        headers=HTMX,
    )
    assert answer.status_code == 200
    assert "Team lead APAC EMEA" in row_of(answer, nobody)
    assert "Jonas Weber: Team lead." in words(answer)
    assert now(nobody).team_ids == tuple(team.pk for team in teams)
    assert "Team lead APAC EMEA" in row_of(ops_client.get(f"/people/{nobody.pk}/row/", headers=HTMX), nobody)


def test_without_script_the_page_is_the_editor(teams, viewer, ops_client):
    page = ops_client.get(f"/people/{viewer.pk}/edit/")
    assert f'<form id="person-{viewer.pk}-form" method="post"' in page.content.decode()
    answer = ops_client.post(f"/people/{viewer.pk}/edit/", {"role": "viewer", "scope": "teams", "teams": teams[0].pk})
    assert (answer.status_code, answer["Location"]) == (303, "/people/")
    assert now(viewer).team_ids == (teams[0].pk,)


def test_no_role_takes_the_role_away(viewer, ops_client):
    answer = ops_client.post(f"/people/{viewer.pk}/edit/", {"role": "", "scope": "all"}, headers=HTMX)
    assert "No role" in row_of(answer, viewer)
    assert now(viewer).role is None


@pytest.mark.parametrize(
    ("posted", "told"),
    [
        ({"role": "viewer", "scope": "teams"}, "Choose at least one team, or all numbers."),
        ({"role": "king", "scope": "all"}, "Choose one of the roles."),
        ({"role": "viewer", "scope": "teams", "teams": "99999"}, "One of the teams is gone from Close."),
        ({"role": "viewer", "scope": "teams", "teams": "x"}, "One of the teams is gone from Close."),
        ({"role": "viewer", "scope": "some"}, "Choose all numbers, or teams."),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_makes_no_sense_comes_back_with_the_reason(teams, viewer, ops_client, posted, told, headers):
    answer = ops_client.post(f"/people/{viewer.pk}/edit/", posted, headers=headers)
    assert answer.status_code == 422
    assert told in words(answer)
    assert now(viewer).all_numbers


def test_nobody_promotes_or_demotes_themselves(ops, ops_client):
    answer = ops_client.post(f"/people/{ops.pk}/edit/", {"role": "viewer", "scope": "all"}, headers=HTMX)
    assert answer.status_code == 403
    assert "Nobody changes their own role." in words(answer)
    assert now(ops).is_ops_admin


def test_who_is_deactivated_is_out_at_the_next_request(viewer, ops_client):
    theirs = signed_in(viewer)
    assert theirs.get("/changes/").status_code == 200
    answer = ops_client.post(f"/people/{viewer.pk}/active/", {"active": "false"}, headers=HTMX)
    assert "Deactivated" in row_of(answer, viewer)
    assert theirs.get("/changes/").status_code == 302
    ops_client.post(f"/people/{viewer.pk}/active/", {"active": "true"})
    assert now(viewer).role == Role.VIEWER


class TestNewAccount:
    typed = {
        "name": "Ana María Ruiz",
        "email": "ana@example.com",
        "password": "seven green bicycles",
        "role": "viewer",
        "scope": "all",
    }

    def test_somebody_gets_access_and_can_sign_in(self, ops_client, client):
        assert "Give somebody access" in words(ops_client.get("/people/new/"))
        answer = ops_client.post("/people/new/", self.typed)
        assert (answer.status_code, answer["Location"]) == (303, "/people/")
        assert "Ana María Ruiz can sign in as ana@example.com." in words(ops_client.get("/people/"))
        signed = client.post("/accounts/login/", {"login": "ana@example.com", "password": self.typed["password"]})
        assert signed.status_code == 302
        assert client.get("/changes/").status_code == 200

    @pytest.mark.parametrize(
        ("typed", "told"),
        [
            ({"password": "short"}, "This password is too short. It must contain at least 12 characters."),
            ({"password": "123456789012"}, "This password is entirely numeric."),
            ({"password": ""}, "Type a first password."),
            ({"email": "ana"}, "This is no e-mail address."),
            ({"email": "marta@example.com"}, "There is an account with this address already."),
            ({"name": ""}, "Type the person’s name."),
            ({"scope": "teams"}, "Choose at least one team, or all numbers."),
            ({"role": ""}, "This field is required."),
        ],
    )
    def test_what_is_wrong_is_said_and_what_was_typed_stays(self, ops, ops_client, typed, told):
        answer = ops_client.post("/people/new/", {**self.typed, **typed})
        assert answer.status_code == 422
        assert told in words(answer)
        assert get_user_model().objects.count() == 1
        if "name" not in typed:
            assert 'value="Ana María Ruiz"' in answer.content.decode()
        assert self.typed["password"] not in answer.content.decode()


@pytest.mark.parametrize("url", ["/people/", "/people/new/", "/people/{pk}/edit/", "/people/{pk}/row/"])
def test_the_page_is_for_ops_admins(viewer, lead, nobody, url):
    url = url.format(pk=nobody.pk)
    assert [signed_in(user).get(url).status_code for user in (viewer, lead, nobody)] == [403, 403, 403]


def test_names_full_of_markup_are_text(ops_client):
    bad = '"><img src=x onerror=alert(1)>'
    get_user_model().objects.create_user("x", "x@example.com", "x", first_name=bad)
    assert "<img" not in ops_client.get("/people/").content.decode()


def test_who_has_no_role_reads_why_and_whom_to_ask(ops, nobody_client):
    page = nobody_client.get("/numbers/")
    assert page.status_code == 403
    assert "You have no role here yet" in words(page)
    assert "Ask Marta Klein and tell them this." in words(page)
