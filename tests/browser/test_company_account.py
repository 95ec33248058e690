"""Signing in with the company account in a browser, against a certified provider in a process of its own."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from playwright.sync_api import expect

from dashboard import access
from dashboard.models import Access, Group, Role
from tests.conftest import make_user

FOLDER = Path(__file__).parents[1] / "signin" / "provider"
CLIENT = {"client_id": "closephones", "client_secret": "the secret of the tests"}
PEOPLE = {
    "marta": {"email": "marta.k@example.com", "name": "Marta Klein", "groups": ["sales-ops"]},
    "tom": {"email": "tom.b@example.com", "name": "Tom Berger", "groups": ["leads", "all-sales"]},
    "jonas": {"email": "jonas.w@example.com", "name": "Jonas Weber", "groups": ["marketing"]},
}


@pytest.fixture(scope="module")
def provider(live_server):
    """The address of a running OpenID provider that knows these people, and our server as its client."""
    client = CLIENT | {"redirect_uris": [f"{live_server.url}/accounts/oidc/callback/"]}
    command = [shutil.which("node") or "nodejs", "provider.mjs", json.dumps({"clients": [client], "people": PEOPLE})]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, cwd=FOLDER, **pipes) as process:
        address = next((line for line in process.stdout if line.startswith("http")), "").strip()
        assert address, "The provider does not start. Type: make test"
        try:
            yield address
        finally:
            process.kill()


@pytest.fixture
def company(close, provider, settings):
    """The settings that a company makes, and the policy that follows from them."""
    settings.OIDC_ISSUER, settings.OIDC_NAME = provider, "your company account"
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT.values()
    settings.LOCAL_LOGIN = "off"
    team = Group.objects.order_by("name")[0]
    settings.SSO_ROLE_MAP = {"sales-ops": "ops_admin", "leads": f"team_lead:{team.name}", "all-sales": "viewer:*"}
    policy = django_settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": policy | {"form-action": ["'self'", provider]}}
    return team


@pytest.fixture
def entrance(company, visit, watch):
    """Open a page, signed out, with the styles that the provider's page fetches from afar left out."""

    def open_page(path):
        page = visit()
        page.route(
            re.compile(r"^https://"), lambda route: route.fulfill(status=200, body="", content_type="text/css")
        )
        page.goto(path)
        return page

    watch.expect("asked another host: https://fonts")
    return open_page


def go_through(page, login):
    page.get_by_role("button").click()
    page.get_by_placeholder("Enter any login").fill(login)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def test_one_button_leads_a_lead_to_the_numbers_of_their_teams(entrance, company, watch):
    watch.expect("status of 403")
    page = entrance("/numbers/?type=internal")
    expect(page.get_by_role("button")).to_have_text("Continue with your company account")
    go_through(page, "tom")
    expect(page.locator("h1")).to_have_text("Phone numbers")
    assert page.url.endswith("/numbers/?type=internal")
    own = access.visible_numbers(access.person(get_user_model().objects.get(email="tom.b@example.com")))
    expect(page.locator("tbody tr")).to_have_count(own.filter(type="internal").count())
    page.goto("/people/")
    expect(page.locator("main")).to_contain_text("This is for ops admins.")


def test_an_ops_admin_lands_on_the_numbers_and_sees_on_people_where_roles_come_from(entrance):
    page = entrance("/accounts/login/?next=https://evil.test/people/")
    go_through(page, "marta")
    expect(page.locator("h1")).to_have_text("Phone numbers")
    assert page.url.endswith("/numbers/")
    page.goto("/people/")
    expect(page.get_by_role("region", name="From the company account")).to_contain_text("sales-ops")
    expect(page.locator("tr", has_text="Marta Klein")).to_contain_text("Company account")


def test_a_group_without_a_role_is_named(entrance, watch):
    watch.expect("status of 403")
    ops = make_user("Priya Nair")
    Access.objects.create(user=ops, role=Role.OPS_ADMIN, given_at="2026-01-01T00:00Z", given_by="x")
    page = entrance("/numbers/")
    go_through(page, "jonas")
    expect(page.locator("h1")).to_have_text("You have no role here yet")
    expect(page.locator("#claims")).to_contain_text("groups and says marketing")
    expect(page.locator("main")).to_contain_text("Ask Priya Nair")


def test_denied_there_leads_back_to_the_sign_in_page(entrance):
    page = entrance("/accounts/login/")
    page.get_by_role("button", name="Continue with your company account").click()
    page.get_by_role("link", name="Cancel").click()
    expect(page.locator("h1")).to_have_text("You are not signed in")
    expect(page.locator("main")).to_contain_text("was cancelled there")
    page.get_by_role("link", name="Back to the sign-in page").click()
    expect(page.locator("h1")).to_have_text("Sign in")
