"""The other pages in a browser: one number, changes, people, settings."""

import re

from playwright.sync_api import expect

from dashboard.models import Access
from dashboard.services import sync
from tests.browser.hands import Row, message, open_editor, open_list, rows_of


def open_number(page, **filters):
    """Open the page of the first such number and wait until it was read from Close."""
    row = rows_of(page, **filters)[0]
    with page.expect_response("**/refresh/"):
        page.goto(f"/numbers/{row.id}/")
    return row


def test_each_setting_of_a_number_is_changed_on_its_page_and_the_page_follows(visit, ops, close):
    page = visit(ops)
    row = open_number(page, forward_to_enabled=True, country="US")
    history = page.locator("#number-history")
    expect(history).to_contain_text("No changes yet")

    open_editor(page, row).fill("From its page")
    page.keyboard.press("Enter")
    expect(page.locator("#number-head h1")).to_contain_text("From its page")
    expect(history).to_contain_text("1 change since")
    expect(row.button("label")).to_be_focused()

    open_editor(page, row, "ringing").fill("45")
    page.keyboard.press("Enter")
    expect(row.button("ringing")).to_have_text("45 s")
    expect(history).to_contain_text("2 changes since")
    expect(page.locator("#number-call")).to_contain_text("45")

    row.switch.press("Space")
    expect(row.switch).to_have_attribute("aria-checked", "false")
    expect(history).to_contain_text("3 changes since")
    expect(row.switch).to_be_focused()

    open_editor(page, row, "voicemail").fill("https://greetings.example.com/out-of-hours.mp3")
    page.keyboard.press("Enter")
    expect(row.row).to_have_count(0)
    expect(page.locator(f"#number-{row.id}-play")).to_be_visible()
    expect(history.locator("li")).to_have_count(4)
    assert close.puts() == [
        (row.id, {"label": "From its page"}),
        (row.id, {"inbound_ring_duration": 45}),
        (row.id, {"forward_to_enabled": False}),
        (row.id, {"voicemail_greeting_url": "https://greetings.example.com/out-of-hours.mp3"}),
    ]

    history.locator("li").last.get_by_role("button", name="Undo").press("Enter")
    expect(message(page)).to_have_text("Undone, and saved to Close.")
    expect(row.button("label")).to_have_text(row.number.label or "Add label")
    expect(history.locator("li")).to_have_count(5)
    expect(page.locator(":focus")).to_have_count(1)


def test_a_ring_duration_that_cannot_be_is_kept_with_the_limits(visit, ops, close, watch):
    watch.expect("status of 422")
    page = visit(ops)
    row = open_number(page)
    for wrong in ("14", "91", "abc"):
        if wrong == "14":
            field = open_editor(page, row, "ringing")
        field.fill(wrong)
        with page.expect_response("**/edit/ringing/"):
            field.press("Enter")
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(row.cell("ringing")).to_contain_text("15")
        expect(row.cell("ringing")).to_contain_text("90")
        expect(field).to_have_value(wrong)
        expect(field).to_be_focused()
    assert close.puts() == []


def test_the_page_shows_what_was_changed_in_close_since(visit, ops, close):
    page = visit(ops)
    row = rows_of(page)[0]
    close.change_as_somebody_else(row.id, label="Renamed in Close", forward_to_enabled=False)
    page.goto(f"/numbers/{row.id}/")
    expect(row.button("label")).to_have_text("Renamed in Close")
    expect(page.locator("#number-head h1")).to_contain_text("Renamed in Close")
    expect(page.locator("#number-history")).to_contain_text("Made in Close")


def test_a_change_is_undone_and_a_conflict_compared_on_the_changes_page(visit, ops, close, watch):
    watch.expect("status of 409")
    page = visit(ops)
    open_list(page)
    done, clash = rows_of(page, country="US")[:2]
    open_editor(page, done).fill("Done")
    page.keyboard.press("Enter")
    expect(done.button("label")).to_have_text("Done")
    open_editor(page, clash).fill("Mine")
    close.change_as_somebody_else(clash.id, label="Theirs")
    page.keyboard.press("Enter")
    expect(clash.cell("label")).to_contain_text("Nothing has been sent.")

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Changes").click()
    conflict = page.locator("tr.needs")
    conflict.get_by_text("Compare").press("Enter")
    expect(conflict.locator("dd")).to_have_text([clash.number.label or re.compile("none|no label"), "Mine", "Theirs"])
    undo = page.get_by_role("button", name=f"Undo label of {done.phone}")
    undo.press("Enter")
    expect(message(page)).to_have_text("Undone, and saved to Close.")
    expect(undo).to_have_count(0)
    expect(page.locator(":focus")).to_have_count(1)
    page.reload()
    expect(page.get_by_text("Put back")).to_be_visible()
    assert close.puts() == [(done.id, {"label": "Done"}), (done.id, {"label": done.number.label})]


def test_an_undo_that_came_too_late_says_what_close_holds(visit, ops, close, watch):
    watch.expect("status of 409")
    page = visit(ops)
    open_list(page)
    row = rows_of(page)[0]
    open_editor(page, row).fill("First")
    page.keyboard.press("Enter")
    expect(row.button("label")).to_have_text("First")
    page.goto("/changes/")
    close.change_as_somebody_else(row.id, label="Second")
    page.get_by_role("button", name="Undo").first.press("Enter")
    expect(message(page)).to_contain_text("Not undone: Close holds something else by now")
    expect(page.locator("dl.three dd").last).to_have_text("Second")
    assert len(close.puts()) == 1


def test_what_was_changed_in_close_is_marked_as_seen(visit, ops, close):
    page = visit(ops)
    rows = rows_of(page)[:3]
    for row in rows:
        close.change_as_somebody_else(row.id, label=f"In Close {row.phone}")
    sync.sync()
    open_list(page)
    tab = page.locator("#views").get_by_role("link", name="Changed in Close")
    expect(tab.locator(".n")).to_have_text("3")
    tab.click()
    expect(page.locator("#numbers tbody tr")).to_have_count(3)
    page.goto("/changes/?view=close")
    page.get_by_role("button", name="Mark as seen").first.press("Enter")
    expect(message(page)).to_have_text("Marked as seen.")
    expect(page.get_by_text("Seen by Marta Klein")).to_have_count(1)
    expect(page.locator(":focus")).to_have_count(1)
    page.get_by_role("button", name="Mark 2 shown as seen").click()
    expect(message(page)).to_have_text("Marked 2 changes as seen.")
    open_list(page)
    expect(tab.locator(".n")).to_have_text("0")


def test_a_search_through_the_changes_keeps_the_caret(visit, ops, close):
    page = visit(ops)
    for row in rows_of(page)[:3]:
        close.change_as_somebody_else(row.id, label=f"In Close {row.phone}")
    sync.sync()
    page.goto("/changes/")
    page.keyboard.press("/")
    field = page.get_by_role("searchbox", name="Search changes")
    expect(field).to_be_focused()
    page.keyboard.type(Row(page, row.number).phone)
    expect(page.locator("#changes-count")).to_contain_text("1 of 3")
    expect(field).to_be_focused()


def test_a_role_is_given_in_the_table_of_people(visit, ops, nobody, close, watch):
    watch.expect("status of 422")
    page = visit(ops)
    page.goto("/people/")
    page.get_by_role("link", name="Give Jonas Weber a role").press("Enter")
    role = page.get_by_label("Role of Jonas Weber")
    expect(role).to_be_focused()
    role.select_option("team_lead")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("tr.editing .text-danger")).to_be_visible()
    expect(page.locator(":focus")).to_have_count(1)
    team = page.locator("tr.editing .team-choices label").first
    name = team.inner_text().strip()
    team.click()
    page.get_by_role("button", name="Save").press("Enter")
    line = page.locator(f"#person-{nobody.pk}")
    expect(line).to_contain_text("Team lead")
    expect(line).to_contain_text(name)
    expect(message(page)).to_contain_text("Jonas Weber: Team lead.")
    expect(page.locator(":focus")).to_have_count(1)
    given = Access.objects.get(user=nobody)
    assert (given.role, [team.name for team in given.teams.all()]) == ("team_lead", [name])
    theirs = visit(nobody)
    theirs.goto("/numbers/")
    expect(theirs.locator("h1")).to_have_text("Phone numbers")


def test_an_account_is_made_and_can_sign_in(visit, ops, close):
    page = visit(ops)
    page.goto("/people/")
    page.get_by_role("link", name="Give somebody access").click()
    page.get_by_label("Name", exact=True).fill("Ana Ruiz")
    page.get_by_label("E-mail address").fill("ana@example.com")
    page.get_by_label("First password").fill("seven green bottles")
    page.get_by_label("All numbers").check()
    page.get_by_role("button", name="Give access").click()
    expect(message(page)).to_contain_text("Ana Ruiz can sign in")
    theirs = visit()
    theirs.goto("/")
    theirs.get_by_label("E-mail or user name").fill("ana@example.com")
    theirs.get_by_label("Password").fill("seven green bottles")
    theirs.keyboard.press("Enter")
    expect(theirs.locator("h1")).to_have_text("Phone numbers")


def test_the_chosen_theme_is_rendered_by_the_server(visit, ops, close):
    page = visit(ops, color_scheme="light")
    page.goto("/settings/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("group", name="Theme").get_by_label("Dark").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    assert 'data-bs-theme="dark"' in page.request.get("/numbers/").text()


def test_without_a_choice_the_theme_is_the_system_s(visit, ops, close):
    page = visit(ops, color_scheme="dark")
    page.goto("/numbers/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
