"""Numbers ring elsewhere over the night in which the clocks go back, and then as they did before."""

import pytest
import time_machine
from playwright.sync_api import expect

from dashboard.models import Preference
from dashboard.services import absence_clock, running
from tests.browser.conftest import sign_in
from tests.browser.hands import message, open_list, rows_of

TARGET = "+4917604069180"
NAME = "Night of the clocks"


@pytest.fixture
def clock():
    """Saturday noon in Berlin; the clocks go back on 31 October 2027 from 3:00 to 2:00, forward on 26 March 2028."""
    with time_machine.travel("2027-10-30T12:00:00+02:00", tick=True) as traveller:
        yield traveller


def work():
    """What the worker does each minute."""
    for _ in range(2):
        absence_clock.tick()
        running.run_due()
    absence_clock.tick()


def test_an_absence_over_the_night_in_which_the_clocks_change(clock, visit, ops, close, watch, quiet_server):
    watch.expect("status of 422")
    Preference.objects.create(user=ops, zone="Europe/Berlin")
    page = visit(ops)
    open_list(page, "/numbers/?forwarding=on")
    row = rows_of(page, forward_to_enabled=True)[0]
    former = {name: close.organisation.numbers[row.id][name] for name in ("forward_to", "forward_to_enabled")}
    page.locator(f"#number-{row.id}-select").click()
    page.get_by_role("button", name="For a while").click()

    # An end that does not exist is said in place, and one that comes twice is asked.
    page.get_by_label("Forwarding").select_option(label="On, to")
    page.get_by_label("Target").fill(TARGET)
    page.get_by_label("Name", exact=True).fill(NAME)
    page.locator("#from_day").fill("2027-10-30")
    page.locator("#from_time").fill("18:00")
    page.locator("#until_day").fill("2028-03-26")
    page.locator("#until_time").fill("2:30")
    page.get_by_role("button", name="Plan it").click()
    expect(page.locator("#until_time-error")).to_have_text(
        "The clock skips 02:30 on that day. Choose 03:30 or another time."
    )
    page.locator("#until_day").fill("2027-10-31")
    page.get_by_role("button", name="Plan it").click()
    expect(page.locator("#until_fold-error")).to_have_text("The clock shows 02:30 twice on that day. Choose which.")
    expect(page.get_by_label("02:30 CEST, before the clock goes back")).not_to_be_checked()
    page.get_by_label("02:30 CET, after the clock goes back").check()
    page.get_by_role("button", name="Plan it").click()
    expect(message(page)).to_contain_text(f"“{NAME}” is planned.")
    state = page.locator("h1 .out")
    expect(state).to_have_text("Coming")
    assert close.puts() == []

    def at(moment):
        clock.move_to(moment)
        work()
        # Whoever did nothing for an hour signs in again.
        sign_in(page.context, ops, quiet_server.url)
        page.reload()

    at("2027-10-30T18:00:30+02:00")
    expect(state).to_have_text("On")
    assert close.organisation.numbers[row.id]["forward_to"] == TARGET
    # 2:30 for the first time: it goes on.
    at("2027-10-31T02:31:00+02:00")
    expect(state).to_have_text("On")
    at("2027-10-31T02:30:30+01:00")
    expect(state).to_have_text("Over")
    expect(page.locator("#content")).to_contain_text("02:30 CET")
    assert former.items() <= close.organisation.numbers[row.id].items()
    assert len(close.puts()) == 2
