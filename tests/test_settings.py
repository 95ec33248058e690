"""Settings come from the environment; what cannot be stops the start with a sentence."""

import os
import re
import runpy
import subprocess
import sys
from itertools import pairwise

import pytest
from django.conf import settings as current
from django.core.exceptions import ImproperlyConfigured

SETTINGS = current.BASE_DIR / "closephones" / "settings.py"
SIGN_IN = current.BASE_DIR / "closephones" / "sign_in.py"
EXAMPLE = current.BASE_DIR / ".env.example"


@pytest.fixture
def read(monkeypatch, tmp_path):
    """The settings that these variables make; everything else is not set."""

    def read(**variables):
        for name in [*example_names(), *(f"{name}_FILE" for name in example_names())]:
            monkeypatch.delenv(name, raising=False)
        given = {
            "DOTENV": "",
            "SECRET_KEY": "s" * 60,
            "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        } | variables
        for name, value in given.items():
            monkeypatch.setenv(name, str(value))
        monkeypatch.delitem(sys.modules, "closephones.sign_in", raising=False)
        return runpy.run_path(str(SETTINGS))

    return read


def example_names():
    return re.findall(r"^([A-Z_]+)=", EXAMPLE.read_text(), flags=re.MULTILINE)


def test_the_example_lists_every_setting_and_no_other():
    source = SETTINGS.read_text() + SIGN_IN.read_text()
    names = re.findall(r'\b(?:env\.\w+|one_of|words|json_object)\(\s*"([A-Z_]+)"', source)

    assert sorted(set(names)) == sorted(example_names())


def test_a_password_in_an_address_is_told_to_no_browser(read):
    made = read(SAML_METADATA="https://closephones:secret@login.example.com:8443/metadata")
    directives = made["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]
    assert directives["form-action"] == ["'self'", "https://login.example.com:8443"]


def test_the_example_explains_every_setting():
    lines = EXAMPLE.read_text().splitlines()

    alone = [line for above, line in pairwise(lines) if "=" in line and above[:1] != "#"]
    assert [line for line in alone if line[:1] != "#"] == []


def test_the_readme_has_a_line_for_every_setting():
    lines = re.findall(r"^\| `([A-Z_]+)` \| .", (current.BASE_DIR / "README.md").read_text(), flags=re.MULTILINE)

    assert sorted(lines) == sorted(example_names())


def test_what_the_example_says_is_the_default(read):
    given = dict(re.findall(r"^([A-Z_]+)=(.+)$", EXAMPLE.read_text(), flags=re.MULTILINE))

    copied, bare = read(**given), read()

    assert {name: copied[name] for name in given} == {name: bare[name] for name in given}


def test_an_empty_value_counts_as_not_set(read):
    assert read(SYNC_INTERVAL="", CACHE_URL="", ALLOWED_HOSTS="")["SYNC_INTERVAL"] == 300


def test_lists_may_have_spaces(read):
    made = read(ALLOWED_HOSTS="a.example, b.example", FORWARD_COUNTRIES="de, gb")

    assert made["ALLOWED_HOSTS"] == ["a.example", "b.example"]
    assert made["FORWARD_COUNTRIES"] == ["DE", "GB"]


def test_a_secret_comes_from_a_file_without_its_line_end(read, tmp_path):
    (tmp_path / "key").write_text("api_from_a_file\n")

    assert read(CLOSE_API_KEY_FILE=tmp_path / "key")["CLOSE_API_KEY"] == "api_from_a_file"
    assert "api_from_a_file" not in os.environ.values()


def test_https_makes_cookies_secure(read):
    made = read(BASE_URL="https://phones.example.com")

    assert made["ALLOWED_HOSTS"] == ["phones.example.com"]
    assert made["SESSION_COOKIE_NAME"] == "__Host-sid"
    assert made["SESSION_COOKIE_SECURE"]
    assert made["CSRF_COOKIE_SECURE"]
    assert made["SECURE_HSTS_SECONDS"] > 0


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set. Put a long random text into SECRET_KEY or SECRET_KEY_FILE."),
        ({"SECRET_KEY_FILE": "/nowhere"}, "SECRET_KEY and SECRET_KEY_FILE are both set. Keep one of them."),
        ({"CLOSE_API_KEY_FILE": "/nowhere/key"}, "CLOSE_API_KEY_FILE names /nowhere/key, which cannot be read"),
        ({"DEBUG": "maybe"}, 'DEBUG is "on" or "off", not "maybe".'),
        ({"SYNC_INTERVAL": "often"}, 'SYNC_INTERVAL has to be a number, not "often".'),
        ({"CLOSE_TIMEOUT": "ten"}, 'CLOSE_TIMEOUT has to be a number, not "ten".'),
        ({"WRITES": "no"}, 'WRITES is one of on, off, not "no".'),
        ({"SSO_ROLE_MAP": "sales"}, "SSO_ROLE_MAP has to be one JSON object: "),
        ({"SSO_ROLE_MAP": '{"sales": 1}'}, "SSO_ROLE_MAP has to be one JSON object of texts"),
        ({"LOCAL_LOGIN": "maybe"}, 'LOCAL_LOGIN is one of on, superusers, off, not "maybe".'),
        ({"PROXY_AUTH": "trust"}, "PROXY_AUTH is one of off, cloudflare, iap, alb, verified-access, pomerium, jwt"),
        ({"MANUAL_ROLES": "no"}, 'MANUAL_ROLES is one of on, off, not "no".'),
        ({"EMBED_MODE": "on"}, 'EMBED_MODE is one of off, same-site, cross-site, not "on".'),
        ({"EMAIL_URL": "mail.example.com"}, "EMAIL_URL is like smtp+tls://"),
        ({"EMAIL_URL": "imap://mail.example.com"}, "EMAIL_URL is like smtp+tls://"),
        ({"LOG_FORMAT": "xml"}, 'LOG_FORMAT is one of text, json, not "xml".'),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL is one of INFO, DEBUG, WARNING, ERROR, CRITICAL"),
        ({"TIME_ZONE": "Berlin"}, 'TIME_ZONE is a name like Europe/Berlin; "Berlin" is not known.'),
        ({"TIME_ZONE": "../etc/passwd"}, "TIME_ZONE is a name like Europe/Berlin"),
        ({"DATABASE_URL": "mysql://me@here/db"}, "DATABASE_URL begins with postgres:// or sqlite:///."),
        ({"CACHE_URL": "nonsense"}, "CACHE_URL begins with dbcache://, rediscache:// or filecache://."),
        ({"CLOSE_API_URL": "http://api.close.com"}, "CLOSE_API_URL must begin with https://"),
    ],
)
def test_a_wrong_value_stops_the_start_with_a_sentence(read, variables, words):
    with pytest.raises(ImproperlyConfigured) as refused:
        read(**variables)

    assert words in str(refused.value)


def test_the_command_line_says_it_without_a_traceback(tmp_path):
    done = manage("check", SECRET_KEY="s" * 60, TIME_ZONE="Berlin")

    assert done.returncode == 1
    assert done.stderr == 'TIME_ZONE is a name like Europe/Berlin; "Berlin" is not known.\n'


def test_a_file_of_settings_is_read_and_the_environment_wins(tmp_path):
    (tmp_path / "env").write_text(f"SECRET_KEY={'s' * 60}\nTIME_ZONE=Europe/Berlin\nWRITES=off\n")
    show = "from django.conf import settings; print(settings.TIME_ZONE, settings.WRITES)"

    done = manage("shell", "--no-imports", "-c", show, DOTENV=str(tmp_path / "env"), WRITES="on")

    assert done.stdout == "Europe/Berlin on\n"


def manage(*arguments, **variables):
    """Run manage.py in a process of its own, with nothing set but these variables."""
    return subprocess.run(
        [sys.executable, current.BASE_DIR / "manage.py", *arguments],
        env={"DOTENV": "", "PATH": os.environ["PATH"], "DATABASE_URL": "sqlite://:memory:"} | variables,
        capture_output=True,
        text=True,
    )
