"""Who calls: API keys and access tokens.

https://developer.close.com/api/overview/authentication: an API key is the user name of Basic authentication, with an
empty password; an access token is a Bearer token.
"""

import base64
import binascii
from collections.abc import Set

from .web import Call


def key_of(call: Call, keys: Set[str], tokens: Set[str]) -> str | None:
    """Return the API key or the access token that a call comes with, if it is one of these."""
    scheme, _, credentials = call.headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return credentials if credentials in tokens else None
        case "basic":
            try:
                user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return None
            return user if user in keys and not password else None
    return None
