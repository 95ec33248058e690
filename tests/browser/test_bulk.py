"""Many numbers at once, from ticking them over two pages to putting everything back."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from dashboard.models import Change, Connection, PhoneNumber, Plan
from dashboard.services import running
from dashboard.simulator import Organisation
from tests.browser.hands import message, open_list, rows_of


@pytest.fixture
def organisation():
    """More numbers than the smallest page of the list shows."""
    return Organisation.make(numbers=60, members=12, groups=3, seed=1)


def ticked(page):
    return page.locator("#bulk-count")


def work():
    """What the worker does once it is woken."""
    Connection.note(worker_seen_at=timezone.now())
    running.run_due()


def test_select_plan_confirm_run_retry_and_put_back(visit, ops, close, watch):
    watch.expect("status of 422")
    page = visit(ops)
    open_list(page, "/numbers/?per_page=25")
    rows = rows_of(page)

    # The first page but one, then three more on the second page by the keyboard.
    page.locator("#select-page").click()
    expect(ticked(page)).to_have_text("25 selected")
    page.locator(f"#number-{rows[4].id}-select").click()
    expect(ticked(page)).to_have_text("24 selected")
    page.locator("#next").click()
    expect(page.locator(".foot")).to_contain_text("26–50 of 60")
    expect(ticked(page)).to_have_text("24 selected, 24 not on this page")
    for key in "jxjxjx":
        page.keyboard.press(key)
    expect(ticked(page)).to_have_text("27 selected, 24 not on this page")
    page.locator("#q").fill(rows[4].number.number)
    expect(page.locator("#count")).to_have_text("1 of 60")
    expect(ticked(page)).to_have_text("27 selected, 27 not on this page")
    expect(page.locator("#bulk-ask")).to_contain_text("The filter has changed. Keep the selection?")
    page.locator("#bulk-keep").click()
    expect(page.locator("#bulk-ask")).to_have_count(0)
    expect(page.locator("#bulk-change")).to_be_focused()

    # What shall become of them.
    page.locator("#bulk-change").click()
    expect(page.locator("h1")).to_have_text("Change 27 numbers")
    page.get_by_label("Label", exact=True).select_option(label="Set to")
    page.get_by_role("button", name="Show what would change").click()
    expect(page.locator("#ask-label_text")).to_be_focused()
    page.keyboard.type("Team line")
    page.keyboard.press("Enter")

    # The draft: one is left out, the count is typed.
    expect(page.locator("h1")).to_contain_text("Change label of 27 numbers")
    expect(page.locator("#plan-rows tbody tr")).to_have_count(28)
    page.locator("#plan-reason").fill("New names for the desks")
    second = page.locator("[name=leave]").nth(1).get_attribute("id")
    page.get_by_role("button", name=f"Leave {rows[0].phone} out").click()
    expect(page.locator(f"#{second}")).to_be_focused()
    expect(page.locator("#plan-reason")).to_have_value("New names for the desks")
    page.get_by_role("button", name="Change 26 numbers").click()
    expect(page.locator("#count-error")).to_have_text("Type 26 to confirm that 26 numbers change.")
    expect(page.get_by_label("To confirm, type")).to_be_focused()
    page.keyboard.type("26")
    failing = rows[1]
    close.fault("400", method="PUT", path=f"/phone_number/{failing.id}/", times=1)
    page.keyboard.press("Enter")

    # The run, which the page follows by itself.
    expect(page.locator("#h-progress")).to_have_text("0 of 26")
    work()
    expect(page.locator("#h-progress")).to_have_text("26 of 26")
    expect(message(page)).to_have_text("The plan has ended: 25 changed, 1 not.")
    sent = [close_id for close_id, body in close.puts() if body == {"label": "Team line"}]
    chosen = [row.id for row in [*rows[1:4], *rows[5:28]]]
    assert sorted(sent) == sorted(chosen)
    first = page.locator("#plan-rows tbody tr").first
    expect(first).to_contain_text(failing.phone)
    expect(first).to_contain_text("Refused")

    # Once more what failed.
    page.get_by_role("button", name="Retry 1 failed").click()
    expect(page.locator("h1")).to_contain_text("Once more: Change label of 27 numbers")
    page.get_by_role("button", name="Change 1 number").click()
    expect(page.locator("#h-progress")).to_have_text("0 of 1")
    work()
    expect(page.locator("#h-progress")).to_have_text("1 of 1")
    assert PhoneNumber.objects.filter(label="Team line").count() == 26

    # And all of the first plan back.
    page.goto(f"/plans/{Plan.objects.filter(background=True).order_by('pk').first().pk}/")
    page.get_by_role("button", name="Put back 25").click()
    expect(page.locator("h1")).to_contain_text("Put back: Change label of 27 numbers")
    page.get_by_label("To confirm, type").fill("25")
    page.get_by_role("button", name="Change 25 numbers").click()
    work()
    expect(page.locator("#h-progress")).to_have_text("25 of 25")
    for row in rows:
        now = PhoneNumber.objects.get(pk=row.number.pk).label
        assert now == ("Team line" if row.id == failing.id else row.number.label), row.phone
    assert Change.objects.filter(state="applied").count() == 51

    # The selection has become the plan, so the list begins anew.
    open_list(page, "/numbers/?per_page=25")
    expect(page.locator("#bulk")).to_be_hidden()
    page.locator(f"#number-{rows[2].id}-select").click()
    page.locator(f"#number-{rows[5].id}-select").click(modifiers=["Shift"])
    expect(ticked(page)).to_have_text("4 selected")
    page.get_by_role("button", name="Select none").click()
    expect(page.locator("#bulk")).to_be_hidden()


def test_without_script_the_ticks_of_one_page_are_enough(visit, ops, close):
    page = visit(ops, java_script_enabled=False)
    page.goto("/numbers/?per_page=100&country=US")
    rows = rows_of(page, country="US", press_1_to_accept=False)
    expect(page.locator("#bulk")).to_be_hidden()
    for row in rows[:2]:
        page.locator(f"#number-{row.id}-select").check()
    page.get_by_role("button", name="Change").click()
    expect(page.locator("h1")).to_have_text("Change 2 numbers")
    page.get_by_label("Press 1 to accept").select_option("on")
    page.get_by_role("button", name="Show what would change").click()
    expect(page.locator("h1")).to_contain_text("Change press 1 of 2 numbers")
    page.locator("#plan-reason").fill("Kept")
    page.get_by_role("button", name=f"Leave {rows[0].phone} out").click()
    expect(page.locator("#plan-reason")).to_have_value("Kept")
    page.get_by_role("button", name="Change 1 number").click()
    expect(page).to_have_url(re.compile(r"/plans/\d+/$"))
    work()
    page.reload()
    expect(page.locator("#h-progress")).to_have_text("1 of 1")
    assert close.puts() == [(rows[1].id, {"press_1_to_accept": True})]
