"""What axe finds on every page and in every state of an editor, in both themes, wide and narrow: nothing."""

import pytest
from playwright.sync_api import expect

from dashboard.models import Change, Member, PhoneNumber, SavedView
from dashboard.services import running, sync
from dashboard.simulator import Organisation
from tests.browser.conftest import SIZES
from tests.browser.hands import open_editor, open_list, rows_of

OF_COLOURS = ["color-contrast", "link-in-text-block"]


@pytest.fixture
def organisation():
    """A handful of numbers is enough to judge a page by."""
    return Organisation.make(numbers=8, members=6, groups=2, seed=3)


@pytest.fixture
def judged(axe):
    """Judge what a page shows now, in both themes, at both widths; the other theme differs by its colours only."""

    def judge(page, scope=None):
        for width, height in SIZES.values():
            page.set_viewport_size({"width": width, "height": height})
            for theme, rules in (("light", None), ("dark", OF_COLOURS)):
                page.emulate_media(color_scheme=theme)
                expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
                assert axe(page, scope, rules) == [], f"{page.url} in {theme}, {width} px"
        page.set_viewport_size({"width": SIZES["wide"][0], "height": SIZES["wide"][1]})

    return judge


def test_the_list_and_its_menus(visit, ops, close, judged):
    page = visit(ops)
    open_list(page, "/numbers/?country=US&page=7&nonsense=1")
    judged(page)
    page.locator("#chip-team").click()
    expect(page.locator(".dropdown-menu.show input").first).to_be_visible()
    page.evaluate("document.getElementById('more').open = true")
    judged(page, ".filters")
    page.keyboard.press("Escape")
    page.locator("#columns").click()
    judged(page, ".filters")
    page.goto("/numbers/?q=nothing-like-this")
    judged(page, "#content")


def test_an_open_editor_an_error_and_a_conflict(visit, ops, close, judged, watch):
    watch.expect("status of 422", "status of 409")
    page = visit(ops)
    open_list(page)
    row, other = rows_of(page)[:2]
    open_editor(page, row, "forwarding").fill("12")
    page.keyboard.press("Shift+Enter")
    judged(page, "#numbers")
    page.keyboard.press("Enter")
    expect(row.field("forwarding")).to_have_attribute("aria-invalid", "true")
    open_editor(page, other).fill("Mine")
    close.change_as_somebody_else(other.id, label="Theirs")
    page.keyboard.press("Enter")
    expect(other.cell("label").get_by_role("group")).to_be_focused()
    judged(page)


def test_a_message_the_keys_and_the_menu_of_the_person(visit, ops, close, judged):
    page = visit(ops)
    open_list(page)
    row = rows_of(page)[0]
    row.switch.focus()
    open_editor(page, row).fill("Saved")
    page.keyboard.press("Enter")
    expect(page.locator("#message")).to_be_visible()
    page.locator("#user-menu").click()
    judged(page, "body > :not(main)")
    page.keyboard.press("Escape")
    row.button("label").focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    judged(page, "#keys")


def test_somebody_signed_out_in_the_middle(visit, ops, close, judged, watch):
    watch.expect("status of 401")
    page = visit(ops)
    open_list(page)
    field = open_editor(page, rows_of(page)[0], "voicemail")
    page.context.clear_cookies(name="sid")
    field.fill("https://greetings.example.com/a.mp3")
    field.press("Enter")
    expect(page.get_by_role("dialog", name="You have been signed out")).to_be_visible()
    judged(page, "#signed-out")


def test_the_page_of_one_number(visit, ops, close, judged):
    page = visit(ops)
    row = rows_of(page)[0]
    close.change_as_somebody_else(row.id, label="Renamed", forward_to_enabled=False)
    with page.expect_response("**/refresh/"):
        page.goto(f"/numbers/{row.id}/")
    expect(page.locator("#number-history")).to_contain_text("Renamed")
    page.locator("#raw").click()
    judged(page)
    open_editor(page, row, "ringing")
    judged(page, ".set-list")


def test_the_changes(visit, ops, close, judged, watch):
    watch.expect("status of 409", "status of 422")
    page = visit(ops)
    open_list(page)
    rows = rows_of(page)[:4]
    open_editor(page, rows[0]).fill("Done")
    page.keyboard.press("Enter")
    expect(rows[0].button("label")).to_have_text("Done")
    close.fault("400", method="PUT", times=1)
    open_editor(page, rows[1]).fill("Refused")
    page.keyboard.press("Enter")
    expect(rows[1].cell("label")).to_contain_text("Close refused this")
    open_editor(page, rows[2]).fill("Mine")
    close.change_as_somebody_else(rows[2].id, label="Theirs")
    page.keyboard.press("Enter")
    expect(rows[2].cell("label")).to_contain_text("Nothing has been sent")
    close.change_as_somebody_else(rows[3].id, label="In Close", forward_to_enabled=False)
    sync.sync()
    rows[1].field("label").press("Escape")
    expect(rows[1].button("label")).to_be_visible()
    page.goto("/changes/")
    page.get_by_text("Compare").click()
    judged(page)
    page.goto("/changes/?outcome=nonsense&q=nothing")
    judged(page, "#content")


def test_people_settings_and_saved_views(visit, ops, lead, viewer, nobody, close, judged):
    page = visit(ops)
    page.goto("/people/")
    judged(page)
    page.get_by_role("link", name="Give Jonas Weber a role").click()
    expect(page.get_by_label("Role of Jonas Weber")).to_be_focused()
    page.get_by_role("button", name="Deactivate").hover()
    judged(page, "#content")
    member = Member.objects.filter(numbers__groups__isnull=True).first().close_id
    for address in ("/people/new/", "/settings/", "/views/", f"/people/{member}/", f"/handover/{member}/"):
        page.goto(address)
        judged(page, "#content")
    page.goto("/numbers/?type=internal")
    page.locator("#save-view").click()
    page.get_by_label("Name of the view").fill("Ours")
    page.keyboard.press("Enter")
    expect(page.locator("#views")).to_contain_text("Ours")
    SavedView.objects.create(owner=lead, name="Theirs", shared=True)
    page.goto("/views/")
    expect(page.locator("#content")).to_contain_text("Shared by others")
    judged(page, "#content")


def test_the_imports(visit, ops, close, judged, watch):
    watch.expect("status of 422")
    page = visit(ops)
    page.goto("/imports/")
    judged(page)
    number = rows_of(page)[0].number
    misspelt = f"number,lable,type\n{number.number},a,x"
    for table in ("no table", misspelt, f"number,label\n{number.number},-\n+493000001,b"):
        page.goto("/imports/")
        page.locator("#file").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": table.encode()})
        page.locator("#upload").click()
        expect(page.locator("#file-error, #check")).to_be_visible()
        judged(page, "#content")
    page.goto("/imports/")
    expect(page.locator("#content")).to_contain_text("1 with errors")
    judged(page, "#content")


def test_plans(visit, ops, close, judged, watch):
    watch.expect("status of 422", "status of 409")
    page = visit(ops)
    page.goto("/plans/")
    judged(page)
    page.goto("/numbers/")
    page.locator("#select-page").click()
    expect(page.locator("#bulk-count")).to_have_text("8 selected")
    judged(page, "#bulk, #numbers")
    page.locator("#bulk-change").click()
    for name, choice in (("Label", "Set to"), ("Forwarding", "On, to"), ("Ring duration", "Set to")):
        page.get_by_label(name, exact=True).select_option(label=choice)
    page.get_by_role("button", name="Show what would change").click()
    expect(page.locator("#label_text-error")).to_be_visible()
    judged(page)
    page.get_by_label("Forwarding", exact=True).select_option(label="As it is")
    page.get_by_label("Ring duration", exact=True).select_option(label="As it is")
    page.locator("#ask-label_text").fill("{member}")
    page.keyboard.press("Enter")
    expect(page.locator("#plan-rows")).to_be_visible()
    moved = Change.objects.filter(state="planned", verdict="change").select_related("number").first()
    PhoneNumber.objects.filter(pk=moved.number_id).update(label="Theirs")
    page.get_by_label("At a time").check()
    page.locator("#plan-approve").click()
    expect(page.locator("#time-error")).to_be_visible()
    judged(page)
    page.get_by_role("radio", name="Now").check()
    page.get_by_label("To confirm, type").fill("1")
    page.locator("#plan-approve").click()
    expect(page.locator("#plan-words")).to_be_visible()
    judged(page)
    page.get_by_label("To confirm, type").fill(str(Change.objects.filter(verdict="change").count()))
    page.locator("#plan-approve").click()
    expect(page.locator("#h-progress")).to_contain_text("0 of ")
    close.fault("400", method="PUT", times=1)
    running.run_due()
    expect(page.locator("#plan-retry")).to_be_visible()
    judged(page)
    page.goto("/plans/")
    judged(page, "#content")


def test_the_pages_of_whoever_may_not(visit, viewer, nobody, close, judged, watch):
    watch.expect("status of 403", "status of 404")
    page = visit()
    page.goto("/accounts/login/")
    judged(page)
    page.get_by_label("E-mail or user name").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    judged(page)
    page = visit(nobody)
    page.goto("/numbers/")
    expect(page.locator("h1")).to_have_text("You have no role here yet")
    judged(page)
    page = visit(viewer)
    open_list(page)
    judged(page, "#numbers")
    page.goto("/numbers/phon_nothing/")
    expect(page.locator("h1")).to_have_text("There is nothing here")
    judged(page)
    page.goto("/people/")
    expect(page.locator("h1")).to_have_text("This is not for you to do")
    judged(page)


def test_close_away_and_writes_stopped(visit, ops, close, judged):
    page = visit(ops)
    page.goto("/settings/")
    page.get_by_role("button", name="Stop all writes").click()
    expect(page.locator(".banner")).to_have_count(1)
    close.fault("502")
    open_list(page)
    open_editor(page, rows_of(page)[0])
    page.reload()
    expect(page.locator(".banner")).to_have_count(2)
    judged(page)
