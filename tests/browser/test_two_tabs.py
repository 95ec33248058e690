"""Two people, or one person twice, at the same number: nobody's change is overwritten without being asked."""

from playwright.sync_api import expect

from tests.browser.hands import Row, message, open_editor, open_list, rows_of
from tests.conftest import make_user


def two_tabs(visit, ops):
    first = visit(ops)
    second = first.context.new_page()
    for page in (first, second):
        open_list(page)
    row = rows_of(first)[0]
    return row, Row(second, row.number)


def test_the_second_tab_is_told_and_overwrites_nothing_until_it_says_so(visit, ops, close, watch):
    watch.expect("status of 409")
    first, second = two_tabs(visit, ops)
    before = first.number.label or "no label"
    open_editor(first.page, first)
    open_editor(second.page, second)
    first.field("label").fill("From the first tab")
    first.field("label").press("Enter")
    expect(first.button("label")).to_have_text("From the first tab")
    second.field("label").fill("From the second tab")
    second.field("label").press("Enter")
    cell = second.cell("label")
    expect(cell).to_contain_text("Nothing has been sent.")
    expect(cell.locator("dd")).to_have_text([before, "From the second tab", "From the first tab"])
    expect(cell.get_by_role("group")).to_be_focused()
    assert close.puts() == [(first.id, {"label": "From the first tab"})]
    cell.get_by_role("button", name="Use mine").click()
    expect(second.button("label")).to_have_text("From the second tab")
    expect(second.button("label")).to_be_focused()
    assert close.puts()[1:] == [(first.id, {"label": "From the second tab"})]


def test_what_close_holds_can_be_kept(visit, ops, close, watch):
    watch.expect("status of 409")
    page = visit(ops)
    open_list(page)
    row = next(row for row in rows_of(page) if row.number.forward_to and row.number.country == "US")
    field = open_editor(page, row, "forwarding")
    close.change_as_somebody_else(row.id, forward_to="+16285550188", press_1_to_accept=True)
    field.fill("+1 628 555 0177")
    field.press("Enter")
    cell = row.cell("forwarding")
    expect(cell.locator("dd").last).to_contain_text("+1 628 555 0188")
    cell.get_by_role("link", name="Keep Close’s").press("Enter")
    expect(row.button("forwarding")).to_have_text("+1 628 555 0188")
    expect(row.button("forwarding")).to_be_focused()
    assert close.puts() == []


def test_escape_in_a_conflict_keeps_what_close_holds(visit, ops, close, watch):
    watch.expect("status of 409")
    page = visit(ops)
    open_list(page)
    row = rows_of(page)[0]
    field = open_editor(page, row)
    close.change_as_somebody_else(row.id, label="Theirs")
    field.fill("Mine")
    field.press("Enter")
    expect(row.cell("label").get_by_role("group")).to_be_focused()
    page.keyboard.press("Escape")
    expect(row.button("label")).to_have_text("Theirs")
    expect(row.button("label")).to_be_focused()
    assert close.puts() == []


def test_a_key_pressed_the_moment_an_answer_is_there_is_heard(visit, ops, close, watch):
    watch.expect("status of 409")
    page = visit(ops)
    page.add_init_script("""
      addEventListener("htmx:afterSwap", (event) => {
        const group = document.querySelector("td [role=group][tabindex]");
        if (group && !window.pressed) {
          window.pressed = true;
          Promise.resolve().then(() => {
            group.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true }));
          });
        }
      });
    """)
    open_list(page)
    row = rows_of(page)[0]
    field = open_editor(page, row)
    close.change_as_somebody_else(row.id, label="Theirs")
    field.fill("Mine")
    field.press("Enter")
    expect(row.button("label")).to_have_text("Theirs")
    expect(page.locator("h1")).to_have_text("Phone numbers")


def test_an_open_editor_shows_what_close_holds_by_now_and_keeps_what_is_typed(visit, ops, close, watch):
    watch.expect("status of 409")
    page = visit(ops)
    open_list(page)
    row = rows_of(page)[0]
    close.change_as_somebody_else(row.id, label="Renamed in Close")
    close.hold("GET", "/phone_number/")
    row.button("label").click()
    row.field("label").fill("Typed meanwhile")
    close.wait_until_held()
    close.release()
    expect(row.cell("label")).to_contain_text("Now in Close: Renamed in Close")
    expect(row.field("label")).to_have_value("Typed meanwhile")
    expect(row.field("label")).to_be_focused()
    row.field("label").press("Enter")
    expect(row.cell("label").locator("dd").last).to_have_text("Renamed in Close")
    assert close.puts() == []


def test_whoever_comes_second_is_told_who_is_saving(visit, ops, close, watch):
    watch.expect("status of 409")
    colleague = make_user("Priya Nair", role="ops_admin")
    page, other = visit(ops), visit(colleague)
    for one in (page, other):
        open_list(one)
    mine = rows_of(page)[0]
    theirs = Row(other, mine.number)
    open_editor(page, mine).fill("Mine")
    open_editor(other, theirs).fill("Hers")
    close.hold("PUT")
    theirs.field("label").press("Enter")
    close.wait_until_held()
    mine.field("label").press("Enter")
    expect(mine.cell("label")).to_contain_text("Priya Nair is saving this number.")
    expect(mine.field("label")).to_have_value("Mine")
    expect(mine.field("label")).to_be_focused()
    close.release()
    expect(theirs.button("label")).to_have_text("Hers")
    expect(message(other)).to_contain_text("saved to Close")
    assert close.puts() == [(mine.id, {"label": "Hers"})]
