"""The assertions of AWS, from its load balancer and from Verified Access: what holds of one stands in its head.

The head is signed too. It names who signed, for which issuer, and until when; what follows need not repeat it. Each
key is at an address of its own.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html
https://docs.aws.amazon.com/verified-access/latest/ug/user-claims-passing.html
"""

import re
import time
from functools import lru_cache
from typing import Any

import jwt
from allauth.socialaccount.adapter import get_adapter
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from dashboard.signin.proxies import Proxy
from dashboard.signin.tokens import LEEWAY, REST, KeysAwayError, RefusedTokenError
from dashboard.signin.tokens import claims_of as checked

_failed_at: dict[str, float] = {}


def claims_of(token: str, proxy: Proxy) -> dict[str, Any]:
    """What an assertion says, once it holds; RefusedTokenError or KeysAwayError. There is no `aud` in it."""
    try:
        head = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise RefusedTokenError("not a token") from error
    if head.get("signer") != proxy.audience:
        raise RefusedTokenError("signed by somebody else")
    kid = head.get("kid")
    if not isinstance(kid, str) or not re.fullmatch(r"[A-Za-z0-9-]{1,64}", kid):
        raise RefusedTokenError("signed with an unknown key")
    claims = checked(
        token,
        key=_key(f"{proxy.keys_url}/{kid}"),
        algorithms=[proxy.algorithm],
        issuer=None,
        audience=None,
        required=(),
    )
    # From here on the head is known to be genuine.
    if head.get("iss") != proxy.issuer:
        raise RefusedTokenError("from another issuer")
    if not _is_in_time(head.get("exp")):
        raise RefusedTokenError("expired" if "exp" in head else "without the claim exp")
    claims = _of_identity_center(claims)
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise RefusedTokenError("without a subject")
    return claims


def _is_in_time(expires: Any) -> bool:
    try:
        return float(expires) > time.time() - LEEWAY
    except (TypeError, ValueError):
        return False


def _of_identity_center(claims: dict[str, Any]) -> dict[str, Any]:
    """IAM Identity Center says all it says in `user`, and nothing of groups."""
    user = claims.get("user")
    if "sub" in claims or not isinstance(user, dict):
        return claims
    email = user.get("email")
    return {"sub": user.get("user_id"), "email": email.get("address") if isinstance(email, dict) else None}


@lru_cache(maxsize=64)
def _key(url: str) -> Any:
    """The key at this address; it never changes there, so it is fetched once."""
    host = url.rpartition("/")[0]
    if time.monotonic() - _failed_at.get(host, -REST) < REST:
        raise KeysAwayError("the keys cannot be fetched")
    try:
        with get_adapter().get_requests_session() as session:
            answer = session.get(url, allow_redirects=False)
            if answer.status_code in (403, 404):
                raise RefusedTokenError("signed with an unknown key")
            answer.raise_for_status()
        return load_pem_public_key(answer.content)
    except (OSError, ValueError) as error:
        _failed_at[host] = time.monotonic()
        raise KeysAwayError("the keys cannot be fetched") from error
