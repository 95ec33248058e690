"""What a page must not do behind our back: the watch notes it, and a test fails on all that it did not expect."""

import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage

LOOPBACK = {"localhost", "127.0.0.1", "::1", ""}
BAD_LEVELS = {"error", "warning", "assert"}

# Runs in every page before its own scripts. Once something had the focus, no answer may leave it on nothing; a click
# beside everything may, and so may a link to another page, whose menu closes before this page is gone.
FOCUS_IS_KEPT = """
(() => {
  let had = "";
  const name = (element) => element.id || element.tagName;
  addEventListener("focusin", (event) => { had = name(event.target); }, true);
  addEventListener("pointerdown", () => { had = ""; }, true);
  addEventListener("click", (event) => {
    if (event.target.closest("a[href]:not([hx-get])")) had = "";
  }, true);
  addEventListener("htmx:afterSettle", (event) => {
    if (had && document.activeElement === document.body) {
      console.error(`The focus was lost from ${had} after a swap of ${name(event.target)}.`);
    }
  });
})();
"""


def _is_here(host: str) -> bool:
    """Whether this is a name of this machine; the browser is told that all of .test are."""
    return host in LOOPBACK or host.endswith(".test")


class Watch:
    """Looks at every page of a browser context.

    `expect` names, as a regular expression, what a test brings about on purpose; whatever was expected and did not
    happen is a failure too. A message about the content security policy cannot be expected.
    """

    def __init__(self) -> None:
        self.expected: list[str] = []
        self.found: list[str] = []
        self.contexts: list[BrowserContext] = []

    def expect(self, *patterns: str) -> None:
        """Let these messages pass in this test."""
        self.expected += patterns

    def look_at(self, context: BrowserContext) -> None:
        """Watch the pages of this context from now on."""
        self.contexts.append(context)
        context.add_init_script(FOCUS_IS_KEPT)
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.found.append(f"uncaught: {error.error}"))
        context.on("request", self._asked)
        context.on("dialog", self._dialog)

    def judge(self) -> None:
        """Fail on what was not expected, and on what was expected in vain."""
        surprises = [text for text in self.found if not any(re.search(one, text) for one in self.expected)]
        missed = [one for one in self.expected if not any(re.search(one, text) for text in self.found)]
        if surprises or missed:
            raise AssertionError(f"Not expected: {surprises}. Expected in vain: {missed}.")

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type not in BAD_LEVELS:
            return
        text = f"{message.text} ({urlsplit(message.location.get('url', '')).path})"
        if "Content Security Policy" in text:
            text = "a message about the policy: " + text
        self.found.append(text)

    def _asked(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and not _is_here(parts.hostname or ""):
            self.found.append(f"asked another host: {request.url}")

    def _dialog(self, dialog: Any) -> None:
        self.found.append(f"a dialog: {dialog.message}")
        dialog.dismiss()
