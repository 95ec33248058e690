"""People, where roles come from the company account: the map, who has a role by it, and the page without a role."""

import re

import pytest
import time_machine
from django.contrib.auth import get_user_model

from dashboard.models import Access, Group, Preference
from dashboard.signin import roles

from .story import words

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def company(db, settings):
    settings.SSO_ROLE_MAP = {
        "sales-ops": "ops_admin",
        "leads-emea": "team_lead:EMEA,Moon",
        "all-sales": "viewer:*",
    }
    return Group.objects.create(close_id="group_emea", name="EMEA")


def row_of(answer, user):
    return words("<tr " + re.search(rf'id="person-{user.pk}".*?</tr>', answer.content.decode(), re.S).group(0))


def test_the_map_is_shown_with_how_many_it_gives_a_role(ops_client, viewer, nobody):
    roles.settle(viewer, ["leads-emea"])
    page = words(ops_client.get("/people/"))
    assert "From the company account sales-ops Ops admin · all numbers 0 people" in page
    assert "leads-emea Team lead · EMEA, Moon 1 person" in page
    assert "all-sales Viewer · all numbers 0 people" in page
    assert "Close has no team “Moon”, so the map gives nothing for it." in page
    assert "Read at every sign-in from groups" in page


def test_without_a_map_there_is_nothing_of_it(ops_client, nobody, settings):
    settings.SSO_ROLE_MAP = {}
    page = words(ops_client.get("/people/"))
    assert "company account" not in page
    assert 'name="until"' not in ops_client.get(f"/people/{nobody.pk}/edit/").content.decode()


def test_each_row_says_how_the_role_was_given(ops_client, viewer, nobody):
    roles.settle(viewer, ["leads-emea", "all-sales"])
    roles.settle(nobody, ["marketing", "<b>staff"])
    page = ops_client.get("/people/")
    assert "Team lead EMEA May change 0 Role given by Company account leads-emea" in row_of(page, viewer)
    assert "The company account says" in row_of(page, nobody)
    assert "none of them gives a role here." in row_of(page, nobody)
    assert "&lt;b&gt;staff" in page.content.decode()


def test_a_role_from_the_company_cannot_be_edited_and_the_person_can_be_deactivated(ops_client, viewer):
    roles.settle(viewer, ["all-sales"])
    editor = ops_client.get(f"/people/{viewer.pk}/edit/", headers=HTMX)
    assert "This role comes from the company account." in words(editor)
    assert 'name="role"' not in editor.content.decode()
    answer = ops_client.post(f"/people/{viewer.pk}/edit/", {"role": "ops_admin", "scope": "all"}, headers=HTMX)
    assert answer.status_code == 403
    answer = ops_client.post(f"/people/{viewer.pk}/active/", {"active": "false"}, headers=HTMX)
    assert "Deactivated" in row_of(answer, viewer)
    assert not get_user_model().objects.get(pk=viewer.pk).is_active


def test_a_role_by_hand_has_a_last_day(ops_client, nobody):
    page = ops_client.get(f"/people/{nobody.pk}/edit/", headers=HTMX).content.decode()
    assert re.search(r'name="until" value="\d{4}-\d\d-\d\d"', page)
    form = {"role": "viewer", "scope": "all"}
    answer = ops_client.post(f"/people/{nobody.pk}/edit/", form | {"until": "2199-12-31"}, headers=HTMX)
    assert "until 31 Dec 2199" in row_of(answer, nobody)
    for day, said in (("2020-01-01", "This day has passed."), ("soon", "This is no day.")):
        answer = ops_client.post(f"/people/{nobody.pk}/edit/", form | {"until": day}, headers=HTMX)
        assert answer.status_code == 422
        assert said in words(answer)


def test_the_last_day_is_one_of_the_server_wherever_somebody_reads_times(ops, ops_client, nobody):
    Preference.objects.create(user=ops, zone="Pacific/Kiritimati")
    with time_machine.travel("2026-11-28T23:30:00Z"):
        form = {"role": "viewer", "scope": "all", "until": "2026-11-28"}
        assert ops_client.post(f"/people/{nobody.pk}/edit/", form).status_code == 303
        assert Access.objects.get(user=nobody).lasts()


def test_where_no_role_is_given_by_hand_nothing_offers_it(ops, nobody, client, settings):
    settings.MANUAL_ROLES = "off"
    roles.settle(ops, ["sales-ops"])
    client.force_login(ops)
    page = client.get("/people/")
    assert "Give somebody access" not in words(page)
    assert "Give a role" not in words(page)
    editor = client.get(f"/people/{nobody.pk}/edit/", headers=HTMX)
    assert "Roles come from the company account alone here" in words(editor)
    answer = client.post("/people/new/", {"name": "A B"} | {"email": "a@b.example", "password": "a long password 7"})
    assert answer.status_code == 422


def test_who_has_no_role_reads_what_was_looked_for_and_found(nobody, nobody_client, settings):
    settings.SSO_ROLE_CLAIM = ["roles", "groups"]
    page = nobody_client.get("/numbers/")
    assert page.status_code == 403
    assert "The company account" not in words(page)
    roles.settle(nobody, ["marketing", "staff"])
    page = nobody_client.get("/numbers/")
    assert page.status_code == 403
    assert "The company account was asked for roles and groups and says marketing , staff" in words(page)
    roles.settle(nobody, [])
    assert "holds nothing of that" in words(nobody_client.get("/numbers/"))
