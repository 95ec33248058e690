"""Signed out in the middle of an edit: what was typed is not lost, and after signing in again it is saved."""

from playwright.sync_api import expect

from tests.browser.hands import message, open_editor, open_list, rows_of
from tests.conftest import PASSWORD


def test_an_edit_goes_on_after_signing_in_again_in_another_tab(visit, ops, close, watch):
    watch.expect("status of 401")
    page = visit(ops)
    open_list(page)
    row = rows_of(page)[0]
    field = open_editor(page, row)
    page.context.clear_cookies(name="sid")
    field.fill("Not to be lost")
    field.press("Enter")
    dialog = page.get_by_role("dialog", name="You have been signed out")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("Not saved yet:")
    expect(dialog).to_contain_text("Not to be lost")
    assert close.puts() == []

    with page.context.expect_page() as opened:
        dialog.get_by_role("link", name="Sign in again").click()
    entrance = opened.value
    entrance.get_by_label("E-mail or user name").fill(ops.email)
    entrance.get_by_label("Password").fill(PASSWORD)
    entrance.get_by_role("button", name="Sign in").click()
    expect(entrance.locator("h1")).to_have_text("Phone numbers")
    entrance.close()

    page.bring_to_front()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(dialog).to_be_hidden()
    expect(message(page)).to_contain_text("You are signed in again.")
    expect(field).to_have_value("Not to be lost")
    expect(field).to_be_focused()
    field.press("Enter")
    expect(row.button("label")).to_have_text("Not to be lost")
    assert close.puts() == [(row.id, {"label": "Not to be lost"})]


def test_whoever_stays_on_the_page_keeps_what_was_typed(visit, ops, watch, close):
    watch.expect("status of 401")
    page = visit(ops)
    open_list(page)
    row = rows_of(page)[0]
    field = open_editor(page, row)
    page.context.clear_cookies(name="sid")
    field.fill("Still here")
    field.press("Enter")
    page.get_by_role("button", name="Stay on this page").press("Enter")
    expect(page.get_by_role("dialog", name="You have been signed out")).to_be_hidden()
    expect(field).to_have_value("Still here")
    expect(field).to_be_focused()


def test_signing_in_leads_where_the_person_wanted_to_go_and_signing_out_leads_back(visit, ops, close):
    page = visit()
    page.goto("/changes/?source=close")
    expect(page.locator("h1")).to_have_text("Sign in")
    page.get_by_label("E-mail or user name").fill(ops.email)
    page.get_by_label("Password").fill("not the password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("E-mail or user name")).to_have_value(ops.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Changes")
    assert page.url.endswith("/changes/?source=close")
    page.locator("#user-menu").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.locator("h1")).to_have_text("Sign in")
    page.goto("/numbers/")
    expect(page.locator("h1")).to_have_text("Sign in")
