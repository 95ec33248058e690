"""In a frame of the company portal: names as in a company, TLS by nginx, cookies as the browser keeps them there."""

import os
import shutil
import subprocess
import sys
import warnings
from contextlib import ExitStack
from importlib import import_module

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import expect

from dashboard.models import PhoneNumber
from tests.bench.servers import free_port, running
from tests.browser.conftest import CHROMIUM
from tests.browser.hands import Row, message
from tests.conftest import PASSWORD
from tests.deploy.conftest import Nginx
from tests.services.conftest import database_url

PAGE = """
server {{
    listen 127.0.0.1:{port} ssl;
    server_name {names};
    ssl_certificate {folder}/site.pem;
    ssl_certificate_key {folder}/site.key;
    default_type text/html;
    location / {{ return 200 '<!doctype html><title>Portal</title><h1>Nothing framed</h1>'; }}
    location /phones/ {{
        return 200 '<!doctype html><title>Portal</title><iframe src="https://{framed}/" title="Phone numbers"
            width="900" height="480" allow="microphone; clipboard-write"></iframe>';
    }}
}}
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The files of the pages, as `collectstatic` puts them."""
    folder = tmp_path_factory.mktemp("static")
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "closephones.settings", "STATIC_ROOT": str(folder)}
    command = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
    subprocess.run(command, cwd=django_settings.BASE_DIR, env=environment, check=True)
    return folder


class Company:
    """A portal, closephones as in production, a page of somebody else, and the browser of somebody at work."""

    def __init__(self, nginx, context, browser):
        self.nginx, self.context, self.browser = nginx, context, browser
        context.set_default_timeout(20_000)

    def at(self, name, path="/phones/"):
        return f"https://{name}:{self.nginx.https}{path}"

    def open(self, address):
        """A tab with this address, and what is in its frame."""
        page = self.context.new_page()
        page.goto(address)
        [frame] = page.main_frame.child_frames
        return page, frame

    def is_refused_to_somebody_else(self):
        """Whether a page that is not the portal's gets nothing of ours into its frame. (The console says so.)"""
        context = self.browser.new_context(ignore_https_errors=True)
        page = context.new_page()
        page.goto(self.at("evil.test"))
        while page.frames[-1].url in ("", "about:blank", page.url):
            page.wait_for_timeout(20)
        address = page.frames[-1].url
        context.close()
        return address == "chrome-error://chromewebdata/"

    def sign_in(self, frame, button, user):
        """Press the button, sign in in the window that opens, and return that window."""
        with self.context.expect_page() as opened:
            frame.get_by_role("link", name=button).click()
        window = opened.value
        window.get_by_label("E-mail or user name").fill(user.email)
        window.get_by_label("Password").fill(PASSWORD)
        window.get_by_role("button", name="Sign in").click()
        expect(window.locator("h1")).to_have_text("You are signed in")
        return window


@pytest.fixture
def servers(close, files, tmp_path):
    """Start closephones and the portal: `servers("cross-site", dash="dash.test", portal="portal.test")`."""
    with ExitStack() as stack:

        def start(mode, *, dash, portal, cookies=True):
            nginx, port = Nginx(tmp_path), free_port()
            nginx.add(dash, port)
            framed, sites = f"{dash}:{nginx.https}", tmp_path / "sites"
            pages = PAGE.format(port=nginx.https, names=f"{portal} evil.test", folder=tmp_path, framed=framed)
            (sites / "portal.conf").write_text(pages)
            if not cookies:
                ours = sites / f"{dash}.conf"
                kept_back = "location / { proxy_hide_header Set-Cookie;"
                ours.write_text(ours.read_text().replace("location / {", kept_back))
            variables = {
                "DJANGO_SETTINGS_MODULE": "closephones.settings",
                "BASE_URL": f"https://{framed}",
                "ALLOWED_HOSTS": f"{dash},127.0.0.1",
                "DATABASE_URL": database_url(),
                "STATIC_ROOT": str(files),
                "CLOSE_API_URL": close.url,
                "LOCAL_TWO_STEP": "off",
                "EMBED_MODE": mode,
                "EMBED_ORIGINS": f"https://{portal}:{nginx.https}",
            }
            command = ("-m", "gunicorn", "closephones.wsgi", "--bind", f"127.0.0.1:{port}", "--no-control-socket")
            threads = ("--worker-class", "gthread", "--threads", "4")
            stack.enter_context(running(*command, *threads, port=port, path="/healthz", **variables))
            return stack.enter_context(nginx.running())

        yield start


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """What becomes of third-party cookies is decided outside of the engine, so it needs all of Chromium."""
    return {**browser_type_launch_args, "executable_path": CHROMIUM}


@pytest.fixture(scope="module")
def browser(browser_type, browser_type_launch_args):
    chromium = browser_type.launch(**browser_type_launch_args)
    yield chromium
    chromium.close()


@pytest.fixture
def company(servers, tmp_path, watch, browser, browser_type, browser_type_launch_args):
    """The servers, and Chromium: with `blocking` it keeps no third-party cookies."""
    with ExitStack() as stack:

        def start(mode, *, blocking=True, **names):
            nginx = servers(mode, **names)
            size = {"width": 1280, "height": 720}
            options = {"viewport": size, "reduced_motion": "reduce", "ignore_https_errors": True}
            if blocking:
                # Like a private window, which blocks third-party cookies.
                context = browser.new_context(**options)
            else:
                choices = tmp_path / "profile" / "Default" / "Preferences"
                choices.parent.mkdir(parents=True)
                choices.write_text('{"profile": {"cookie_controls_mode": 0}}')
                options |= browser_type_launch_args
                context = browser_type.launch_persistent_context(tmp_path / "profile", **options)
            watch.look_at(stack.enter_context(context))
            return Company(nginx, context, browser)

        yield start
    watch.judge()


@pytest.fixture
def ops(ops, settings):
    """As in production, where the hashes of the tests are not known."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    ops.set_password(PASSWORD)
    ops.save()
    return ops


def end_all_sessions():
    import_module(django_settings.SESSION_ENGINE).SessionStore.get_model_class().objects.all().delete()


def open_label(page, row):
    """Open the editor of the label, in the frame, and wait until Close was asked for it."""
    with page.expect_response(f"**/numbers/{row.id}/refresh/**"):
        row.button("label").click()
    expect(row.field("label")).to_be_focused()
    return row.field("label")


@pytest.mark.parametrize("blocking", [False, True], ids=["third-party cookies", "no third-party cookies"])
def test_the_portal_of_another_site(company, ops, close, watch, blocking):
    watch.expect("status of 401")
    here = company("cross-site", dash="dash.test", portal="portal.test", blocking=blocking)
    page = here.context.new_page()
    page.goto(here.at("portal.test", "/"))
    page.goto(here.at("portal.test"))
    [frame] = page.main_frame.child_frames
    expect(frame.locator("h1")).to_have_text("Sign in")
    assert frame.get_by_role("link").all_inner_texts() == ["closephones", "Sign in"]

    window = here.sign_in(frame, "Sign in", ops)
    expect(frame.locator("h1")).to_have_text("Phone numbers")
    window.close()
    row = Row(frame, PhoneNumber.objects.order_by("number")[0])
    open_label(page, row).fill("From the portal")
    row.field("label").press("Enter")
    expect(row.button("label")).to_have_text("From the portal")
    assert close.puts() == [(row.id, {"label": "From the portal"})]
    allowed = "document.featurePolicy.allowedFeatures()"
    assert {"microphone", "clipboard-write"} < set(frame.evaluate(allowed))
    assert {"camera", "geolocation"}.isdisjoint(frame.evaluate(allowed))
    frame.evaluate("document.cookie = 'third-party=1; SameSite=None; Secure'")
    assert ("third-party=1" in frame.evaluate("document.cookie")) is not blocking

    open_label(page, row).fill("Not to be lost")
    end_all_sessions()
    row.field("label").press("Enter")
    dialog = frame.get_by_role("dialog", name="You have been signed out")
    expect(dialog).to_contain_text("Sign in again in the window that opens")
    outer, inner = page.locator("iframe").bounding_box(), dialog.locator(".modal-content").bounding_box()
    assert outer["y"] <= inner["y"]
    assert inner["y"] + inner["height"] <= outer["y"] + outer["height"]
    window = here.sign_in(frame, "Sign in again", ops)
    expect(dialog).to_be_hidden()
    window.close()
    expect(message(frame)).to_contain_text("You are signed in again.")
    expect(row.field("label")).to_have_value("Not to be lost")
    expect(row.field("label")).to_be_focused()
    row.field("label").press("Enter")
    expect(row.button("label")).to_have_text("Not to be lost")

    frame.locator(f"#number-{row.id} a").first.click()
    expect(frame.locator("#number-head")).to_be_visible()
    page.evaluate("history.back()")
    expect(frame.locator("h1")).to_have_text("Phone numbers")
    page.evaluate("history.back()")
    expect(page.locator("h1")).to_have_text("Nothing framed")
    page.goto(here.at("portal.test"))
    [frame] = page.main_frame.child_frames
    frame.locator("#user-menu").click()
    frame.get_by_role("button", name="Sign out", exact=True).click()
    expect(frame.get_by_role("link", name="Sign in")).to_be_visible()

    assert here.is_refused_to_somebody_else()


def test_the_portal_of_the_same_site_shares_the_sign_in_with_every_tab(company, ops, axe):
    here = company("same-site", dash="dash.corp.test", portal="portal.corp.test")
    _, frame = here.open(here.at("portal.corp.test"))
    tab = here.context.new_page()
    tab.goto(here.at("dash.corp.test", "/embed/"))
    assert axe(tab) == []
    window = here.sign_in(frame, "Sign in", ops)
    assert axe(window) == []
    window.close()
    frame.evaluate("dispatchEvent(new Event('focus'))")
    expect(frame.locator("h1")).to_have_text("Phone numbers")
    frame.locator("#user-menu").click()
    with here.context.expect_page() as opened:
        frame.get_by_role("link", name="Settings and theme").click()
    expect(opened.value.locator("h1")).to_have_text("Settings")
    assert here.is_refused_to_somebody_else()


def test_where_the_browser_keeps_nothing_it_leads_to_a_tab(company, ops):
    here = company("cross-site", dash="dash.test", portal="portal.test", cookies=False)
    _, frame = here.open(here.at("portal.test"))
    expect(frame.get_by_role("link", name="Sign in")).to_be_hidden()
    expect(frame.locator("#without-cookie")).to_contain_text("Your browser keeps no sign-in")
    with here.context.expect_page() as opened:
        frame.get_by_role("link", name="Open in a new tab").click()
    expect(opened.value.get_by_label("Password")).to_be_visible()


if FIREFOX := shutil.which("firefox-esr"):
    # It asks in an old way what system this is.
    with warnings.catch_warnings(action="ignore"):
        from marionette_driver import By, Keys, Wait
        from marionette_driver.errors import MarionetteException
        from marionette_driver.marionette import Marionette

    @pytest.fixture
    def firefox(tmp_path):
        """Debian's Firefox, which finds the names of .test on this machine and takes our certificate as it is."""
        choices = {"network.dns.localDomains": "portal.test,dash.test", "dom.disable_open_during_load": False}
        log = str(tmp_path / "firefox.log")
        firefox = Marionette(bin=FIREFOX, headless=True, prefs=choices, port=free_port(), gecko_log=log)
        firefox.start_session({"acceptInsecureCerts": True})
        yield firefox
        firefox.cleanup()

    # While it waits for the browser it forgets to close what it has knocked with.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_firefox_hands_the_sign_in_over_to_the_frame(servers, firefox, ops):
        nginx = servers("cross-site", dash="dash.test", portal="portal.test")
        soon = Wait(firefox, timeout=20, ignored_exceptions=MarionetteException)
        firefox.navigate(f"https://portal.test:{nginx.https}/phones/")
        firefox.switch_to_frame(firefox.find_element(By.TAG_NAME, "iframe"))
        soon.until(lambda it: it.find_element(By.LINK_TEXT, "Sign in")).click()
        portal = firefox.current_window_handle
        [window] = soon.until(lambda it: set(it.window_handles) - {portal})
        firefox.switch_to_window(window)
        soon.until(lambda it: it.find_element(By.NAME, "login")).send_keys(ops.email)
        firefox.find_element(By.NAME, "password").send_keys(PASSWORD, Keys.ENTER)
        soon.until(lambda it: it.find_element(By.TAG_NAME, "h1").text == "You are signed in")
        firefox.switch_to_window(portal)
        firefox.switch_to_frame(firefox.find_element(By.TAG_NAME, "iframe"))
        soon.until(lambda it: it.find_element(By.TAG_NAME, "h1").text == "Phone numbers")
