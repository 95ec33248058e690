"""Every setting of closephones. All of it comes from the environment; `.env.example` lists the names.

A secret can also come from a file: where `NAME_FILE` is set, `NAME` is read from that file. A value that cannot be
stops the start with a sentence; what has to fit together is looked at in `dashboard/checks/`.
"""

from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from closephones.environment import BASE_DIR, env, is_loopback, one_of, words
from closephones.sign_in import *  # noqa: F403
from closephones.sign_in import FORM_TARGETS, SESSION_HOURS

VAR_DIR = BASE_DIR / "var"

# --- the server -------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is not set. Put a long random text into SECRET_KEY or SECRET_KEY_FILE.")
BASE_URL = env.str("BASE_URL", default="http://127.0.0.1:8000").rstrip("/")
_https = BASE_URL.startswith("https://")
ALLOWED_HOSTS = words("ALLOWED_HOSTS") or [urlsplit(BASE_URL).hostname or "127.0.0.1"]
ROOT_URLCONF = "closephones.urls"
WSGI_APPLICATION = "closephones.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "csp",
    "django_filters",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "dashboard",
]

MIDDLEWARE = [
    "dashboard.signin.frames.PartitionedCookieMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "dashboard.compression.CompressionMiddleware",
    "csp.middleware.CSPMiddleware",
    "dashboard.signin.frames.FrameMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "dashboard.signin.proxy.ProxyMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "dashboard.middleware.AccessMiddleware",
    "dashboard.middleware.CloseErrorMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.context.page",
                "dashboard.signin.frames.page",
            ],
        },
    }
]

# --- what is stored ---------------------------------------------------------------------------

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'closephones.sqlite3'}")}
_database = DATABASES["default"]
if _database.get("ENGINE") not in {"django.db.backends.sqlite3", "django.db.backends.postgresql"}:
    raise ImproperlyConfigured("DATABASE_URL begins with postgres:// or sqlite:///.")
if _database["ENGINE"] == "django.db.backends.sqlite3":
    Path(_database["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    _database["OPTIONS"] = {
        # Readers never wait for a writer (WAL), a writer takes its lock at once instead of failing
        # half-way (IMMEDIATE), and what was committed survives a power cut (FULL).
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;",
    }
_database["CONN_MAX_AGE"] = 60
_database["CONN_HEALTH_CHECKS"] = True

# The cache holds the counters of the sign-in limits and what a window hands over to a frame, so it must be shared by
# all processes, and not small: it drops what is still needed once it is full.
try:
    CACHES = {"default": env.cache_url("CACHE_URL", default="dbcache://dashboard_cache?max_entries=100000")}
except ImproperlyConfigured as error:
    raise ImproperlyConfigured("CACHE_URL begins with dbcache://, rediscache:// or filecache://.") from error

# The queue lies in the database, or on Redis, an extra.
TASKS_URL = env.str("TASKS_URL", default="")
if TASKS_URL and not find_spec("django_tasks_rq"):
    raise ImproperlyConfigured("TASKS_URL needs an extra: pip install -r deploy/requirements-rq.lock")
if TASKS_URL and urlsplit(TASKS_URL).scheme not in ("redis", "rediss", "unix"):
    raise ImproperlyConfigured("TASKS_URL is like redis://127.0.0.1:6379/0.")
TASKS = {
    "default": {
        "BACKEND": "dashboard.redis_queue.RedisBackend" if TASKS_URL else "django_tasks_db.DatabaseBackend",
        "ENQUEUE_ON_COMMIT": True,
        "QUEUES": ["default", "walks", "plans", "messages"],
    }
}
if TASKS_URL:
    INSTALLED_APPS.append("django_rq")
    # A walk takes as long as it takes, and nobody waits long for a Redis that is away.
    _redis = f"{TASKS_URL}{'&' if '?' in TASKS_URL else '?'}socket_connect_timeout=2"
    RQ_QUEUES = {queue: {"URL": _redis, "DEFAULT_TIMEOUT": -1} for queue in ("default", "walks", "plans", "messages")}

# Of a file that is too large no more is kept than could be used.
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "dashboard.uploads.BoundedUploadHandler",
]

# A hand-over sends three fields for each number that somebody is on, and a plan holds 20,000 numbers.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 3 * 20_000 + 100

STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(VAR_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
# What the pages use is vendored there; what packages bring along is not served.
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "dashboard.storage.HashedStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG

# --- Close ------------------------------------------------------------------------------------

CLOSE_API_URL = env.str("CLOSE_API_URL", default="https://api.close.com/api/v1").rstrip("/")
CLOSE_API_KEY = env.str("CLOSE_API_KEY", default="")
CLOSE_TIMEOUT = env.float("CLOSE_TIMEOUT", default=10.0)
SYNC_INTERVAL = env.int("SYNC_INTERVAL", default=300)
# Connecting on the page Connection: what Close gave for this application, and the keys that what is stored is
# encrypted with: the first encrypts, all of them decrypt.
CLOSE_OAUTH_CLIENT_ID = env.str("CLOSE_OAUTH_CLIENT_ID", default="")
CLOSE_OAUTH_CLIENT_SECRET = env.str("CLOSE_OAUTH_CLIENT_SECRET", default="")
FIELD_KEYS = words("FIELD_KEYS")
# Close shows its pages to people beside its API: https://app.close.com.
CLOSE_APP_ORIGIN = "{0.scheme}://{0.netloc}".format(urlsplit(CLOSE_API_URL)).replace("://api.", "://app.", 1)
if CLOSE_OAUTH_CLIENT_ID:
    FORM_TARGETS.append(CLOSE_APP_ORIGIN)
CLOSE_IS_LOOPBACK = is_loopback(CLOSE_API_URL)
if not CLOSE_IS_LOOPBACK and not CLOSE_API_URL.startswith("https://"):
    raise ImproperlyConfigured("CLOSE_API_URL must begin with https://, or point at this machine.")

WRITES = one_of("WRITES", ("on", "off"))
FORWARD_COUNTRIES = [code.upper() for code in words("FORWARD_COUNTRIES")]
MIN_FREE_MB = env.int("MIN_FREE_MB", default=200)
HOLD_AFTER_HOURS = env.float("HOLD_AFTER_HOURS", default=12.0)

# --- what the browser is told -----------------------------------------------------------------

SESSION_COOKIE_AGE = SESSION_HOURS * 60 * 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_NAME = "__Host-sid" if _https else "sid"
CSRF_COOKIE_NAME = "__Host-csrf" if _https else "csrf"
# The page's script reads the token at each request: signing in again in another tab changes it.
CSRF_COOKIE_HTTPONLY = False
CSRF_FAILURE_VIEW = "dashboard.views.errors.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SECURE_SSL_REDIRECT = _https
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_REFERRER_POLICY = "same-origin"
# Browsers that know frame-ancestors, which is all of today's, go by that instead.
X_FRAME_OPTIONS = "DENY"

# In the company portal: whether it is on the same site as BASE_URL, and which pages may show ours in a frame.
EMBED_MODE = one_of("EMBED_MODE", ("off", "same-site", "cross-site"))
EMBED_ORIGINS = words("EMBED_ORIGINS")

# A greeting may lie anywhere on the web; the simulated organisation's lie on this machine.
_greetings = ["https:"]
if CLOSE_IS_LOOPBACK:
    _greetings.append("{0.scheme}://{0.netloc}".format(urlsplit(CLOSE_API_URL)))
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "media-src": [SELF, "blob:", *_greetings],
        "form-action": [SELF, *FORM_TARGETS],
        "base-uri": [NONE],
        # FrameMiddleware opens this for the pages that may stand in a frame.
        "frame-ancestors": [NONE],
    }
}

# --- language, time, records ------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
try:
    ZoneInfo(TIME_ZONE)
except (KeyError, OSError, ValueError) as error:
    raise ImproperlyConfigured(f'TIME_ZONE is a name like Europe/Berlin; "{TIME_ZONE}" is not known.') from error

# Where mail to ops admins goes out (manage.py watch); without it none is sent.
EMAIL_URL = env.str("EMAIL_URL", default="")
EMAIL_FROM = env.str("EMAIL_FROM", default=f"closephones@{urlsplit(BASE_URL).hostname}")
EMAIL_TIMEOUT = 20
try:
    globals().update(env.email_url("EMAIL_URL", default="dummymail://"))
except (ImproperlyConfigured, KeyError, ValueError) as error:
    raise ImproperlyConfigured("EMAIL_URL is like smtp+tls://user:password@mail.example.com:587.") from error
# The key of the history's chain. Without one it is drawn from SECRET_KEY, which a company may have to change.
AUDIT_KEY = env.str("AUDIT_KEY", default="")

# The chat in which messages are posted too; without it none is.
SLACK_WEBHOOK_URL = env.str("SLACK_WEBHOOK_URL", default="")

LOG_LEVEL = one_of("LOG_LEVEL", ("INFO", "DEBUG", "WARNING", "ERROR", "CRITICAL"))
LOG_FORMAT = one_of("LOG_FORMAT", ("text", "json"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
        "json": {"()": "dashboard.logs.JSONFormatter"},
        "bare": {"format": "{message}", "style": "{"},
    },
    "filters": {"no_secrets": {"()": "dashboard.logs.NoSecrets"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["no_secrets"]},
        # The history is apart, on standard output, so that it can be kept where nobody here can reach it.
        "history": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": "bare",
            "filters": ["no_secrets"],
        },
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "closephones.history": {"handlers": ["history"], "level": "INFO", "propagate": False},
    },
}
