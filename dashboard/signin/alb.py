"""The assertion of AWS's load balancer: who signed it stands in its head, and each key at an address of its own.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html
"""

import re
import time
from functools import lru_cache
from typing import Any

import jwt
from allauth.socialaccount.adapter import get_adapter
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from dashboard.signin.proxies import Proxy
from dashboard.signin.tokens import REST, KeysAwayError, RefusedTokenError
from dashboard.signin.tokens import claims_of as checked

_failed_at: dict[str, float] = {}


def claims_of(token: str, proxy: Proxy) -> dict[str, Any]:
    """What an assertion says, once it holds; RefusedTokenError or KeysAwayError. There is no `aud` in it."""
    try:
        head = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise RefusedTokenError("not a token") from error
    if head.get("signer") != proxy.audience:
        raise RefusedTokenError("from another load balancer")
    kid = head.get("kid")
    if not isinstance(kid, str) or not re.fullmatch(r"[A-Za-z0-9-]{1,64}", kid):
        raise RefusedTokenError("signed with an unknown key")
    return checked(
        token,
        key=_key(f"{proxy.keys_url}/{kid}"),
        algorithms=[proxy.algorithm],
        issuer=proxy.issuer,
        audience=None,
        required=("exp", "iss", "sub"),
    )


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
