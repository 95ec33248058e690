"""What has to fit together before it starts."""

import pytest
from cryptography.fernet import Fernet
from django.core import checks

from dashboard.checks import refuse_to_start_broken
from dashboard.models import Group


def found(*, deploy=False):
    """The sentences of what the checks find."""
    messages = checks.run_checks(tags=["closephones"], include_deployment_checks=deploy)
    return [f"{message.msg} {message.hint or ''}".strip() for message in messages]


@pytest.fixture(autouse=True)
def production(settings):
    """A set-up that holds: behind https, beside the real Close. Nothing is sent there; checks only look."""
    settings.DEBUG = False
    settings.BASE_URL = "https://phones.example.com"
    settings.ALLOWED_HOSTS = ["phones.example.com"]
    settings.CLOSE_IS_LOOPBACK = False
    settings.AUDIT_KEY = "sealing-" + "x" * 40


@pytest.mark.django_db
def test_a_good_set_up_has_nothing_to_say():
    assert found(deploy=True) == []
    refuse_to_start_broken()


@pytest.mark.parametrize("backend", ["locmem.LocMemCache", "dummy.DummyCache"])
def test_a_cache_of_one_process_is_refused(settings, backend):
    settings.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{backend}"}}

    assert found() == [
        "CACHE_URL names a cache that each process has for itself, so the limits of sign-in would not hold. "
        "Leave CACHE_URL out to use the database, or name a Redis server."
    ]
    settings.DEBUG, settings.BASE_URL, settings.ALLOWED_HOSTS = True, "http://127.0.0.1:8000", ["127.0.0.1"]
    assert found() == []


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["TASKS_URL", "CACHE_URL"])
def test_a_redis_elsewhere_without_a_password_is_said(settings, name):
    def ask(url):
        settings.TASKS_URL = url if name == "TASKS_URL" else ""
        if name == "CACHE_URL":
            settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url}}
        return [words for words in found(deploy=True) if "without a password" in words]

    assert f"{name} names a Redis at queue.example.com" in ask("redis://queue.example.com:6379/0")[0]
    assert ask("rediss://closephones:secret@queue.example.com:6379/0") == []
    assert ask("redis://127.0.0.1:6379/0") == []


@pytest.mark.parametrize(
    "url",
    ["phones.example.com", "ftp://phones.example.com", "https://phones.example.com/app", "https://me@x.example"],
)
def test_a_base_url_that_is_none_is_refused(settings, url):
    settings.BASE_URL = url
    settings.ALLOWED_HOSTS = ["phones.example.com", "x.example"]

    assert f"BASE_URL is “{url}”, which is not the address of a site." in found()[0]


def test_any_host_is_refused(settings):
    settings.ALLOWED_HOSTS = ["*"]

    assert "the site would answer to any name" in found()[0]


def test_the_name_in_the_base_url_has_to_be_allowed(settings):
    settings.ALLOWED_HOSTS = ["other.example.com"]

    assert found()[0].startswith("ALLOWED_HOSTS lacks phones.example.com")
    settings.ALLOWED_HOSTS = [".example.com"]
    assert found() == []


def test_a_real_organisation_needs_https_unless_it_is_opened_on_this_machine(settings):
    settings.BASE_URL = "http://phones.example.com"
    assert "passwords and phone numbers would travel unencrypted" in found()[0]

    settings.BASE_URL, settings.ALLOWED_HOSTS = "http://127.0.0.1:8000", ["127.0.0.1"]
    assert found() == []


def test_debug_stays_on_ones_own_machine(settings):
    settings.DEBUG = True

    assert found()[0].startswith("DEBUG is on, so error pages would show the inside of the server")


def test_countries_that_do_not_exist_are_named(settings):
    settings.FORWARD_COUNTRIES = ["DE", "UK", "XX"]

    assert found() == [
        "FORWARD_COUNTRIES names no country with UK, XX. "
        "Use two-letter codes: DE for Germany, GB for the United Kingdom."
    ]


@pytest.mark.parametrize(("name", "value"), [("CLOSE_TIMEOUT", 0.0), ("SYNC_INTERVAL", 1), ("MIN_FREE_MB", -1)])
def test_amounts_have_bounds(settings, name, value):
    setattr(settings, name, value)

    assert found()[0].startswith(f"{name} is {value:g}; it has to be from ")


@pytest.mark.django_db
def test_a_missing_key_is_a_warning_of_the_deployment_only(settings):
    settings.CLOSE_API_KEY = ""

    assert found() == []
    assert found(deploy=True)[0].startswith("CLOSE_API_KEY is not set: nothing can be read from Close.")
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    assert found(deploy=True) == []


def test_half_of_oauth_is_refused_and_the_missing_half_named(settings):
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    assert found() == []
    settings.CLOSE_OAUTH_CLIENT_ID = "oa2client_1"
    assert "Connecting to Close by OAuth lacks CLOSE_OAUTH_CLIENT_SECRET." in found()[0]
    settings.CLOSE_OAUTH_CLIENT_SECRET = "secret"
    assert found() == []
    settings.FIELD_KEYS = []
    assert "Connecting to Close by OAuth lacks FIELD_KEYS." in found()[0]


@pytest.mark.parametrize("key", ["secret", "c2hvcnQ=", "ü" * 44])
def test_a_field_key_that_is_none_is_refused_and_not_quoted(settings, key):
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), key]

    assert found()[0].startswith("Key 2 of FIELD_KEYS is none: it has to be 32 random bytes")
    assert key not in found()[0]


def test_the_web_server_does_not_start_broken(settings):
    settings.ALLOWED_HOSTS = ["*"]

    with pytest.raises(SystemExit, match="the site would answer to any name"):
        refuse_to_start_broken()


def test_a_map_of_roles_that_cannot_be_is_refused(settings):
    settings.SSO_ROLE_MAP = {"sales": "king"}

    assert found() == ["SSO_ROLE_MAP gives “sales” the role “king”; the roles are viewer, team_lead, ops_admin."]


def test_roles_that_nobody_could_have_are_refused(settings):
    settings.MANUAL_ROLES = "off"

    assert "nobody but superusers could have a role" in found()[0]
    settings.SSO_ROLE_MAP = {"sales": "ops_admin"}
    assert found() == []


@pytest.mark.django_db
def test_a_team_of_the_map_that_close_does_not_have_is_said(settings):
    settings.SSO_ROLE_MAP = {"sales": "viewer:Moon"}

    assert "SSO_ROLE_MAP names teams that Close does not have: Moon." in found(deploy=True)[0]
    Group.objects.create(close_id="group_moon", name="Moon")
    assert found(deploy=True) == []


@pytest.fixture
def company(settings):
    settings.OIDC_ISSUER = "https://login.example.com/realms/main"
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = "closephones", "secret"


@pytest.mark.parametrize("name", ["OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"])
def test_half_of_the_company_account_is_refused_and_the_missing_half_named(settings, company, name):
    assert found() == []
    setattr(settings, name, "")

    assert f"Sign-in with the company account lacks {name}." in found()[0]


@pytest.mark.parametrize("issuer", ["http://login.example.com", "login.example.com", "https://"])
def test_an_issuer_that_anybody_can_play_is_refused(settings, company, issuer):
    settings.OIDC_ISSUER = issuer

    assert "has to begin with https://, or point at this machine" in found()[0]
    settings.OIDC_ISSUER = "http://127.0.0.1:9400"
    assert found() == []


def test_an_issuer_of_every_company_is_refused(settings, company):
    settings.OIDC_ISSUER = "https://login.microsoftonline.com/common/v2.0"

    assert "lets people of every company in" in found()[0]


def test_everybody_with_an_account_at_google_is_refused(settings, company):
    settings.OIDC_ISSUER = "https://accounts.google.com"

    assert "lets everybody in who has an account there. Set SSO_DOMAINS" in found()[0]
    settings.SSO_DOMAINS = ["example.com"]
    assert found() == []
    settings.OIDC_ISSUER = settings.OIDC_CLIENT_ID = settings.OIDC_CLIENT_SECRET = ""
    assert "there is no company account that it could hold" in found()[0]


def test_a_door_that_is_shut_for_everybody_is_refused(settings):
    settings.LOCAL_LOGIN = "off"

    assert "LOCAL_LOGIN is off and there is no other way to sign in." in found()[0]


def test_the_key_of_the_history_is_its_own(settings):
    for key in ("short", settings.SECRET_KEY):
        settings.AUDIT_KEY = key
        assert found()[0].startswith("AUDIT_KEY is the same as SECRET_KEY, or has fewer than 32 characters.")


@pytest.mark.django_db
def test_a_history_that_would_not_outlive_the_secret_key_is_said(settings):
    settings.AUDIT_KEY = ""
    assert found() == []
    assert found(deploy=True)[0].startswith("AUDIT_KEY is not set: the history is sealed with a key drawn from")
