"""The site itself: its addresses, what its processes share, its bounds, the history, the messages."""

import importlib.util
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks

from dashboard.checks.registering import Messages, check
from dashboard.signin.tokens import is_loopback

PER_PROCESS = ("locmem.LocMemCache", "dummy.DummyCache")


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


@check("W005", deploy=True)
def redis_elsewhere_asks_for_a_password() -> Messages:
    """What lies in a Redis is read as objects of Python: whoever can write there can run what they like here."""
    location = str(settings.CACHES["default"].get("LOCATION", ""))
    for name, url in (("TASKS_URL", settings.TASKS_URL), ("CACHE_URL", location)):
        parts = urlsplit(url)
        if parts.scheme in ("redis", "rediss") and not parts.password and not is_loopback(url):
            yield checks.Warning(
                f"{name} names a Redis at {parts.hostname} without a password: whoever reaches it can run what they "
                "like where closephones runs.",
                hint=f"Give that Redis a password (requirepass, or a user of its own) and write it into {name} or "
                f"{name}_FILE, like redis://user:password@host:6379/0.",
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


@check("E006")
def amounts_make_sense() -> Messages:
    """The bounds within which the numbers among the settings do their work."""
    bounds = {
        "CLOSE_TIMEOUT": (1, 60),
        "SYNC_INTERVAL": (30, 86_400),
        "MIN_FREE_MB": (1, 1_000_000),
        "HOLD_AFTER_HOURS": (1, 720),
        "SESSION_HOURS": (1, 168),
        "SESSION_IDLE_MINUTES": (0, 10_080),
    }
    for name, (least, most) in bounds.items():
        value = getattr(settings, name)
        if not least <= value <= most:
            yield checks.Error(f"{name} is {value:g}; it has to be from {least} to {most}.")


@check("E014")
def history_has_a_key_of_its_own() -> Messages:
    """Who knows the key can write the history anew."""
    if settings.AUDIT_KEY and (len(settings.AUDIT_KEY) < 32 or settings.AUDIT_KEY == settings.SECRET_KEY):
        yield checks.Error(
            "AUDIT_KEY is the same as SECRET_KEY, or has fewer than 32 characters.",
            hint="Put a long random text of its own into AUDIT_KEY or AUDIT_KEY_FILE, and keep it for good.",
        )


@check("W004", deploy=True)
def history_outlives_the_secret_key() -> Messages:
    """Without a key of its own nobody can verify the history any more once SECRET_KEY is changed."""
    if not settings.AUDIT_KEY:
        yield checks.Warning(
            "AUDIT_KEY is not set: the history is sealed with a key drawn from SECRET_KEY, and nobody can verify it "
            "any more once that is changed.",
            hint="Put a long random text of its own into AUDIT_KEY or AUDIT_KEY_FILE before the first start.",
        )


@check("E013")
def chat_is_reached_encrypted() -> Messages:
    """Messages name people and numbers."""
    url = settings.SLACK_WEBHOOK_URL
    if url and not url.startswith("https://") and not is_loopback(url):
        yield checks.Error("SLACK_WEBHOOK_URL has to begin with https://.", hint="Copy it from Slack once more.")


def _is_below(host: str, name: str) -> bool:
    """Whether an entry like .example.com covers this host."""
    return name.startswith(".") and (host == name[1:] or host.endswith(name))
