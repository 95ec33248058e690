"""The list in a browser: search, filters, columns, saved views, Back and Reload, messages, greetings."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from dashboard.models import Connection, PhoneNumber, SyncRun
from dashboard.services import sync
from tests.browser.hands import message, open_editor, open_list, rows_of, wait_until


def shown(page):
    """The numbers in the table, as they are written there."""
    return page.locator("#numbers tbody td.c-num a").all_inner_texts()


def test_a_slow_answer_does_not_replace_a_newer_one(visit, ops, close, watch):
    watch.expect("htmx:sendAbort", "htmx:afterRequest")
    page = visit(ops)
    open_list(page)
    slow, fast = rows_of(page)[0], rows_of(page)[20]
    late = []
    page.route(f"**/numbers/?q={slow.number.number.lstrip('+')}*", lambda route: late.append(route))
    page.locator("#q").fill(slow.number.number.lstrip("+"))
    expect(page.locator("#filters")).to_have_class(re.compile("htmx-request"))
    with page.expect_event("requestfailed"):
        page.locator("#q").fill(fast.number.number)
    expect(page.locator("#count")).to_have_text("1 of 40")
    assert shown(page) == [fast.phone]
    assert len(late) == 1
    expect(page.locator("#q")).to_be_focused()
    expect(page.locator("#q")).to_have_value(fast.number.number)
    assert page.url.endswith(f"?q=%2B{fast.number.number[1:]}")


def test_filters_become_chips_and_the_address_holds_them(visit, ops, close):
    page = visit(ops)
    open_list(page)
    chip = page.locator("#chip-forwarding")
    chip.press("Enter")
    page.locator(".dropdown-menu.show").get_by_label("Off", exact=True).check()
    page.keyboard.press("Escape")
    expect(chip).to_contain_text("Off")
    expect(chip).to_be_focused()
    off = PhoneNumber.objects.filter(forward_to_enabled=False)
    expect(page.locator("#count")).to_have_text(f"{off.count()} of 40")
    page.locator("#chip-country").click()
    page.locator(".dropdown-menu.show").get_by_label("Germany").check()
    page.locator(".dropdown-menu.show").get_by_role("button", name="Show").click()
    expect(page.locator("#chip-country")).to_contain_text("Germany")
    expect(page.locator("#chip-country")).to_be_focused()
    wanted = off.filter(country="DE")
    expect(page.locator("#numbers tbody tr")).to_have_count(wanted.count())
    address = page.url
    page.reload()
    expect(page.locator("#chip-country")).to_contain_text("Germany")
    expect(page.locator("#numbers tbody tr")).to_have_count(wanted.count())
    assert page.url == address

    page.locator("#numbers tbody td.c-num a").first.click()
    expect(page.locator("#number-head")).to_be_visible()
    page.go_back()
    expect(page.locator("#chip-country")).to_contain_text("Germany")
    expect(page.locator("#numbers tbody tr")).to_have_count(wanted.count())

    page.locator("#chip-country-x").press("Enter")
    expect(page.locator("#chip-country")).not_to_contain_text("Germany")
    expect(page.locator("#chip-country")).to_be_focused()
    page.get_by_role("link", name="Clear").click()
    expect(page.locator("#count")).to_have_text("40")
    expect(page.locator("#q")).to_be_focused()
    assert page.url.endswith("/numbers/")


def test_the_table_is_sorted_and_paged_in_place(visit, ops, close):
    page = visit(ops)
    open_list(page, "/numbers/?per_page=25")
    page.locator("#sort-label").press("Enter")
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Label")
    expect(page.locator("#sort-label")).to_be_focused()
    page.locator("#sort-label").press("Enter")
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Label")
    page.locator("#next").press("Enter")
    expect(page.locator(".foot")).to_contain_text("26–40 of 40")
    expect(page.locator("#numbers tbody tr")).to_have_count(15)
    assert "page=2" in page.url


def test_what_a_walk_found_changed_is_shown_and_marked_and_disturbs_nobody(visit, ops, close):
    earlier = timezone.now() - timedelta(minutes=1)
    SyncRun.objects.update(ended_at=earlier)
    Connection.objects.update(synced_at=earlier)
    page = visit(ops)
    page.clock.install()
    open_list(page)
    theirs, mine, *_ = rows_of(page)
    open_editor(page, mine).fill("Not saved yet")
    close.change_as_somebody_else(theirs.id, label="Theirs")
    sync.sync()
    page.clock.fast_forward(60_000)
    expect(theirs.cell("label")).to_have_text("TheirsChanged in Close")
    expect(page.locator("#numbers .tag.warn")).to_have_count(1)
    expect(mine.field("label")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.type(" at all")
    expect(mine.field("label")).to_have_value("Not saved yet at all")


# Of each editor of the list: what it refuses, what is typed, and what somebody else has made of it meanwhile.
TYPED = {
    "label": ("long " * 50, "Mine", {"label": "Theirs, and a long one"}),
    "forwarding": ("12", "+1 628 555 0177", {"forward_to": "+16285550188"}),
    "voicemail": (
        "http://greetings.example.com/a.mp3",
        "https://greetings.example.com/mine.mp3",
        {"voicemail_greeting_url": "https://greetings.example.com/theirs.mp3"},
    ),
}


def test_no_column_moves_for_an_editor_an_error_or_a_conflict(visit, ops, close, watch):
    watch.expect("status of 409", "status of 422")
    page = visit(ops, width=1100)
    row = rows_of(page, country="US")[0]
    close.change_as_somebody_else(row.id, label="The longest label in the list")
    sync.sync()

    def columns():
        return page.evaluate("[...document.querySelectorAll('#numbers th')].map((head) => head.offsetLeft)")

    open_list(page)
    before = columns()
    for name, (refused, mine, theirs) in TYPED.items():
        field = open_editor(page, row, name)
        close.change_as_somebody_else(row.id, **theirs)
        field.fill(refused)
        field.press("Enter")
        expect(field).to_have_attribute("aria-invalid", "true")
        assert columns() == before, name
        field.fill(mine)
        field.press("Enter")
        expect(row.cell(name)).to_contain_text("Nothing has been sent.")
        assert columns() == before, name


def test_the_table_fits_into_every_window_that_is_wide_enough_for_one(visit, ops, close):
    page = visit(ops)
    open_list(page)
    beyond = "(() => { const table = document.querySelector('#numbers table'); "
    beyond += "return table.scrollWidth - table.parentElement.clientWidth; })()"
    for width in (800, 896, 900, 960, 992, 1100, 1160, 1200, 1280, 1360, 1600):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(beyond) <= 0, width
        greeting, target = (page.locator(f"#numbers td.{name}").first for name in ("c-greet", "c-fwd"))
        greeting.locator(".cell-edit").click()
        editor = greeting.locator(".editor")
        expect(editor).to_be_visible()
        over, under = editor.bounding_box(), target.locator("bdi").bounding_box()
        assert over["y"] >= under["y"] + under["height"] or over["x"] >= under["x"] + under["width"], width
        page.keyboard.press("Escape")
        expect(editor).to_have_count(0)


def test_columns_are_chosen_and_stay_chosen(visit, ops, close):
    page = visit(ops)
    open_list(page)
    page.locator("#columns").click()
    menu = page.locator(".dropdown-menu.show")
    menu.get_by_label("Team").uncheck()
    menu.get_by_role("button", name="Show these").click()
    expect(page.locator("thead")).not_to_contain_text("Team")
    expect(page.locator("#columns")).to_be_focused()
    open_list(page)
    expect(page.locator("thead")).not_to_contain_text("Team")
    expect(page.locator("thead")).to_contain_text("Members")


def test_a_view_is_saved_changed_and_found_again(visit, ops, close):
    page = visit(ops)
    open_list(page, "/numbers/?country=DE")
    page.locator("#save-view").click()
    page.get_by_label("Name of the view").fill("Germany")
    page.keyboard.press("Enter")
    tab = page.locator("#views a[aria-current=true]")
    expect(tab).to_contain_text("Germany")
    expect(page.locator("body")).not_to_be_focused()
    expect(tab.locator(".n")).to_have_text(str(PhoneNumber.objects.filter(country="DE").count()))
    page.locator("#q").fill("Berlin")
    expect(page.locator("#reset-view")).to_be_visible()
    page.locator("#reset-view").click()
    expect(page.locator("#reset-view")).to_have_count(0)
    expect(page.locator("#chip-country")).to_contain_text("Germany")
    page.get_by_role("link", name="Your saved views").click()
    page.get_by_role("button", name="Delete the view Germany").click()
    expect(message(page)).to_have_text("The view “Germany” is gone.")


def test_a_message_goes_after_ten_seconds_unless_it_is_looked_at(visit, ops, close):
    page = visit(ops)
    page.clock.install()
    open_list(page)
    row = rows_of(page)[0]
    open_editor(page, row).fill("Ten seconds")
    page.keyboard.press("Enter")
    expect(message(page)).to_be_visible()
    page.locator("#message").hover()
    page.clock.fast_forward(60_000)
    expect(message(page)).to_be_visible()
    page.locator("#message-undo").focus()
    page.mouse.move(10, 10)
    page.clock.fast_forward(60_000)
    expect(message(page)).to_be_visible()
    row.button("label").focus()
    page.clock.fast_forward(9_000)
    expect(message(page)).to_be_visible()
    page.clock.fast_forward(2_000)
    expect(message(page)).to_have_count(0)
    expect(row.button("label")).to_be_focused()
    # What was saved last can be taken back by a key all the same.
    page.keyboard.press("u")
    expect(message(page)).to_have_text("Undone, and saved to Close.")


# The audio element lives in the script; a test sees it by what it does.
HEAR = """
window.heard = [];
const play = HTMLMediaElement.prototype.play, pause = HTMLMediaElement.prototype.pause;
HTMLMediaElement.prototype.play = function () {
  window.audios ??= new Set();
  window.audios.add(this);
  this.addEventListener("playing", () => window.heard.push(this.currentSrc), { once: true });
  return play.call(this);
};
"""


def test_greetings_are_played_in_place_and_one_at_a_time(visit, ops, close):
    page = visit(ops)
    page.add_init_script(HEAR)
    open_list(page)
    row, other = rows_of(page, voicemail_greeting_url__startswith=close.origin)[:2]
    row.row.get_by_role("link", name="Play greeting").click()
    wait_until(page, "window.heard.length === 1")
    assert page.evaluate("window.heard[0]") == row.number.voicemail_greeting_url
    expect(row.row.locator(".length")).to_have_text(re.compile(r"^0:[0-5]\d$"))
    other.row.get_by_role("link", name="Play greeting").press("Enter")
    wait_until(page, "window.heard.length === 2")
    assert page.evaluate("[...window.audios].filter(audio => !audio.paused).map(audio => audio.currentSrc)") == [
        other.number.voicemail_greeting_url
    ]
    assert page.evaluate("[...window.audios].length") == 1
    other.row.get_by_role("link", name="Play greeting").press("Enter")
    wait_until(page, "[...window.audios].every(audio => audio.paused)")
    assert page.url.endswith("/numbers/")


def test_a_greeting_that_is_gone_is_said(visit, ops, close):
    page = visit(ops)
    row = rows_of(page)[0]
    close.change_as_somebody_else(row.id, voicemail_greeting_url=f"{close.origin}/greetings/gone.mp3")
    PhoneNumber.objects.filter(pk=row.number.pk).update(voicemail_greeting_url=f"{close.origin}/greetings/gone.mp3")
    open_list(page)
    row.row.get_by_role("link", name="Play greeting").click()
    expect(message(page)).to_contain_text("This greeting could not be played.")


@pytest.mark.parametrize("width", [1440, 400])
def test_a_number_that_may_not_be_changed_says_why_by_keyboard(visit, viewer, close, width):
    page = visit(viewer, width=width)
    open_list(page)
    row = rows_of(page)[0]
    locked = page.locator(f"#number-{row.id}-label-why")
    locked.focus()
    tip = page.get_by_role("tooltip")
    expect(tip).to_have_text("You may look at this number, not change it. Ask an ops admin if you need to.")
    page.keyboard.press("Escape")
    expect(tip).to_have_count(0)
    expect(locked).to_be_focused()


def test_on_a_narrow_screen_nothing_unseen_is_reached_and_more_shows_the_rest(visit, ops, close):
    page = visit(ops, width=400)
    open_list(page)
    sort, person = page.locator("#sort-label"), page.locator("#chip-member")
    expect(person).to_be_hidden()
    assert not sort.evaluate("link => { link.focus(); return document.activeElement === link }")
    page.get_by_text("More", exact=True).click()
    expect(person).to_be_visible()
    expect(page.locator("#export-xlsx")).to_be_visible()
    expect(page.locator("#numbers thead .sort:visible")).to_have_count(8)
    sort.click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Label")
    expect(sort).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") == 400
