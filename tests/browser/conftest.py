"""A real browser before a real server: people who are signed in, and a watch on everything that the pages do."""

import os
import shutil
from threading import Condition

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as django_settings
from django.core.signals import request_finished, request_started
from django.utils import timezone
from playwright.sync_api import expect

from dashboard.models import Connection
from tests.browser.watch import Watch
from tests.conftest import signed_in

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# The same engine without what surrounds it takes a third less time, where it is installed.
ENGINE = shutil.which("chromium-headless-shell") or CHROMIUM
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --autoplay-policy=no-user-gesture-required "
    # No name and no address but this machine's is found; *.test are names for it (RFC 2606).
    "--host-resolver-rules=MAP_*.test_127.0.0.1,MAP_*_~NOTFOUND,EXCLUDE_localhost,EXCLUDE_127.0.0.1"
)
SIZES = {"wide": (1440, 900), "narrow": (400, 800)}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="session", autouse=True)
def _playwright_beside_django():
    """Playwright's own loop runs in the thread of the tests; Django takes that for a view that is asynchronous."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    expect.set_options(timeout=20_000)
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def browser_type_launch_args():
    return {"executable_path": ENGINE, "args": [word.replace("_", " ") for word in ARGUMENTS.split()]}


@pytest.fixture
def quiet_server(live_server):
    """The server; a test has ended only when all that its pages asked for has been answered."""
    condition, under_way = Condition(), 0

    def count(by):
        nonlocal under_way
        with condition:
            under_way += by
            condition.notify_all()

    def begun(**_):
        count(1)

    def ended(**_):
        count(-1)

    request_started.connect(begun)
    request_finished.connect(ended)
    yield live_server
    with condition:
        condition.wait_for(lambda: under_way <= 0, timeout=20)
    request_started.disconnect(begun)
    request_finished.disconnect(ended)


@pytest.fixture
def close(synced, settings):
    """The simulated organisation, which the pages may play greetings of; a worker has just been seen."""
    policy = django_settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    settings.CONTENT_SECURITY_POLICY = {
        "DIRECTIVES": {**policy, "media-src": ["'self'", "blob:", "https:", synced.origin]}
    }
    Connection.note(worker_seen_at=timezone.now())
    return synced


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def visit(close, quiet_server, browser, watch):
    """Open a window, signed in as somebody or as nobody: `visit(ops, width=400)`."""

    def open_window(user=None, *, width=1440, height=900, **options):
        context = browser.new_context(
            base_url=quiet_server.url,
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(20_000)
        watch.look_at(context)
        if user is not None:
            sign_in(context, user, quiet_server.url)
        return context.new_page()

    yield open_window
    for context in watch.contexts:
        context.close()
    watch.judge()


def sign_in(context, user, url):
    """Give a browser the session of somebody who has signed in."""
    cookie = signed_in(user).cookies[django_settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": url}])


@pytest.fixture(scope="session")
def axe():
    """What axe finds in a part of a page (in all of it without a `scope`), in words; empty is as it should be.

    `rules`: only these of axe's rules, where the others have been asked already.
    """
    script = Axe().axe_script

    def violations(page, scope=None, rules=None):
        # A part has no headings and landmarks of a page.
        tags = [tag for tag in WCAG if tag != "best-practice"] if scope else WCAG
        # To preload style sheets, axe would put copies of them into the page, which our policy forbids.
        options = {"runOnly": rules or tags, "resultTypes": ["violations"], "preload": False}
        page.evaluate(script)
        found = page.evaluate(
            "async ([scope, options]) => (await axe.run(scope ?? document, options)).violations", [scope, options]
        )
        return [
            f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')}"
            for one in found
            for node in one["nodes"]
        ]

    return violations
