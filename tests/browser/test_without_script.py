"""Every page without script: links and forms alone do the job."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.hands import message, rows_of
from tests.conftest import PASSWORD


@pytest.fixture
def plain(visit):
    """A browser whose owner has switched script off."""
    return lambda user=None: visit(user, java_script_enabled=False)


def test_a_number_is_found_and_its_label_changed(plain, ops, close):
    page = plain()
    page.goto("/numbers/")
    page.get_by_label("E-mail or user name").fill(ops.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("Phone numbers")
    row = rows_of(page)[3]
    page.get_by_role("searchbox", name="Search numbers").fill(row.number.number)
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text("1 of 40")
    row.button("label").click()
    expect(page.locator("h1")).to_contain_text(f"Label of {row.phone}")
    field = row.field("label")
    expect(field).to_be_focused()
    field.fill("Without script")
    with page.expect_response(lambda answer: answer.request.method == "POST") as posted:
        field.press("Enter")
    assert posted.value.status == 303
    expect(page).to_have_url(re.compile(f"/numbers/{row.id}/$"))
    expect(page.locator("h1")).to_contain_text("Without script")
    expect(message(page)).to_contain_text("saved to Close")
    assert close.puts() == [(row.id, {"label": "Without script"})]
    page.get_by_role("button", name="Undo").first.click()
    expect(message(page)).to_have_text("Undone, and saved to Close.")
    assert close.puts()[1:] == [(row.id, {"label": row.number.label})]


def test_what_cannot_be_saved_is_shown_again_with_what_was_typed(plain, ops, close, watch):
    watch.expect("status of 422", "status of 409", "status of 502")
    page = plain(ops)
    row = next(row for row in rows_of(page) if row.number.forward_to and row.number.country == "US")
    page.goto(f"/numbers/{row.id}/edit/forwarding/")
    row.field("forwarding").fill("12")
    page.keyboard.press("Enter")
    expect(row.field("forwarding")).to_have_value("12")
    expect(row.field("forwarding")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".text-danger")).to_be_visible()
    page.goto(f"/numbers/{row.id}/edit/label/")
    close.fault("502")
    row.field("label").fill("In a storm")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("Not saved: Close is unreachable. What you typed is kept here.")
    expect(row.field("label")).to_have_value("In a storm")
    close.clear_faults()
    close.change_as_somebody_else(row.id, label="Theirs")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("main")).to_contain_text("Nothing has been sent.")
    expect(page.locator("dl.three dd").last).to_have_text("Theirs")
    assert close.puts() == []
    page.get_by_role("button", name="Use mine").click()
    expect(page.locator("h1")).to_contain_text("In a storm")
    assert close.puts() == [(row.id, {"label": "In a storm"})]


def test_a_switch_works_and_an_editor_can_be_left(plain, ops, close):
    page = plain(ops)
    row = next(row for row in rows_of(page) if row.number.forward_to_enabled)
    page.goto("/numbers/")
    row.switch.click()
    expect(page).to_have_url(re.compile(f"/numbers/{row.id}/$"))
    expect(row.switch).to_have_attribute("aria-checked", "false")
    assert close.puts() == [(row.id, {"forward_to_enabled": False})]
    row.button("voicemail").click()
    page.get_by_role("link", name="Cancel").click()
    expect(page).to_have_url(re.compile(f"/numbers/{row.id}/$"))


def test_every_page_shows_its_content(plain, ops, nobody, close):
    page = plain(ops)
    row = rows_of(page)[0]
    for address, title in {
        "/numbers/?country=US&sort=-label": "Phone numbers",
        "/numbers/choose/team/": "Numbers by team",
        f"/numbers/{row.id}/": row.phone,
        "/changes/": "Changes",
        "/people/": "People",
        f"/people/{nobody.pk}/edit/": "People",
        "/people/new/": "Give somebody access",
        "/settings/": "Settings",
        "/views/": "Your views",
    }.items():
        page.goto(address)
        expect(page.locator("h1")).to_contain_text(title)
        # What only script can do is not offered as a dead control: the numbers can be played, the filters chosen.
        assert page.locator("a[href='#']").count() == 0
    page.goto("/numbers/")
    page.locator("#chip-forwarding").click()
    page.get_by_label("On", exact=True).check()
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#chip-forwarding")).to_contain_text("On")


def test_a_role_is_given_and_writes_are_stopped(plain, ops, nobody, close):
    page = plain(ops)
    page.goto("/people/")
    page.get_by_role("link", name="Give Jonas Weber a role").click()
    page.get_by_label("All numbers").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(f"#person-{nobody.pk}")).to_contain_text("Viewer")
    page.goto("/settings/")
    page.get_by_role("button", name="Stop all writes").click()
    expect(page.locator(".banner")).to_contain_text("Writes are stopped.")
