"""How much is sent, by the server as it runs in production: hashed and compressed files, compressed pages."""

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import expect

from dashboard.simulator import Organisation
from tests.browser.conftest import sign_in
from tests.browser.hands import message, open_editor, open_list, rows_of, wait_until
from tests.services.conftest import database_url

ROOT = Path(__file__).resolve().parent.parent.parent
FIRST_LOAD, LATER = 180_000, 15_000


@pytest.fixture
def organisation():
    """More numbers than a page of the list shows."""
    return Organisation.make(numbers=120, members=12, groups=3, seed=1)


@pytest.fixture
def production(close, tmp_path):
    """The address of a gunicorn that serves the database of the tests with the settings of production."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        environment = {
            "PATH": os.environ["PATH"],
            "DOTENV": "",
            "SECRET_KEY": django_settings.SECRET_KEY,
            "BASE_URL": address,
            "DATABASE_URL": database_url(),
            "CLOSE_API_URL": close.url,
            "CLOSE_API_KEY": "api_demo",
            "MIN_FREE_MB": "1",
            "STATIC_ROOT": str(tmp_path / "static"),
            "LOG_LEVEL": "WARNING",
        }
        collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity=0"]
        subprocess.run(collect, cwd=ROOT, env=environment, check=True)
        command = [sys.executable, "-m", "gunicorn", "closephones.wsgi", "--bind", f"fd://{listening.fileno()}"]
        options = ["--worker-class", "gthread", "--threads", "4", "--no-control-socket", "--log-level", "warning"]
        server = subprocess.Popen([*command, *options], cwd=ROOT, env=environment, pass_fds=[listening.fileno()])
        yield address
        server.terminate()
        server.wait(20)


class Scale:
    """Weighs what a page is sent, headers and compressed bodies, by what the browser itself has counted."""

    def __init__(self, page):
        self.page = page
        self.total = 0
        self.under_way = set()
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        network.on("Network.requestWillBeSent", lambda event: self.under_way.add(event["requestId"]))
        network.on("Network.loadingFinished", self.arrived)
        network.on("Network.loadingFailed", lambda event: self.under_way.discard(event["requestId"]))

    def arrived(self, event):
        self.total += event["encodedDataLength"]
        self.under_way.discard(event["requestId"])

    def taken(self):
        """The bytes since this was asked last, once all that was asked for has arrived."""
        for _ in range(500):
            if not self.under_way:
                break
            self.page.wait_for_timeout(20)
        taken, self.total = self.total, 0
        return taken


@contextmanager
def all_that_follows(page):
    """A change is over when its row and, a second later, the counts of the views have been read anew."""
    with page.expect_response("**/row/**"), page.expect_response("**/numbers/counts/"):
        yield


def test_a_first_load_and_each_later_interaction_stay_small(visit, production, ops, close):
    page = visit()
    sign_in(page.context, ops, production)
    scale = Scale(page)
    open_list(page, f"{production}/numbers/")
    wait_until(page, "document.fonts.status === 'loaded'")
    first = scale.taken()
    assert 30_000 < first <= FIRST_LOAD

    row = rows_of(page)[0]
    weights = {}
    open_editor(page, row)
    weights["open"] = scale.taken()
    row.field("label").fill("Weighed")
    with all_that_follows(page):
        page.keyboard.press("Enter")
    expect(row.button("label")).to_have_text("Weighed")
    weights["save"] = scale.taken()
    with all_that_follows(page):
        page.locator("#message-undo").click()
    expect(message(page)).to_have_text("Undone, and saved to Close.")
    weights["undo"] = scale.taken()
    page.locator("#q").fill("1")
    expect(page.locator("#count")).to_contain_text(" of 120")
    weights["search"] = scale.taken()
    page.locator("#q").fill("")
    expect(page.locator("#count")).to_have_text("120")
    weights["all"] = scale.taken()
    page.locator("#sort-label").click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Label")
    weights["sort"] = scale.taken()
    page.locator("#next").click()
    expect(page.locator(".foot")).to_contain_text("51–100 of 120")
    weights["page"] = scale.taken()
    page.locator("#chip-member").click()
    expect(page.locator(".dropdown-menu.show input").first).to_be_visible()
    weights["menu"] = scale.taken()
    page.keyboard.press("Escape")
    page.goto(f"{production}/numbers/{row.id}/")
    expect(page.locator("#number-head")).to_be_visible()
    weights["one number"] = scale.taken()
    page.goto(f"{production}/changes/")
    expect(page.locator("h1")).to_have_text("Changes")
    weights["changes"] = scale.taken()
    too_heavy = {name: weight for name, weight in weights.items() if not 0 < weight <= LATER}
    assert too_heavy == {}
