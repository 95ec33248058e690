"""The job without a mouse: find a number, change it, take it back; and what each key does in an editor."""

import pytest
from playwright.sync_api import expect

from dashboard.models import Plan
from tests.browser.hands import message, open_editor, open_list, rows_of


def tab_until(page, selector, presses=60):
    """Press Tab until this has the focus."""
    for _ in range(presses):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached by Tab.")


@pytest.mark.parametrize("way_back", ["u", "Tab"])
def test_a_number_is_found_changed_and_changed_back(visit, ops, close, way_back):
    page = visit(ops)
    open_list(page)
    row = next(row for row in rows_of(page) if row.number.label and row.number.country == "US")
    before = row.number.label

    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    national = row.number.number.removeprefix("+1")
    page.keyboard.type(f"({national[:3]}) {national[3:6]}-{national[6:]}")
    expect(page.locator("#count")).to_have_text("1 of 40")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("j")
    expect(row.row.locator("a").first).to_be_focused()
    page.keyboard.press("e")
    expect(row.field("label")).to_be_focused()
    assert page.evaluate("getSelection().toString()") == before
    page.keyboard.type("Berlin, weekends")
    page.keyboard.press("Enter")

    expect(row.button("label")).to_have_text("Berlin, weekends")
    expect(row.button("label")).to_be_focused()
    expect(message(page)).to_have_text(f"Label of {row.phone} saved to Close.")
    assert close.puts() == [(row.id, {"label": "Berlin, weekends"})]

    if way_back == "u":
        page.keyboard.press("u")
    else:
        tab_until(page, "#message-undo")
        page.keyboard.press("Enter")
    expect(message(page)).to_have_text("Undone, and saved to Close.")
    expect(row.button("label")).to_have_text(before)
    expect(row.button("label")).to_be_focused()
    assert close.puts()[1:] == [(row.id, {"label": before})]
    assert close.organisation.numbers[row.id]["label"] == before


def test_escape_puts_the_value_and_the_focus_back(visit, ops, close):
    page = visit(ops)
    open_list(page)
    row = rows_of(page)[1]
    for name in ("label", "forwarding", "voicemail"):
        button = row.button(name)
        shown = button.inner_text()
        button.focus()
        page.keyboard.press("F2" if name == "label" else "Enter")
        expect(row.field(name)).to_be_focused()
        page.keyboard.type("something else")
        page.keyboard.press("Escape")
        expect(button).to_be_focused()
        expect(button).to_have_text(shown)
    assert close.puts() == []


def test_tab_saves_what_was_changed_and_opens_the_next_cell(visit, ops, close):
    page = visit(ops)
    open_list(page)
    row = next(row for row in rows_of(page) if row.number.forward_to_enabled)
    open_editor(page, row).fill("By Tab")
    page.keyboard.press("Tab")
    expect(row.button("label")).to_have_text("By Tab")
    # Of the forwarding the switch, the target and press 1 are passed; nothing was changed, so nothing is sent.
    form = row.cell("forwarding").locator("form.editor")
    expect(form).to_be_visible()
    expect(row.field("forwarding")).to_be_focused()
    page.keyboard.press("Tab")
    expect(form.locator(f"#number-{row.id}-forwarding-press-1")).to_be_focused()
    page.keyboard.press("Tab")
    expect(row.field("voicemail")).to_be_focused()
    expect(row.button("forwarding")).to_be_visible()
    assert close.puts() == [(row.id, {"label": "By Tab"})]


def test_a_reason_is_given_by_one_key_more_and_outlives_what_comes_between(visit, ops, close, watch):
    watch.expect("status of 422", "status of 409")
    page = visit(ops)
    open_list(page)
    row = rows_of(page)[0]
    open_editor(page, row).fill("x" * 201)
    reason = page.locator(f"#number-{row.id}-label-reason")
    expect(reason).to_be_hidden()
    page.keyboard.press("Shift+Enter")
    expect(reason).to_be_focused()
    page.keyboard.type("Trade fair")
    page.keyboard.press("Enter")
    expect(row.cell("label")).to_contain_text("a label has at most 200 characters")
    expect(row.field("label")).to_be_focused()
    expect(reason).to_have_value("Trade fair")
    close.change_as_somebody_else(row.id, label="Theirs")
    row.field("label").fill("Mine")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Use mine").click()
    expect(row.button("label")).to_have_text("Mine")
    assert Plan.objects.first().reason == "Trade fair"

    # A click opens it as well; Tab goes from the value to an open reason, and passes a closed one.
    open_editor(page, row)
    row.cell("label").locator("summary").click()
    expect(reason).to_be_focused()
    row.field("label").fill("By Tab")
    page.keyboard.press("Tab")
    expect(reason).to_be_focused()
    page.keyboard.press("Tab")
    expect(row.button("label")).to_have_text("By Tab")
    expect(row.field("forwarding")).to_be_focused()
    assert [fields for _, fields in close.puts()] == [{"label": "Mine"}, {"label": "By Tab"}]


def test_what_is_typed_and_not_saved_outlives_a_search(visit, ops, close):
    page = visit(ops)
    open_list(page)
    row, other = rows_of(page)[:2]
    open_editor(page, row).fill("Half a thought")
    page.locator("h1").click()
    page.locator("#q").fill(row.number.number)
    expect(page.locator("#count")).to_have_text("1 of 40")
    expect(row.field("label")).to_have_value("Half a thought")
    page.locator("#q").fill(other.number.number)
    expect(message(page)).to_contain_text(f"What you typed for {row.phone} is not saved yet.")
    expect(page.locator("#q")).to_be_focused()
    assert close.puts() == []
    row.field("label").press("Enter")
    expect(row.button("label")).to_have_text("Half a thought")
    assert close.puts() == [(row.id, {"label": "Half a thought"})]
    page.locator("#q").press("Enter")
    expect(other.row).to_be_visible()
    expect(row.row).to_have_count(0)


@pytest.mark.parametrize("how", ["twice", "held"])
def test_enter_pressed_twice_or_held_sends_one_change(visit, ops, close, how):
    page = visit(ops)
    open_list(page)
    row = rows_of(page)[0]
    field = open_editor(page, row)
    close.hold("PUT")
    field.fill("Only once")
    if how == "twice":
        field.press("Enter")
        field.press("Enter")
    else:
        for _ in range(20):
            page.keyboard.down("Enter")
        page.keyboard.up("Enter")
    close.wait_until_held()
    field.press("Enter")
    close.release()
    expect(row.button("label")).to_have_text("Only once")
    expect(row.button("label")).to_be_focused()
    expect(message(page)).to_contain_text("saved to Close")
    assert close.puts() == [(row.id, {"label": "Only once"})]


def test_a_save_says_at_once_that_it_is_under_way_and_after_a_second_why_it_takes_so_long(visit, ops, close):
    page = visit(ops)
    page.clock.install()
    open_list(page)
    row = rows_of(page)[0]
    field = open_editor(page, row)
    close.hold("PUT")
    field.fill("Patience")
    field.press("Enter")
    cell = row.cell("label")
    expect(cell.get_by_text("Saving", exact=True)).to_be_visible()
    expect(cell.locator("form")).to_have_attribute("aria-busy", "true")
    expect(field).to_be_focused()
    expect(field).not_to_be_editable()
    expect(cell.get_by_text("Still waiting for Close")).to_be_hidden()
    close.wait_until_held()
    page.clock.fast_forward(1_000)
    expect(cell.get_by_text("Still waiting for Close")).to_be_visible()
    close.release()
    expect(row.button("label")).to_have_text("Patience")
    expect(cell.get_by_text("Still waiting for Close")).to_have_count(0)


def test_a_switch_is_one_key_and_says_that_it_is_saving(visit, ops, close):
    page = visit(ops)
    open_list(page)
    row = next(row for row in rows_of(page) if row.number.forward_to_enabled)
    close.hold("PUT")
    row.switch.focus()
    page.keyboard.press("Space")
    close.wait_until_held()
    expect(row.cell("forwarding").get_by_text("Saving")).to_be_visible()
    page.keyboard.press("Space")
    close.release()
    expect(row.switch).to_have_attribute("aria-checked", "false")
    expect(row.switch).to_be_focused()
    expect(message(page)).to_contain_text("saved to Close")
    assert close.puts() == [(row.id, {"forward_to_enabled": False})]
    page.keyboard.press("u")
    expect(row.switch).to_have_attribute("aria-checked", "true")
    assert close.puts()[1:] == [(row.id, {"forward_to_enabled": True})]


def test_switching_on_without_a_target_asks_for_the_target(visit, ops, close, watch):
    watch.expect("422")
    page = visit(ops)
    open_list(page)
    row = next(row for row in rows_of(page) if not row.number.forward_to and row.number.country == "US")
    row.switch.focus()
    page.keyboard.press("Space")
    expect(row.field("forwarding")).to_be_focused()
    expect(row.cell("forwarding")).to_contain_text("Type the number that calls shall go to")
    assert close.puts() == []
    page.keyboard.type("628 555 0199")
    page.keyboard.press("Enter")
    expect(row.switch).to_have_attribute("aria-checked", "true")
    expect(row.button("forwarding")).to_have_text("+1 628 555 0199")
    assert close.puts() == [(row.id, {"forward_to": "+16285550199", "forward_to_enabled": True})]


def test_the_list_of_keys_opens_by_a_key_and_gives_the_focus_back(visit, ops):
    page = visit(ops)
    open_list(page)
    row = rows_of(page)[0]
    page.keyboard.press("j")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    page.keyboard.press("e")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(row.row.locator("a").first).to_be_focused()
    expect(page.locator("form.editor")).to_have_count(0)


def test_single_letters_can_be_switched_off(visit, ops):
    page = visit(ops)
    page.goto("/settings/")
    page.get_by_role("group", name="Single-letter keys").get_by_label("Off").check()
    page.get_by_role("button", name="Save").click()
    expect(message(page)).to_have_text("Settings saved.")
    open_list(page)
    for key in ("j", "e", "/", "?"):
        page.keyboard.press(key)
    expect(page.locator("form.editor")).to_have_count(0)
    expect(page.locator("#keys")).to_be_hidden()
    assert page.evaluate("document.activeElement === document.body")


def test_ctrl_k_jumps_from_anywhere_to_a_number(visit, ops, axe):
    page = visit(ops)
    page.goto("/changes/")
    row = rows_of(page)[3]
    page.keyboard.press("Control+k")
    field = page.get_by_role("dialog", name="Jump to").get_by_role("searchbox")
    expect(field).to_be_focused()
    page.keyboard.type(row.number.number[-7:])
    expect(page.locator("#jump-found a").first).to_contain_text(row.phone)
    assert axe(page, "#jump-dialog") == []
    page.keyboard.press("Escape")
    expect(field).to_have_count(0)
    page.locator("#jump").click()
    field.fill(row.phone)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(row.phone)
