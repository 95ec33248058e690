"""Close is down, or writes are stopped: everything stays readable, an edit is refused, what was typed is kept."""

from playwright.sync_api import expect

from tests.browser.hands import message, open_editor, open_list, rows_of


def test_all_stays_readable_and_an_edit_is_kept_until_close_is_back(visit, ops, close, watch):
    watch.expect("status of 502")
    page = visit(ops)
    open_list(page)
    row = rows_of(page)[0]
    field = open_editor(page, row)
    close.fault("502")
    field.fill("After the storm")
    field.press("Enter")
    expect(row.cell("label")).to_contain_text("Not saved: Close is unreachable. What you typed is kept here.")
    expect(field).to_have_value("After the storm")
    expect(field).to_be_focused()
    expect(page.locator("#freshness")).to_contain_text("Close unreachable")

    other = page.context.new_page()
    open_list(other)
    expect(other.locator(".banner")).to_contain_text("Close has not answered since")
    expect(other.locator("#numbers tbody tr")).to_have_count(40)
    for address in (f"/numbers/{row.id}/", "/changes/", "/people/", "/settings/"):
        other.goto(address)
        expect(other.locator(".banner")).to_contain_text("changes are refused until Close is back")
        expect(other.locator("h1")).to_be_visible()

    close.clear_faults()
    row.cell("label").get_by_role("button", name="Try again").click()
    expect(row.button("label")).to_have_text("After the storm")
    expect(page.locator("#freshness")).to_contain_text("In step with Close")
    assert close.puts(committed=True) == [(row.id, {"label": "After the storm"})]
    other.get_by_role("button", name="Try now").click()
    expect(other.locator("#freshness")).not_to_contain_text("Close unreachable")
    expect(other.locator(".banner")).to_have_count(0)


def test_an_editor_opened_while_close_is_down_says_so(visit, ops, close):
    page = visit(ops)
    open_list(page)
    row = rows_of(page)[0]
    close.fault("503")
    field = open_editor(page, row)
    expect(row.cell("label")).to_contain_text("Close does not answer just now.")
    expect(field).to_be_focused()


def test_our_own_server_out_of_reach_is_said_and_what_is_typed_is_kept(visit, ops, close, watch):
    watch.expect("ERR_INTERNET_DISCONNECTED", "htmx:sendError", "htmx:afterRequest")
    page = visit(ops)
    open_list(page)
    row = rows_of(page)[0]
    field = open_editor(page, row)
    page.context.set_offline(True)
    field.fill("On the train")
    field.press("Enter")
    expect(message(page)).to_contain_text("closephones could not be reached. Nothing was saved")
    expect(field).to_have_value("On the train")
    expect(field).to_be_focused()
    expect(field).to_be_editable()
    page.context.set_offline(False)
    field.press("Enter")
    expect(row.button("label")).to_have_text("On the train")
    assert close.puts() == [(row.id, {"label": "On the train"})]


def test_stopped_writes_stand_on_every_page_and_an_edit_is_refused_with_the_reason(visit, ops, viewer, close, watch):
    watch.expect("status of 503")
    page = visit(ops)
    open_list(page)
    row = rows_of(page)[0]
    field = open_editor(page, row)
    admin = page.context.new_page()
    admin.goto("/settings/")
    admin.get_by_role("button", name="Stop all writes").click()
    expect(message(admin)).to_contain_text("All writes are stopped.")
    field.fill("Too late")
    field.press("Enter")
    expect(row.cell("label")).to_contain_text("Not saved:")
    expect(row.cell("label")).to_contain_text("Marta Klein")
    expect(field).to_have_value("Too late")
    expect(field).to_be_focused()
    elsewhere = visit(viewer)
    for address in ("/numbers/", f"/numbers/{row.id}/", "/changes/", "/settings/"):
        elsewhere.goto(address)
        expect(elsewhere.locator(".banner")).to_contain_text("Writes are stopped.")
    assert close.puts() == []
    admin.get_by_role("button", name="Start writes again").click()
    expect(admin.locator(".banner")).to_have_count(0)
    field.press("Enter")
    expect(row.button("label")).to_have_text("Too late")
