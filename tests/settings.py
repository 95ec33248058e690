"""The settings of the tests: nothing is read from the outside but the database, and Close is this machine."""

import os

os.environ["DOTENV"] = ""
for name in [
    name for name in os.environ if name.startswith(("CLOSE_", "SSO_", "OIDC_", "PROXY_")) or name == "WRITES"
]:
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
from closephones.settings import DATABASES, STORAGES  # noqa: E402

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: other threads and processes take part in the tests.
    DATABASES["default"]["TEST"] = {"NAME": str(BASE_DIR / "var" / "test.sqlite3")}
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
