"""What must hold before it starts: settings that are right one by one and still do not fit together.

`manage.py` looks at them before every command, and the web server before its first request. An error stops the start;
a warning is shown by `manage.py check --deploy`.
"""

import importlib.util
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import phonenumbers
from django.conf import settings
from django.core import checks
from django.db import DatabaseError

from dashboard.signin import proxies, roles
from dashboard.signin.tokens import is_loopback

TAG = "closephones"
PER_PROCESS = ("locmem.LocMemCache", "dummy.DummyCache")
Messages = Iterator[checks.CheckMessage]


def refuse_to_start_broken() -> None:
    """Raise SystemExit with the sentences of all errors; for the web server, which runs no checks by itself."""
    errors = [message for message in checks.run_checks(tags=[TAG]) if message.is_serious()]
    if errors:
        raise SystemExit("\n".join(f"{error.msg} {error.hint or ''}".strip() for error in errors))


def check(code: str, *, deploy: bool = False) -> Callable[[Callable[[], Messages]], Callable[..., Any]]:
    """Register a check that needs nothing but the settings; what it yields gets this code."""

    def register(look: Callable[[], Messages]) -> Callable[..., Any]:
        @checks.register(TAG, deploy=deploy)
        def run(app_configs: object, **kwargs: object) -> list[checks.CheckMessage]:
            found = list(look())
            for message in found:
                message.id = f"closephones.{code}"
            return found

        return run

    return register


@check("E001")
def cache_is_shared() -> Messages:
    """The counters of the sign-in limits are in the cache: one per process would let each process count anew."""
    backend = settings.CACHES["default"]["BACKEND"]
    if backend.endswith(PER_PROCESS) and not settings.DEBUG:
        yield checks.Error(
            "CACHE_URL names a cache that each process has for itself, so the limits of sign-in would not hold.",
            hint="Leave CACHE_URL out to use the database, or name a Redis server.",
        )
    if backend.endswith("redis.RedisCache") and importlib.util.find_spec("redis") is None:
        yield checks.Error(
            "CACHE_URL names a Redis server, and the Python package redis is not installed.",
            hint="Install it (pip install redis), or leave CACHE_URL out to use the database.",
        )


@check("E002")
def base_url_is_an_address() -> Messages:
    """Redirects, cookies and the names that are answered to follow from BASE_URL."""
    url = urlsplit(settings.BASE_URL)
    if (
        url.scheme not in ("http", "https")
        or not url.hostname
        or url.path
        or url.query
        or url.fragment
        or url.username
    ):
        yield checks.Error(
            f"BASE_URL is “{settings.BASE_URL}”, which is not the address of a site.",
            hint="Write it like https://phones.example.com, without a path.",
        )


@check("E003")
def hosts_are_exact() -> Messages:
    """A site that answers to every name can be called by a name that somebody else chose."""
    host = urlsplit(settings.BASE_URL).hostname
    if "*" in settings.ALLOWED_HOSTS:
        yield checks.Error(
            "ALLOWED_HOSTS contains *, so the site would answer to any name.",
            hint="List the names under which people open it, or leave ALLOWED_HOSTS out to use that of BASE_URL.",
        )
    elif host and not any(host == name or _is_below(host, name) for name in settings.ALLOWED_HOSTS):
        yield checks.Error(
            f"ALLOWED_HOSTS lacks {host}, the name in BASE_URL, so every request would be refused.",
            hint=f"Add {host}, or leave ALLOWED_HOSTS out.",
        )


@check("E004")
def real_data_travels_encrypted() -> Messages:
    """Passwords and the numbers of a real organisation must not cross a network in the open."""
    url = urlsplit(settings.BASE_URL)
    here = url.hostname in ("127.0.0.1", "localhost", "::1")
    if not settings.CLOSE_IS_LOOPBACK and url.scheme == "http" and not here:
        yield checks.Error(
            f"BASE_URL is {settings.BASE_URL}: passwords and phone numbers would travel unencrypted.",
            hint="Put a reverse proxy with a certificate before it (deploy/nginx.conf), and give BASE_URL https.",
        )
    if settings.DEBUG and not here:
        yield checks.Error(
            "DEBUG is on, so error pages would show the inside of the server to everybody who opens the site.",
            hint="Leave DEBUG out. It is for one's own machine, with a BASE_URL of 127.0.0.1.",
        )


@check("E005")
def countries_exist() -> Messages:
    """A country that does not exist would silently allow nothing."""
    unknown = [code for code in settings.FORWARD_COUNTRIES if code not in phonenumbers.SUPPORTED_REGIONS]
    if unknown:
        yield checks.Error(
            f"FORWARD_COUNTRIES names no country with {', '.join(unknown)}.",
            hint="Use two-letter codes: DE for Germany, GB for the United Kingdom.",
        )


@check("E006")
def amounts_make_sense() -> Messages:
    """The bounds within which the numbers among the settings do their work."""
    bounds = {"CLOSE_TIMEOUT": (1, 60), "SYNC_INTERVAL": (30, 86_400), "MIN_FREE_MB": (1, 1_000_000)}
    for name, (least, most) in bounds.items():
        value = getattr(settings, name)
        if not least <= value <= most:
            yield checks.Error(f"{name} is {value:g}; it has to be from {least} to {most}.")


@check("E007")
def roles_can_be_given() -> Messages:
    """A line of the map that cannot be would silently give nobody a role."""
    for group, text in settings.SSO_ROLE_MAP.items():
        try:
            roles.rule_of(group, text)
        except ValueError as error:
            yield checks.Error(str(error))
    if settings.MANUAL_ROLES == "off" and not settings.SSO_ROLE_MAP:
        yield checks.Error(
            "MANUAL_ROLES is off and SSO_ROLE_MAP is not set, so nobody but superusers could have a role.",
            hint="Set SSO_ROLE_MAP, or leave MANUAL_ROLES out.",
        )


@check("E008")
def company_account_is_whole() -> Messages:
    """Half of OpenID Connect would show a button that cannot work, or trust an issuer that anybody can play."""
    names = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
    missing = [name for name in names if not getattr(settings, name)]
    if missing and len(missing) < len(names):
        yield checks.Error(
            f"Sign-in with the company account lacks {' and '.join(missing)}.",
            hint=f"Set {', '.join(names)}, or none of them.",
        )
    issuer = urlsplit(settings.OIDC_ISSUER)
    if settings.OIDC_ISSUER and not ((issuer.scheme == "https" and issuer.hostname) or is_loopback(issuer.geturl())):
        yield checks.Error(
            f"OIDC_ISSUER is {settings.OIDC_ISSUER}; it has to begin with https://, or point at this machine."
        )
    if issuer.hostname == "login.microsoftonline.com" and issuer.path.split("/")[1:2] in (
        ["common"],
        ["organizations"],
        ["consumers"],
    ):
        yield checks.Error(
            f"OIDC_ISSUER is {settings.OIDC_ISSUER}, which lets people of every company in.",
            hint="Put your tenant's id in its place: https://login.microsoftonline.com/TENANT/v2.0.",
        )


@check("E009")
def somebody_can_sign_in() -> Messages:
    """Without passwords and without another way in, the door is shut for good."""
    if settings.LOCAL_LOGIN == "off" and not settings.OIDC_ISSUER and settings.PROXY_AUTH == "off":
        yield checks.Error(
            "LOCAL_LOGIN is off and there is no other way to sign in.",
            hint="Set OIDC_ISSUER with what belongs to it, or leave LOCAL_LOGIN out.",
        )


@check("E010")
def proxy_is_whole() -> Messages:
    """Half a proxy would believe what anybody can write into a header."""
    for words in proxies.problems():
        yield checks.Error(words)


@check("W001", deploy=True)
def close_is_connected() -> Messages:
    """It starts without a key, and says on every page that there is none; whoever deploys it wants to know now."""
    if not settings.CLOSE_API_KEY:
        yield checks.Warning(
            "CLOSE_API_KEY is not set: nothing can be read from Close.",
            hint="Make a key in Close (Settings, Developer, API keys) and set CLOSE_API_KEY or CLOSE_API_KEY_FILE.",
        )


@check("W002", deploy=True)
def teams_of_the_map_exist() -> Messages:
    """A team that Close does not have gives nothing; whoever wrote the map wants to know."""
    try:
        unknown = roles.unknown_teams()
    except (DatabaseError, ValueError):
        return
    if unknown:
        yield checks.Warning(
            f"SSO_ROLE_MAP names teams that Close does not have: {', '.join(unknown)}. They give nothing.",
            hint="Names are compared letter by letter. On a new database, read Close once first (sync_numbers).",
        )


def _is_below(host: str, name: str) -> bool:
    """Whether an entry like .example.com covers this host."""
    return name.startswith(".") and (host == name[1:] or host.endswith(name))
