"""Editors that are left open: what is typed is not lost by leaving, and what is gone is in nobody's way."""

from playwright.sync_api import expect

from .hands import message, open_editor, open_list, rows_of


def test_leaving_with_something_unsaved_is_asked_first(visit, ops, close, watch):
    watch.expect("a dialog")
    page = visit(ops)
    open_list(page)
    row = rows_of(page)[0]
    field = open_editor(page, row)
    field.press_sequentially("Half typed")
    typed = field.input_value()
    with page.expect_event("dialog") as asked:
        page.get_by_role("link", name="Changes", exact=True).click(no_wait_after=True)
    assert asked.value.type == "beforeunload"
    expect(field).to_have_value(typed)
    field.press("Escape")
    expect(row.button("label")).to_be_visible()
    page.get_by_role("link", name="Changes", exact=True).click()
    expect(page.locator("h1")).to_have_text("Changes")


def test_the_editor_of_a_number_that_is_gone_leaves_the_list(visit, ops, close, watch):
    watch.expect("status of 404", "Status Error Code 404")
    page = visit(ops)
    open_list(page)
    row = rows_of(page)[0]
    field = open_editor(page, row)
    close.fault("404", method="PUT")
    field.fill("Too late")
    field.press("Enter")
    expect(row.cell("label")).to_contain_text("This is no longer in Close.")
    field.press("Escape")
    expect(row.row).to_have_count(0)
    expect(message(page)).to_contain_text("There is nothing here. It was released")
