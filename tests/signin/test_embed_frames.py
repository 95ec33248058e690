"""Which page may stand in whose frame, what cookies are like there, and settings of it that cannot be."""

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings as current
from django.test import Client

from dashboard.checks.signin import frames_are_named
from dashboard.signin import urls
from dashboard.signin.frames import ALONE

from ..conftest import PASSWORD, signed_in

PORTAL = "https://portal.example.com"
IN_A_FRAME = {"Sec-Fetch-Dest": "iframe"}


@pytest.fixture
def embedded(settings):
    settings.EMBED_MODE, settings.EMBED_ORIGINS = "cross-site", [PORTAL, "https://wiki.example.com:8443"]


def ancestors(answer):
    return re.search(r"frame-ancestors ([^;]+)", answer["Content-Security-Policy"])[1]


def test_pages_that_are_not_about_signing_in_may_stand_in_the_frames_of_the_portal_alone(embedded, ops, synced):
    client, alone, framed = signed_in(ops), set(), set()
    pages = {"/numbers/", "/changes/", "/people/", "/embed/", "/nothing/", "/views/"}
    for address in (*pages, *ALONE, "/accounts/login/", "/accounts/oidc/callback/"):
        answer = client.get(address)
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Permissions-Policy"] == "camera=(), geolocation=(), microphone=(self), clipboard-write=(self)"
        (alone if ancestors(answer) == "'none'" else framed).add(address)
        assert ancestors(answer) in ("'none'", f"'self' {PORTAL} https://wiki.example.com:8443")
    assert framed == pages
    assert {"/accounts/login/", "/accounts/oidc/callback/", "/settings/"} <= alone
    assert ancestors(Client(enforce_csrf_checks=True).post("/accounts/login/")) == "'none'", "also when it is refused"


def test_without_embedding_no_page_may_and_nothing_looks_at_frames(ops_client):
    answer = ops_client.get("/settings/", headers=IN_A_FRAME)
    assert (answer.status_code, ancestors(answer)) == (200, "'none'")
    assert "data-window" not in answer.content.decode()


def test_every_address_of_signing_in_stands_alone():
    of_the_frame = {"embed", "embed-offer", "embed-claim"}
    addresses = {f"/{pattern.pattern}" for pattern in urls.urlpatterns if pattern.name not in of_the_frame}
    assert [address for address in addresses if not address.startswith(ALONE)] == []


def test_a_stranger_in_a_frame_comes_to_the_button_and_never_to_the_sign_in_page(embedded, db):
    client = Client()
    answer = client.get("/changes/?source=close", headers=IN_A_FRAME, follow=True)
    assert answer.redirect_chain[-1] == ("/embed/?next=%2Fchanges%2F%3Fsource%3Dclose", 302)
    assert 'data-next="/changes/?source=close"' in answer.content.decode()
    assert ancestors(answer) != "'none'"
    outside = client.get("/changes/?source=close", follow=True)
    assert outside.redirect_chain == [("/accounts/login/?next=/changes/%3Fsource%3Dclose", 302)]


def test_a_page_that_stands_alone_opens_from_a_frame_in_a_tab(embedded, ops_client):
    page = ops_client.get("/numbers/", headers=IN_A_FRAME).content.decode()
    assert 'href="/settings/" target="_blank" rel="noopener"' in page
    assert re.search(r'id="signed-out".*data-window="/embed/start/" data-script="[^"]+embed\.js"', page, re.DOTALL)
    answer = ops_client.get("/settings/?x=1", headers=IN_A_FRAME, follow=True)
    assert answer.redirect_chain == [("/embed/?next=%2Fsettings%2F%3Fx%3D1", 302)]
    assert '<a class="btn btn-primary btn-block" href="/settings/?x=1" target="_blank"' in answer.content.decode()


def test_signing_out_in_a_frame_ends_at_the_button(embedded, ops_client):
    left = ops_client.post("/accounts/logout/", headers=IN_A_FRAME)
    assert left["Location"] == "/accounts/login/"
    answer = ops_client.get(left["Location"], headers=IN_A_FRAME, follow=True)
    assert answer.redirect_chain == [("/embed/?next=", 302)]
    assert "A window opens for it." in answer.content.decode()


def test_every_cookie_is_marked_also_one_that_is_taken_back(embedded, ops):
    client = Client()
    cookies = [client.get("/accounts/login/").cookies["csrf"]]
    cookies.append(client.post("/accounts/login/", {"login": "marta", "password": PASSWORD}).cookies["sid"])
    left = client.post("/accounts/logout/").cookies["sid"]
    assert left["max-age"] == 0
    for cookie in (*cookies, left):
        assert re.search(r"SameSite=None", cookie.OutputString())
        assert re.search(r"Secure", cookie.OutputString())
        assert re.search(r"Partitioned", cookie.OutputString())
        assert cookie["path"] == "/"
        assert cookie["domain"] == ""


@pytest.mark.parametrize("mode", ["off", "same-site"])
def test_cookies_are_plain_where_a_frame_is_on_the_same_site(settings, client, db, mode):
    settings.EMBED_MODE = mode
    cookie = client.get("/accounts/login/").cookies["csrf"].OutputString()
    assert "SameSite=Lax" in cookie
    assert "Partitioned" not in cookie


@pytest.fixture
def said(settings):
    """What the checks say of these settings."""

    def look(mode, *origins, base_url="https://phones.example.com"):
        settings.EMBED_MODE, settings.EMBED_ORIGINS, settings.BASE_URL = mode, list(origins), base_url
        return [message.msg for message in frames_are_named(None)]

    return look


def test_what_is_whole_has_nothing_to_say(said):
    assert said("off") == []
    assert said("same-site", PORTAL, "https://intranet.example.com:8443") == []
    assert said("same-site", "http://127.0.0.1:9000", base_url="http://127.0.0.1:8000") == []
    assert said("cross-site", "https://portal.example.org", "http://localhost:9000") == []


def test_what_is_half_set_is_refused(said):
    assert "EMBED_MODE is same-site, which lacks EMBED_ORIGINS" in said("same-site")[0]
    assert "EMBED_ORIGINS without EMBED_MODE." in said("off", PORTAL)[0]
    assert "BASE_URL has no https" in said("cross-site", PORTAL, base_url="http://127.0.0.1:8000")[0]
    for other in ("https://portal.example.org", "http://localhost:9000"):
        assert f"{other} is on another site than https://phones.example.com" in said("same-site", other)[0]


@pytest.mark.parametrize(
    "origin",
    [
        *(
            "*",
            "https:",
            "https://*",
            "https://*.example.com",
            "https://portal.example.com/",
            "https://portal.example.com/x",
        ),
        *(
            "http://portal.example.com",
            "portal.example.com",
            "https://me@portal.example.com",
            "https://",
            "'self'",
            "null",
        ),
        *(
            "https://portal.example.com;script-src *",
            "https://a.example https://b.example",
            "https://localhost.:",
            "data:",
        ),
        *("http://127.0.0.1.evil.example", "https://portal.example.com?x", "https://portal.example.com\n"),
    ],
)
def test_an_origin_that_is_everybody_or_none_is_refused(said, origin):
    assert said("cross-site", origin) == [
        f"EMBED_ORIGINS has “{origin}”, which is no exact origin. Write one like https://portal.example.com."
    ]


@pytest.mark.parametrize(
    "embedding",
    [
        {},
        {"EMBED_MODE": "same-site", "EMBED_ORIGINS": PORTAL},
        {"EMBED_MODE": "cross-site", "EMBED_ORIGINS": "https://portal.example.org"},
    ],
)
def test_it_is_fit_to_be_deployed_in_every_mode(embedding, tmp_path):
    """As a company would: Django's own checks for a deployment find nothing either."""
    environment = {"PATH": os.environ["PATH"], "DOTENV": "", "SECRET_KEY": "".join(map(chr, range(33, 110)))}
    environment |= {"BASE_URL": "https://phones.example.com", "CLOSE_API_KEY": "api_of_nobody"}
    environment |= {"AUDIT_KEY": "sealing-" + "x" * 40}
    environment |= {"DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3", "STATIC_ROOT": str(tmp_path)}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=current.BASE_DIR, env=environment | embedding, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no issues" in done.stdout
