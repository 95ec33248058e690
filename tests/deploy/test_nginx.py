"""Our nginx configuration in a real nginx, before real web servers: who comes in, and what never reaches them."""

import json
import os
import re
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model

from ..bench.servers import free_port, wait_for
from ..services.conftest import database_url
from ..signin.gateways import FORGERIES, HEADERS, Gateway
from ..signin.issuer import Key, running
from .conftest import DEPLOY, NAME

# They open the database of the tests, in processes of their own.
pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = {"uid": "7f3a", "email": "ana@example.com", "groups": "other|sales-ops"}
# Who is asking, by every proxy that we know of.
IDENTITY = re.findall(r"^proxy_set_header (\S+)", (DEPLOY / "nginx-identity.conf").read_text(), re.MULTILINE)


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers that reached it; and plays Authentik for whoever has its cookie."""

    def do_GET(self):
        self.send_response(401 if self.path.endswith("/auth/nginx") and "authentik" not in self.cookies else 200)
        for name, value in PEOPLE.items() if "authentik" in self.cookies else ():
            self.send_header(f"X-authentik-{name}", value)
        body = json.dumps(self.headers.items()).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @property
    def cookies(self):
        return self.headers.get("Cookie", "")

    def log_message(self, *_):
        pass


@contextmanager
def echo():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


class Sites:
    """Web servers as in production, each for the sites of some names; they start side by side."""

    def __init__(self, folder):
        self.folder, self.started = folder, []

    def start(self, *names, **variables):
        port = free_port()
        given = {
            "PATH": os.environ["PATH"],
            "DOTENV": "",
            "SECRET_KEY": "only-for-this-test-" + "x" * 40,
            "DATABASE_URL": database_url(),
            "STATIC_ROOT": str(self.folder),
            "BASE_URL": f"https://{names[0]}",
            "ALLOWED_HOSTS": ",".join(names),
            "CLOSE_API_URL": "http://127.0.0.1:9/api/v1",
            "SSO_ROLE_MAP": '{"everyone-sales": "viewer:*", "sales-ops": "ops_admin"}',
        } | variables
        command = [sys.executable, "-m", "gunicorn", "closephones.wsgi", "--bind", f"127.0.0.1:{port}"]
        command += ["--worker-class", "gthread", "--threads", "2", "--no-control-socket", "--log-level", "error"]
        process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=given)
        self.started.append((process, port))
        return port

    def stop(self):
        for process, _ in self.started:
            process.terminate()
        for process, _ in self.started:
            process.wait(20)

    def collect(self):
        """The files of the pages, which all of them name; a server looks for them when it starts."""
        given = {"PATH": os.environ["PATH"], "DOTENV": "", "SECRET_KEY": "x", "STATIC_ROOT": str(self.folder)}
        command = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
        subprocess.run(command, cwd=settings.BASE_DIR, env=given, check=True, timeout=120)

    def wait(self):
        for process, port in self.started:
            wait_for(process, port, "/healthz")


@pytest.fixture(scope="module")
def stage(nginx, tmp_path_factory, django_db_setup, django_db_blocker):
    """nginx, the sites behind it, and the gateways that sign for them."""
    with ExitStack() as stack, django_db_blocker.unblock():
        issuer = stack.enter_context(running(Key()))
        mirror = stack.enter_context(echo())
        sites = Sites(tmp_path_factory.mktemp("static"))
        stack.callback(sites.stop)
        sites.collect()
        nginx.gateways = {kind: Gateway(kind, issuer) for kind in HEADERS}
        for kind, gateway in nginx.gateways.items():
            port = sites.start(f"{kind}.example.com", f"shut-{kind}.example.com", **gateway.settings)
            if kind != "jwt":
                nginx.add(f"shut-{kind}.example.com", port)
            nginx.add(f"{kind}.example.com", port, through=[gateway.header] if kind != "jwt" else [])
        nginx.plain = sites.start(
            "authentik.example.com",
            PROXY_AUTH="header",
            PROXY_HEADER="X-authentik-uid,X-authentik-email,X-authentik-groups",
            TRUSTED_PROXY_CIDRS="127.0.0.1/32",
        )
        through = [f"X-authentik-{name}" for name in PEOPLE]
        nginx.add("authentik.example.com", nginx.plain, through=through, also="authentik", outpost=mirror)
        nginx.add("shut-authentik.example.com", nginx.plain)
        nginx.add(NAME, mirror)
        sites.wait()
        stack.enter_context(nginx.running())
        yield nginx


def test_what_a_stranger_says_of_themselves_reaches_nobody(stage):
    assert {header for header, _ in HEADERS.values()} - {"X-Test-Assertion"} <= set(IDENTITY)
    said = {name: "marta@example.com" for name in IDENTITY}
    said |= {name.replace("-", "_"): "marta@example.com" for name in IDENTITY}
    said |= {name.replace("-", "."): "marta@example.com" for name in IDENTITY}
    said |= {"SCRIPT_NAME": "/x", "X-Forwarded-For": "10.0.3.4", "X-Forwarded-Proto": "http", "Forwarded": "for=x"}
    said |= {"X-Forwarded-Host": "evil.test", "X-Forwarded-Ssl": "off", "Proxy": "http://evil.test"}
    arrived = dict(json.loads(stage.ask(NAME, headers=said).text))
    assert arrived == {
        "Host": f"{NAME}:{stage.https}",
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Proto": "https",
        "Connection": "close",
        "Content-Length": "0",
    }


def test_without_encryption_one_is_sent_on(stage):
    answer = stage.ask_http(NAME, "/numbers/?q=1")
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/numbers/?q=1")


@pytest.mark.parametrize("kind", HEADERS)
def test_each_kind_lets_its_people_in_and_no_forgery(stage, kind):
    gateway, site = stage.gateways[kind], f"{kind}.example.com"
    answer = stage.ask(site, "/settings/", headers={gateway.header: gateway.good()})
    assert answer.status == 200
    assert "Ana Ruiz" in answer.text
    assert re.search(r"__Host-sid=\w+; .*HttpOnly; .*Secure", "\n".join(answer.headers.get_all("Set-Cookie")))

    answers = {}
    for name, forge in FORGERIES.items():
        token = forge(gateway)
        answers[name] = stage.ask(site, "/settings/", headers={} if token is None else {gateway.header: token}).status
    assert {name: status for name, status in answers.items() if status != 401} == {}
    assert get_user_model().objects.count() == 1

    twice = [gateway.good(sub="somebody-else"), gateway.good()]
    assert stage.ask(site, "/settings/", headers={gateway.header: twice}).status == 401
    if kind != "jwt":
        # Even a good one does not get through where nginx is told of no proxy in front.
        shut = stage.ask(f"shut-{kind}.example.com", "/settings/", headers={gateway.header: gateway.good()})
        assert shut.status == 401


@pytest.mark.parametrize("kind", HEADERS)
def test_what_watches_over_the_service_has_no_identity(stage, kind):
    site = f"{kind}.example.com"
    assert (stage.ask(site, "/healthz").status, stage.ask(site, "/healthz").text) == (200, "ok")
    assert (stage.ask(site, "/readyz").status, stage.ask(site, "/readyz").text) == (503, "not ready")


def test_a_form_is_known_as_our_own_through_nginx(stage):
    gateway, site = stage.gateways["cloudflare"], "cloudflare.example.com"
    said = {gateway.header: gateway.good()}
    page = stage.ask(site, "/settings/", headers=said)
    cookies = "; ".join(value.split(";")[0] for value in page.headers.get_all("Set-Cookie"))
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
    said |= {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
    body = f"csrfmiddlewaretoken={token}"
    ours, theirs = {"Origin": f"https://{site}:{stage.https}"}, {"Origin": "https://evil.test"}
    assert stage.ask(site, "/accounts/logout/", "POST", body, said | theirs).status == 403
    answer = stage.ask(site, "/accounts/logout/", "POST", body, said | ours)
    assert (answer.status, answer.headers["Location"]) == (302, "/cdn-cgi/access/logout")


def test_authentik_says_who_is_asking_and_nobody_else_does(stage):
    site, forged = "authentik.example.com", {f"X-authentik-{name}": "marta" for name in PEOPLE}
    answer = stage.ask(site, "/settings/", headers=forged)
    assert answer.status == 302
    assert answer.headers["Location"].endswith(
        f"/outpost.goauthentik.io/start?rd=https://{site}:{stage.https}/settings/"
    )
    answer = stage.ask(site, "/settings/", headers={"Cookie": "authentik=1"} | forged)
    assert answer.status == 200
    assert get_user_model().objects.get().email == "ana@example.com"
    assert (stage.ask(site, "/healthz").text, stage.ask(site, "/readyz").text) == ("ok", "not ready")
    assert stage.ask("shut-authentik.example.com", "/settings/", headers={"Host": site} | forged).status != 200

    # Past nginx, from an address that is not the proxy's.
    past = HTTPConnection("127.0.0.1", stage.plain, source_address=("127.0.0.2", 0))
    past.request("GET", "/settings/", headers={"Host": site, "X-Forwarded-Proto": "https"} | forged)
    assert past.getresponse().status == 400
    past.close()
