"""Signing in and roles: the settings about who comes in, and how. Everything but passwords is off until it is set."""

import json
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from closephones.environment import env, one_of, words


def json_object(name: str) -> dict[str, str]:
    """A setting that is a JSON object of texts; empty where it is not set."""
    text = env.str(name, default="")
    try:
        value = json.loads(text or "{}")
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} has to be one JSON object: {error}.") from error
    if not isinstance(value, dict) or not all(isinstance(entry, str) for entry in value.values()):
        raise ImproperlyConfigured(f'{name} has to be one JSON object of texts, like {{"sales-ops": "ops_admin"}}.')
    return value


# --- passwords --------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["dashboard.signin.local.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# --- the sign-in page -------------------------------------------------------------------------

# superusers: a password is for emergencies; off: nobody signs in with one.
LOCAL_LOGIN = one_of("LOCAL_LOGIN", ("on", "superusers", "off"))
# on: an ops admin signs in with a password and a code (TOTP), and sets that up at the first sign-in.
_https = env.str("BASE_URL", default="").startswith("https://")
LOCAL_TWO_STEP = one_of("LOCAL_TWO_STEP", ("on", "off") if _https else ("off", "on"))
MFA_ADAPTER = "dashboard.signin.two_step.Adapter"
# Nobody verifies addresses here: ops admins and the company account make the accounts.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# The clock of the phone may be half a minute off.
MFA_TOTP_TOLERANCE = 1
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "dashboard.signin.local.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    "login_failed": "10/m/ip,5/300s/key",
    "hand_over": "60/m/ip",
    # Not about signing in: how often one person has numbers read from Close.
    "number_refresh": "30/m/user",
    # Each may read twenty.
    "plan_compare": "6/m/user",
}
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if _https else 0

# --- how long a sign-in lasts -------------------------------------------------------------------

SESSION_ENGINE = "dashboard.signin.sessions"
SESSION_HOURS = env.int("SESSION_HOURS", default=8)
# For ops admins, who can do most; 0: as long as anybody's.
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=60)

# --- the company account: OpenID Connect or SAML ---------------------------------------------

OIDC_ISSUER = env.str("OIDC_ISSUER", default="")
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", default="")
OIDC_NAME = env.str("OIDC_NAME", default="your company account")
# ... or SAML, an extra (deploy/requirements-saml.txt): the address or the file of the identity provider's metadata.
SAML_METADATA = env.str("SAML_METADATA", default="")
SAML_NAME = env.str("SAML_NAME", default="your company account")
SOCIALACCOUNT_ADAPTER = "dashboard.signin.accounts.SocialAccountAdapter"
# An account is known by issuer and subject. An address alone never leads into an account that is there already.
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_EMAIL_REQUIRED = False
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_STORE_TOKENS = False
# Seconds that a person waits for the issuer before a page says that it cannot be reached.
SOCIALACCOUNT_REQUESTS_TIMEOUT = 4
# What a form of ours may lead to besides ourselves: Chromium blocks the way to the issuer otherwise.
FORM_TARGETS = [
    # Without the name and the password that may stand before the host: everybody reads this.
    f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    for parts in map(urlsplit, (OIDC_ISSUER, SAML_METADATA))
    if parts.netloc
]

# --- an identity-aware proxy in front ----------------------------------------------------------

# Exclusive: where it is on, nobody signs in another way. What each kind needs says dashboard/signin/proxies.py.
PROXY_AUTH = one_of("PROXY_AUTH", ("off", "cloudflare", "iap", "alb", "verified-access", "pomerium", "jwt", "header"))
PROXY_HEADER = words("PROXY_HEADER")
PROXY_ALGORITHM = env.str("PROXY_ALGORITHM", default="")
PROXY_ISSUER = env.str("PROXY_ISSUER", default="")
PROXY_AUDIENCE = env.str("PROXY_AUDIENCE", default="")
PROXY_JWKS_URL = env.str("PROXY_JWKS_URL", default="")
TRUSTED_PROXY_CIDRS = words("TRUSTED_PROXY_CIDRS")

# --- roles from the company account -----------------------------------------------------------

# Google lets everybody in who has an account there; only people of these Workspace domains come in here.
SSO_DOMAINS = words("SSO_DOMAINS")
# Looked through in this order; the map says which group gives which role (dashboard/signin/roles.py).
SSO_ROLE_CLAIM = words("SSO_ROLE_CLAIM") or ["groups"]
SSO_ROLE_MAP = json_object("SSO_ROLE_MAP")
MANUAL_ROLES = one_of("MANUAL_ROLES", ("on", "off"))
