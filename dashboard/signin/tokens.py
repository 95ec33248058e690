"""Signed tokens: whether one is genuine, meant for us, and not older than it may be.

Used by OpenID Connect and by identity-aware proxies. Nothing of a token ever stands in an error or in the log.
"""

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import jwt
from django.conf import settings
from jwt.exceptions import PyJWKClientConnectionError, PyJWKClientError

LEEWAY = 30
ASYMMETRIC = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
REQUIRED = ("exp", "iat", "aud", "iss", "sub")
# After a key server did not answer, nobody waits for it again this soon (seconds).
REST = 10


class RefusedTokenError(Exception):
    """The token is not to be trusted; the text says why, for the log."""


class KeysAwayError(Exception):
    """The keys could not be fetched, so nothing can be said about the token."""


class Keys(jwt.PyJWKClient):
    """The public keys at one address: kept for an hour, fetched anew for an unknown key, at most every 30 seconds.

    https://pyjwt.readthedocs.io/en/stable/api.html#jwt.PyJWKClient
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, lifespan=3600, timeout=4)
        self._failed_at = -float(REST)

    def fetch_data(self) -> Any:
        """Fetch; PyJWKClientConnectionError at once where the last attempt failed a moment ago."""
        if time.monotonic() - self._failed_at < REST:
            raise PyJWKClientConnectionError("did not answer a moment ago")
        try:
            return super().fetch_data()
        except (PyJWKClientError, ValueError, OSError) as error:
            self._failed_at = time.monotonic()
            raise PyJWKClientConnectionError(type(error).__name__) from error


@lru_cache(maxsize=64)
def keys_at(url: str) -> Keys:
    """The keys at this address, shared by all requests of the process."""
    return Keys(url)


def key_for(token: str, url: str) -> Any:
    """The key at `url` with which this token says it was signed; RefusedTokenError or KeysAwayError."""
    try:
        if "kid" not in jwt.get_unverified_header(token):
            # A token need not name its key where there is but one (OpenID Connect Core 10.1).
            return _only_key(keys_at(url))
        return keys_at(url).get_signing_key_from_jwt(token).key
    except PyJWKClientConnectionError as error:
        raise KeysAwayError("the keys cannot be fetched") from error
    except PyJWKClientError as error:
        raise RefusedTokenError("signed with an unknown key") from error
    except jwt.PyJWTError as error:
        raise RefusedTokenError("not a token") from error


def _only_key(keys: Keys) -> Any:
    found = keys.get_jwk_set().keys
    if len(found) != 1:
        raise RefusedTokenError("without the name of its key")
    return found[0].key


def claims_of(
    token: str,
    *,
    key: Any,
    algorithms: list[str],
    issuer: str | None,
    audience: str | None,
    required: tuple[str, ...] = REQUIRED,
) -> dict[str, Any]:
    """What a token says, once signature, algorithm, issuer, audience and times hold; RefusedTokenError where not.

    Without an `issuer` or an `audience` it is for the caller to know who signed, and for whom.
    """
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=algorithms,
            issuer=issuer,
            audience=audience,
            leeway=LEEWAY,
            options={"require": list(required), "verify_aud": audience is not None},
        )
    except jwt.MissingRequiredClaimError as error:
        raise RefusedTokenError(f"without the claim {error.claim}") from error
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        raise RefusedTokenError(REASONS.get(type(error), "not a token")) from error
    if "sub" in required and (not isinstance(claims["sub"], str) or not claims["sub"]):
        raise RefusedTokenError("without a subject")
    return claims


def domain_allowed(claims: Mapping[str, Any]) -> bool:
    """Whether these are somebody's of a Google domain that SSO_DOMAINS names; where it names none, everybody's.

    Google alone says `hd`, and only for people of a Workspace: the ending of an address proves nothing.
    https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
    """
    return not settings.SSO_DOMAINS or claims.get("hd") in settings.SSO_DOMAINS


REASONS: dict[type[Exception], str] = {
    jwt.ExpiredSignatureError: "expired",
    jwt.ImmatureSignatureError: "from the future",
    jwt.InvalidIssuedAtError: "from the future",
    jwt.InvalidAudienceError: "meant for somebody else",
    jwt.InvalidIssuerError: "from another issuer",
    jwt.InvalidSignatureError: "with a wrong signature",
    jwt.InvalidAlgorithmError: "signed in another way than agreed",
    jwt.InvalidKeyError: "signed in another way than agreed",
}


def is_loopback(url: str) -> bool:
    """Whether `url` points at this machine."""
    return (urlsplit(url).hostname or "") in {"127.0.0.1", "localhost", "::1"}


def is_safe(url: Any) -> bool:
    """Whether what is fetched from there cannot be changed on the way: https, or this machine."""
    return isinstance(url, str) and (url.startswith("https://") or (url.startswith("http://") and is_loopback(url)))
