"""Signing in with a code from the phone, what polling does to a session, and the page that shows who came in."""

import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import expect

from tests.browser.hands import open_editor, open_list, rows_of
from tests.conftest import PASSWORD


def code_of(secret, *, later=0):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + later))


@pytest.fixture
def type_password(ops):
    def sign_in(page):
        page.goto("/accounts/login/?next=/people/")
        page.get_by_label("E-mail or user name").fill(ops.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")

    return sign_in


def test_an_ops_admin_sets_codes_up_and_sees_it_in_the_history(
    visit, ops, close, settings, type_password, axe, watch
):
    settings.LOCAL_TWO_STEP = "on"
    watch.expect("status of 422")
    page = visit()
    type_password(page)
    expect(page.locator("h1")).to_have_text("One more step, once")
    picture = page.get_by_alt_text("QR code of the key below")
    assert picture.evaluate("image => image.naturalWidth") > 0
    page.get_by_text("I cannot scan it").click()
    secret = page.locator("#secret").inner_text()
    assert axe(page) == []
    page.get_by_label("Code").fill("000000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This code is not right")
    page.get_by_label("Code").fill(code_of(secret))
    page.keyboard.press("Enter")
    expect(page.locator("#recovery-codes li")).to_have_count(10)
    assert axe(page) == []
    page.get_by_role("button", name="I have kept them").click()
    expect(page.locator("h1")).to_have_text("People")

    other = visit()
    type_password(other)
    expect(other.locator("h1")).to_have_text("Type your code")
    assert axe(other) == []
    other.get_by_label("Code").fill(code_of(secret, later=1))
    other.keyboard.press("Enter")
    expect(other.locator("h1")).to_have_text("People")

    page.goto("/settings/")
    expect(page.locator("#sessions li")).to_have_count(2)
    expect(page.locator("#sessions")).to_contain_text("Chrome on Linux (here)")
    page.get_by_role("button", name="End the others").click()
    expect(page.locator("#sessions li")).to_have_count(1)
    assert axe(page) == []
    other.reload()
    expect(other.locator("h1")).to_have_text("Sign in")

    page.goto("/people/")
    page.get_by_role("link", name="Sign-ins and access").click()
    expect(page.locator("h1")).to_have_text("Sign-ins and access")
    expect(page.locator("tbody tr")).to_have_count(4)
    expect(page.locator("tbody tr").first).to_contain_text("Session ended")
    for width in (1440, 400):
        page.set_viewport_size({"width": width, "height": 900})
        assert axe(page) == []
    page.get_by_role("button", name="Kind").click()
    page.get_by_role("link", name="Signed in", exact=True).click()
    expect(page.locator("#events-count")).to_have_text("2 entries, newest first")


def test_what_nobody_asked_for_says_so(visit, ops, close):
    """What a page asks for as it loads is marked; what a hand has caused is not."""
    page = visit(ops)
    asked = []
    page.on("request", lambda request: asked.append(request))
    open_list(page)
    expect(page.locator("#views")).to_be_visible()
    row = rows_of(page)[0]
    with page.expect_response("**/refresh/?field=label"):
        field = open_editor(page, row)
    field.fill("By hand")
    with page.expect_response(f"**/{row.id}/row/*"):
        field.press("Enter")
    expect(row.button("label")).to_have_text("By hand")
    marks = {
        (request.method, request.url.split(row.id)[1].split("?")[0]): request.headers.get("x-background")
        for request in asked
        if row.id in request.url
    }
    by_hand = {("GET", "/edit/label/"): None, ("POST", "/edit/label/"): None}
    assert marks == by_hand | {("POST", "/refresh/"): "1", ("GET", "/row/"): "1"}
    counts = [request.headers.get("x-background") for request in asked if "/numbers/counts/" in request.url]
    assert set(counts) == {"1"}
