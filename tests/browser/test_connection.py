"""Connecting to Close in a browser: from nothing to numbers, through a refusal, and back."""

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as django_settings
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import expect

from dashboard.models import Connection, Credential
from dashboard.services import sync
from dashboard.simulator import DEMO_CLIENT
from tests.browser.hands import message, open_list

((CLIENT, SECRET),) = DEMO_CLIENT.items()


@pytest.fixture
def synced(transactional_db, sim):
    """Nothing was read yet, and nothing says how."""
    return sim


@pytest.fixture
def unconnected(close, settings, quiet_server):
    settings.CLOSE_API_KEY = ""
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    settings.CLOSE_OAUTH_CLIENT_ID, settings.CLOSE_OAUTH_CLIENT_SECRET = CLIENT, SECRET
    settings.BASE_URL = quiet_server.url
    policy = django_settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {**policy, "form-action": ["'self'", close.origin]}}
    return close


def read_close():
    """What the worker does meanwhile."""
    call_command("db_worker", queue_name="*", batch=True, interval=0, startup_delay=False, verbosity=0)


def test_from_nothing_to_numbers_through_a_refusal_and_back(visit, ops, unconnected, axe, watch):
    close = unconnected
    page = visit(ops)
    page.goto("/numbers/")
    page.get_by_role("button", name="Marta Klein").click()
    page.get_by_role("link", name="Connection to Close").click()
    expect(page.locator("h1")).to_contain_text("Not connected")

    # Denied first, then allowed.
    page.get_by_role("button", name="Connect in Close").click()
    expect(page.locator("h1")).to_have_text(close.organisation.name)
    page.get_by_role("button", name="Deny").click()
    expect(message(page)).to_contain_text("it was not allowed there. Nothing has changed.")
    page.get_by_role("button", name="Connect in Close").click()
    page.get_by_role("button", name="Allow access").click()
    expect(message(page)).to_contain_text("closephones is connected to Close, and reads it now.")
    expect(page.locator("h1")).to_contain_text("Connected")
    assert page.url.endswith("/connection/")
    expect(page.get_by_role("region", name="Who closephones is in Close")).to_contain_text("Marta Klein")
    expect(page.locator("#beyond")).to_contain_text("can also")
    assert axe(page) == []
    read_close()
    open_list(page)
    expect(page.locator("tbody tr")).to_have_count(len(close.organisation.order))

    page.goto("/connection/")
    expect(page.get_by_role("region", name="Who closephones is in Close")).to_contain_text("requests left")

    # Somebody in Close takes it away; the token here has just ended.
    close.forget_grants()
    Credential.objects.update(access_ends_at=timezone.now())
    with pytest.raises(Exception, match="invalid_grant"):
        sync.sync()
    page.reload()
    expect(page.locator(".banner")).to_contain_text("Close no longer accepts that closephones is connected")
    page.locator(".banner").get_by_role("link", name="Reconnect").click()
    expect(page.get_by_role("region", name="What is waiting")).to_contain_text("Nothing was under way")
    assert axe(page) == []
    page.get_by_role("button", name="Reconnect in Close").click()
    page.get_by_role("button", name="Allow access").click()
    expect(page.locator("h1")).to_contain_text("Connected")
    expect(page.locator(".banner")).to_have_count(0)

    # A key that is none stays out of the page, and disconnecting is one click.
    page.get_by_label("Or enter an API key").fill("api_canary_of_somebody")
    watch.expect("status of 422")
    page.get_by_role("button", name="Use this key").click()
    expect(page.get_by_role("alert")).to_contain_text("Close does not accept this key.")
    assert "api_canary" not in page.content()
    page.get_by_role("button", name="Disconnect").click()
    expect(page.locator(".banner")).to_contain_text("Marta Klein disconnected closephones from Close.")
    assert Connection.load().problem == "no_key"
