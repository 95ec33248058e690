"""In Chromium: from the key press to what is shown, and the bytes as they were sent."""

import shutil
from contextlib import contextmanager

from playwright.sync_api import sync_playwright

from tests.bench.data import PASSWORD
from tests.bench.report import Row, median, p95

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SAVES = 12
# Starts at the next key press (or the next change of a field), ends with the first frame in which `shown` is true.
WATCH = """([event, shown]) => {
  window.bench = new Promise((resolve) => {
    const test = new Function("return " + shown);
    let began = 0;
    document.addEventListener(event, () => {
      began = performance.now();
      const look = () => {
        if (test()) resolve(performance.now() - began);
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    }, { once: true, capture: true });
  });
}"""


class Page:
    """A page with a stop-watch and a counter of bytes."""

    def __init__(self, page):
        self.page = page
        self.bytes = 0
        self.session = page.context.new_cdp_session(page)
        self.session.send("Network.enable")
        self.session.on("Network.loadingFinished", lambda event: self.count(event["encodedDataLength"]))

    def count(self, length):
        self.bytes += length

    def timed(self, act, shown: str, event: str = "keydown") -> float:
        """Milliseconds from the event that `act` brings about until `shown` (an expression) holds."""
        self.page.evaluate(WATCH, [event, shown])
        act()
        return self.page.evaluate("window.bench")

    def counted(self, act) -> int:
        """Bytes that came in while `act` was done and until nothing more came."""
        before = self.bytes
        act()
        self.page.wait_for_load_state("networkidle")
        return self.bytes - before


@contextmanager
def opened(url: str):
    """The number list in a fresh Chromium, signed in; the bytes of the sign-in do not count."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGS)
        signed_in = chromium.new_context()
        page = signed_in.new_page()
        page.goto(f"{url}/accounts/login/")
        page.fill("#login", "bench")
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/numbers/")
        # A context of its own has an empty cache: the first load is what a new person gets.
        context = chromium.new_context(storage_state=signed_in.storage_state())
        yield Page(context.new_page())
        chromium.close()


def measure(url: str) -> list[Row]:
    """First load, saves, searches, filters."""
    with opened(url) as here:
        page = here.page
        # The policy of the pages forbids eval; the stop-watch is not theirs.
        here.session.send("Page.setBypassCSP", {"enabled": True})
        first = here.counted(lambda: page.goto(f"{url}/numbers/"))
        saves, savings, heaviest = [], [], 0
        for number in range(SAVES):
            cell = f"number-{page.locator('tbody tr').nth(number).get_attribute('id').removeprefix('number-')}-label"
            editor = f"document.querySelector('#{cell} form.editor')"

            def edit(cell=cell, number=number):
                page.locator(f"#{cell}-edit").press("Enter")
                page.locator(f"#{cell} input[name=label]").fill(f"Saved by key {number}")
                page.wait_for_load_state("networkidle")

            heaviest = max(heaviest, here.counted(edit))
            field = page.locator(f"#{cell} input[name=label]")
            saving = f"[...document.querySelectorAll('#{cell} .while-saving')].some((one) => one.offsetParent)"
            if number % 2:
                savings.append(here.timed(lambda field=field: field.press("Enter"), saving))
                page.wait_for_function(f"!{editor}")
            else:
                saves.append(here.timed(lambda field=field: field.press("Enter"), f"!{editor}"))
            heaviest = max(heaviest, here.counted(lambda: None))
        searches, filters = [], []
        for letters in ("sal", "ber", "49", "main", "desk", "a"):
            shown = f"new URLSearchParams(location.search).get('q') === '{letters}'"
            took = []
            heaviest = max(
                heaviest,
                here.counted(lambda: took.append(here.timed(lambda: page.fill("#q", letters), shown, "input"))),  # noqa: B023
            )
            searches.append(took[0] - 250)
            page.fill("#q", "")
            page.wait_for_function("!new URLSearchParams(location.search).get('q')")
        for name in ("forwarding", "greeting", "country", "team", "type"):
            page.locator(f"#chip-{name}").press("Enter")
            page.locator(f"#choice-{name}-1").check()
            show = page.locator(".dropdown-menu.show button[type=submit]")
            shown = f"new URLSearchParams(location.search).has('{name}')"
            filters.append(here.timed(lambda show=show: show.press("Enter"), shown))
            page.goto(f"{url}/numbers/")
            page.wait_for_load_state("networkidle")
    return [
        Row("first load, as sent", first / 1000, 180, "kB"),
        Row("the heaviest interaction after it (edit, save, search)", heaviest / 1000, 15, "kB"),
        Row("key press → saved, Close at 150 ms", p95(saves), 400, "ms", note=f"(p50 {median(saves):.0f} ms)"),
        Row("key press → “Saving”", p95(savings), 50, "ms", note=f"(p50 {median(savings):.0f} ms)"),
        Row("search → result, without 250 ms", p95(searches), 100, "ms", note=f"(p50 {median(searches):.0f} ms)"),
        Row("filter → result", p95(filters), 100, "ms", note=f"(p50 {median(filters):.0f} ms)"),
    ]
