"""What the tests do and look for in the list of numbers: rows by their order, cells by their name."""

from playwright.sync_api import Locator, Page, expect

from dashboard.models import PhoneNumber
from dashboard.templatetags.ui import phone


class Row:
    """One number, and its row in the table of a page."""

    def __init__(self, page: Page, number: PhoneNumber) -> None:
        self.page = page
        self.number = number
        self.id = number.close_id
        self.phone = phone(number.number)

    @property
    def row(self) -> Locator:
        return self.page.locator(f"#number-{self.id}")

    def cell(self, name: str) -> Locator:
        return self.page.locator(f"#number-{self.id}-{name}")

    def button(self, name: str) -> Locator:
        return self.page.locator(f"#number-{self.id}-{name}-edit")

    def field(self, name: str) -> Locator:
        return self.page.locator(f"#number-{self.id}-{name}-input")

    @property
    def switch(self) -> Locator:
        return self.page.locator(f"#number-{self.id}-forwarding-switch")


def rows_of(page: Page, **filters: object) -> list[Row]:
    """The numbers in the order of the list."""
    return [Row(page, number) for number in PhoneNumber.objects.filter(**filters).order_by("number")]


def open_list(page: Page, address: str = "/numbers/") -> None:
    """Open the list and wait until all that it asks for by itself is there."""
    page.goto(address)
    expect(page.locator("#views .n").first).to_be_visible()


def open_editor(page: Page, row: Row, name: str = "label") -> Locator:
    """Open an editor with a click and wait until Close was asked for what it holds now; return its field."""
    with page.expect_response(f"**/numbers/{row.id}/refresh/**"):
        row.button(name).click()
    expect(row.field(name)).to_be_focused()
    return row.field(name)


def message(page: Page) -> Locator:
    """The sentence on the message line."""
    return page.locator("#message-line .words")


def wait_until(page: Page, script: str) -> None:
    """Wait until this is true on the page; Playwright's own way needs an `eval`, which our policy forbids."""
    for _ in range(500):
        if page.evaluate(script):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"This never came true: {script}")
