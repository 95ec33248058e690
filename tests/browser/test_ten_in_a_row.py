"""Ten numbers edited in a row without a mouse, over a slow line, with all that can come between."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SIZES
from tests.browser.hands import message, open_list, rows_of


@pytest.mark.parametrize("size", SIZES)
def test_ten_numbers_are_edited_without_a_mouse(visit, ops, close, watch, size):
    width, height = SIZES[size]
    watch.expect("status of 422", "status of 409", "status of 50[23]")
    page = visit(ops, width=width, height=height)
    open_list(page)
    close.latency(150)
    wanted = []
    for place, row in enumerate(rows_of(page)[:10]):
        page.keyboard.press("j")
        expect(row.row.locator("a").first).to_be_focused()
        if place == 2:
            wanted.append((row.id, {"forward_to": "+16285550171"}))
            edit_after_a_number_that_cannot_be(page, row)
        elif place == 5:
            wanted.append((row.id, {"label": "Mine"}))
            edit_what_was_changed_meanwhile(page, row, close)
        elif place == 7:
            wanted.append((row.id, {"label": "Kept through it"}))
            edit_while_close_is_away(page, row, close)
        else:
            wanted.append((row.id, {"label": f"Line {place}"}))
            edit_label(page, row, f"Line {place}")
        expect(message(page)).to_contain_text(f"of {row.phone} saved to Close.")
        assert close.puts() == wanted
    labels = [row.button("label").inner_text() for row in rows_of(page)[:10]]
    assert labels == [row.number.label or "Add label" for row in rows_of(page)[:10]]


def type_into(page, row, name, text):
    """Type over what the field holds, as somebody does who has just opened it."""
    expect(row.field(name)).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(text)
    expect(row.field(name)).to_have_value(text)


def edit_label(page, row, text):
    page.keyboard.press("e")
    type_into(page, row, "label", text)
    page.keyboard.press("Enter")
    expect(row.button("label")).to_have_text(text)
    expect(row.button("label")).to_be_focused()


def edit_after_a_number_that_cannot_be(page, row):
    page.keyboard.press("f")
    type_into(page, row, "forwarding", "628 55")
    page.keyboard.press("Enter")
    field = row.field("forwarding")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(field).to_have_value("628 55")
    expect(field).to_have_accessible_description(row.cell("forwarding").locator(".text-danger").inner_text().strip())
    page.keyboard.press("End")
    page.keyboard.type("5 0171")
    expect(field).to_have_value("628 555 0171")
    page.keyboard.press("Enter")
    expect(row.button("forwarding")).to_have_text("+1 628 555 0171")
    expect(row.button("forwarding")).to_be_focused()


def edit_what_was_changed_meanwhile(page, row, close):
    with page.expect_response(f"**/numbers/{row.id}/refresh/**"):
        page.keyboard.press("e")
    close.change_as_somebody_else(row.id, label="Theirs")
    type_into(page, row, "label", "Mine")
    page.keyboard.press("Enter")
    cell = row.cell("label")
    expect(cell.get_by_role("group")).to_be_focused()
    expect(cell.locator("dd")).to_have_text([row.number.label or "no label", "Mine", "Theirs"])
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(cell.get_by_role("button", name="Use mine")).to_be_focused()
    page.keyboard.press("Enter")
    expect(row.button("label")).to_have_text("Mine")
    expect(row.button("label")).to_be_focused()


def edit_while_close_is_away(page, row, close):
    page.keyboard.press("e")
    type_into(page, row, "label", "Kept through it")
    close.fault("503", method="GET", path="/phone_number/")
    page.keyboard.press("Enter")
    cell = row.cell("label")
    expect(cell).to_contain_text("Not saved: Close is unreachable. What you typed is kept here.")
    expect(row.field("label")).to_be_focused()
    expect(row.field("label")).to_have_value("Kept through it")
    expect(cell.get_by_role("button", name="Try again")).to_be_visible()
    close.clear_faults()
    page.keyboard.press("Enter")
    expect(row.button("label")).to_have_text("Kept through it")
    expect(row.button("label")).to_be_focused()
