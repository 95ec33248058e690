"""The settings of the tests: nothing is read from the outside but the database, and Close is this machine."""

import os

os.environ["DOTENV"] = ""
OURS = (
    "CLOSE_",
    "SSO_",
    "OIDC_",
    "SAML_",
    "PROXY_",
    "EMBED_",
    "EMAIL_",
    "SESSION_",
    "LOCAL_",
    "AUDIT_",
    "FIELD_",
    "WRITES",
)
for name in [name for name in os.environ if name.startswith(OURS)]:
    del os.environ[name]
os.environ |= {
    "SECRET_KEY": "only-for-the-tests-" + "x" * 40,
    "CLOSE_API_URL": "http://127.0.0.1:9/api/v1",
    "CLOSE_API_KEY": "api_demo",
    "CACHE_URL": "dbcache://dashboard_cache",
    "ALLOWED_HOSTS": "testserver,127.0.0.1,localhost",
    "LOG_LEVEL": "WARNING",
    "MIN_FREE_MB": "1",
}

from closephones.environment import BASE_DIR  # noqa: E402
from closephones.settings import *  # noqa: E402, F403
from closephones.settings import DATABASES, LOGGING, STORAGES  # noqa: E402

# What processes of the tests say is looked at; the history would stand between.
LOGGING |= {"loggers": {"closephones.history": {"handlers": [], "level": "INFO", "propagate": False}}}

# What is committed need not outlive a power cut here; that the product asks for it is a test of its own.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: other threads and processes take part in the tests.
    DATABASES["default"]["TEST"] = {"NAME": str(BASE_DIR / "var" / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"
else:
    # Nothing here holds a lock for long: whoever waits for one that nobody gives back fails, and says at what.
    DATABASES["default"]["OPTIONS"] = {"options": "-c synchronous_commit=off -c lock_timeout=30s"}
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
