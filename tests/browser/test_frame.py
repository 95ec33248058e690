"""Small windows and foreign frames."""

import pytest
from playwright.sync_api import expect

from dashboard.services import sync
from tests.browser.hands import message, open_editor, open_list, rows_of

# What sticks out of a page that scrolls sideways.
STICKING_OUT = """
(() => {
  const { clientWidth, scrollWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const all = [...document.querySelectorAll("body *")];
  const out = all.filter((one) => one.getBoundingClientRect().right > clientWidth);
  return out.map((one) => one.outerHTML.slice(0, 100));
})()
"""


@pytest.mark.parametrize("width", [360, 900])
def test_no_page_scrolls_sideways(visit, ops, nobody, close, watch, width):
    watch.expect("status of 404", "status of 409", "status of 422")
    page = visit(ops, width=width)
    row, other = rows_of(page)[:2]
    close.change_as_somebody_else(row.id, label="Unbroken" * 20, forward_to="+4915100000000")
    sync.sync()
    open_list(page)
    open_editor(page, row, "forwarding").fill("12")
    page.keyboard.press("Enter")
    expect(row.field("forwarding")).to_have_attribute("aria-invalid", "true")
    open_editor(page, other).fill("Mine " * 30)
    close.change_as_somebody_else(other.id, label="Unbreakable" * 20)
    page.keyboard.press("Enter")
    expect(other.cell("label")).to_contain_text("Nothing has been sent.")
    assert page.evaluate(STICKING_OUT) == []
    other.cell("label").get_by_role("button", name="Use mine").click()
    expect(message(page)).to_be_visible()
    assert page.evaluate(STICKING_OUT) == []
    row.field("forwarding").press("Escape")
    expect(row.button("forwarding")).to_be_visible()
    for address in (
        "/numbers/?country=US&greeting=set&sort=label&nonsense=1",
        "/numbers/?q=nothing",
        f"/numbers/{row.id}/",
        f"/numbers/{other.id}/",
        f"/numbers/{row.id}/edit/forwarding/",
        "/changes/",
        "/people/",
        f"/people/{nobody.pk}/edit/",
        "/people/new/",
        "/settings/",
        "/views/",
        "/numbers/phon_nothing/",
    ):
        page.goto(address)
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate(STICKING_OUT) == [], address
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    assert page.evaluate(STICKING_OUT) == []


def test_the_job_is_done_in_the_width_of_a_portal(visit, ops, close):
    page = visit(ops, width=900, height=700)
    open_list(page)
    row = rows_of(page)[0]
    open_editor(page, row).fill("In a portal")
    page.keyboard.press("Enter")
    expect(row.button("label")).to_have_text("In a portal")
    page.locator("#message-undo").click()
    expect(message(page)).to_have_text("Undone, and saved to Close.")
    for name in ("chip-team", "columns", "user-menu"):
        page.locator(f"#{name}").click()
        menu = page.locator(".dropdown-menu.show")
        expect(menu).to_be_visible()
        box = menu.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 900
        page.keyboard.press("Escape")
        expect(menu).to_have_count(0)


def test_a_page_of_somebody_else_may_not_frame_ours(visit, ops, close, quiet_server):
    page = visit(ops, width=900)
    portal = f"<iframe src='{quiet_server.url}/numbers/'></iframe>"
    page.route("**/portal/", lambda route: route.fulfill(body=portal, content_type="text/html"))
    page.goto(f"{quiet_server.url.replace('localhost', '127.0.0.1')}/portal/")
    [frame] = page.main_frame.child_frames
    assert frame.url == "chrome-error://chromewebdata/"
    expect(page.frame_locator("iframe").get_by_text("Phone numbers")).to_have_count(0)


def test_the_text_may_be_twice_as_large(visit, ops, close):
    """WCAG 1.4.10: 1280 px at 400 % are 320 px, and nothing is cut off."""
    page = visit(ops, width=320, height=256)
    open_list(page)
    assert page.evaluate(STICKING_OUT) == []
    row = rows_of(page)[0]
    open_editor(page, row).fill("Small")
    page.keyboard.press("Enter")
    expect(row.button("label")).to_have_text("Small")
    expect(row.button("label")).to_be_in_viewport()
