"""Signing in with the company account in a browser, against a provider in a process of its own."""

import json
import re
import socket
import subprocess
import sys
import time
from contextlib import closing

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import expect

from dashboard.models import Access, Group, Role
from tests.conftest import make_user

PEOPLE = [
    {"sub": "marta", "email": "marta.k@example.com", "name": "Marta Klein", "groups": ["sales-ops"]},
    {"sub": "tom", "email": "tom.b@example.com", "name": "Tom Berger", "groups": ["leads", "all-sales"]},
    {"sub": "jonas", "email": "jonas.w@example.com", "name": "Jonas Weber", "groups": ["marketing"]},
]


@pytest.fixture(scope="module")
def provider():
    """The address of a running OpenID provider that knows these people."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = [word for person in PEOPLE for word in ("--user-claims", json.dumps(person))]
    process = subprocess.Popen(
        [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *told],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(port):
    for _ in range(200):
        with closing(socket.socket()) as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("The provider does not answer.")


@pytest.fixture
def company(close, provider, settings):
    """The settings that a company makes, and the policy that follows from them."""
    settings.OIDC_ISSUER, settings.OIDC_NAME = provider, "your company account"
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = "closephones", "any secret"
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

    watch.expect("asked another host: https://cdn")
    return open_page


def go_through(page, sub):
    page.get_by_role("button", name="Continue with your company account").click()
    page.get_by_role("button", name=sub, exact=True).click()


def test_the_company_account_leads_where_one_wanted_with_its_role(entrance, company, watch):
    watch.expect("status of 403")
    page = entrance("/changes/?source=close")
    go_through(page, "tom")
    expect(page.locator("h1")).to_have_text("Changes")
    assert page.url.endswith("/changes/?source=close")
    page.goto("/people/")
    expect(page.locator("main")).to_contain_text("This is for ops admins.")


def test_an_ops_admin_sees_on_people_where_roles_come_from(entrance):
    page = entrance("/people/")
    go_through(page, "marta")
    expect(page.locator("h1")).to_have_text("People")
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


def test_denied_there_leads_back_to_the_sign_in_page(entrance, watch):
    watch.expect("status of 401")
    page = entrance("/accounts/login/")
    page.get_by_role("button", name="Continue with your company account").click()
    page.get_by_role("button", name="Deny").click()
    expect(page.locator("h1")).to_have_text("You are not signed in")
    page.get_by_role("link", name="Back to the sign-in page").click()
    expect(page.locator("h1")).to_have_text("Sign in")
