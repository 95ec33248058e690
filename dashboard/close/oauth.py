"""OAuth 2 as Close speaks it: https://developer.close.com/api/overview/oauth-authentication.

A person allows the application on a page of Close's, which sends them back with a code; the code becomes an access
token for an hour and a refresh token, which is good for one use: the answer brings the next one. Close documents no
PKCE, so none is sent; what ties an answer to its question is ``state``, which is the caller's to check.
"""

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlencode, urlsplit

from . import fields
from .client import Client
from .errors import ServerError
from .pacing import Pacer

LIFETIME = 3600.0
"""Seconds that an access token lasts, as documented; what an answer says goes first."""

SECRET = ("client_secret", "code", "refresh_token", "token")
"""The fields of forms that Close must not be quoted with."""


@dataclass(frozen=True)
class Application:
    """What Close knows this program as, and where Close is.

    ``app_origin`` is where Close has its pages for people, like ``https://app.close.com``; ``api_url`` like
    ``https://api.close.com/api/v1``. Close sends people back to ``redirect_uri``. ``timeout`` and ``pacer`` are those
    of ``Client``.
    """

    app_origin: str
    api_url: str
    redirect_uri: str
    client_id: str
    client_secret: str = field(repr=False)
    timeout: float = 10.0
    pacer: Pacer | None = None


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What Close gives for a code or for a refresh token. ``lifetime`` is in seconds, of the access token."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    lifetime: float
    organization_id: str
    user_id: str

    @classmethod
    def parse(cls, data: object) -> Self:
        """Return the grant of a JSON value; ServerError without one of the two tokens."""
        raw = fields.whole_object(data, "token answer")
        lifetime = fields.whole_number(raw, "expires_in")
        return cls(
            access_token=fields.required_text(raw, "access_token", "token answer"),
            refresh_token=fields.required_text(raw, "refresh_token", "token answer"),
            lifetime=LIFETIME if lifetime is None else float(lifetime),
            organization_id=fields.text(raw, "organization_id") or "",
            user_id=fields.text(raw, "user_id") or "",
        )


def authorize_url(application: Application, *, state: str) -> str:
    """Return the page of Close's on which a person allows this program to act for them."""
    query = {
        "client_id": application.client_id,
        "response_type": "code",
        "scope": "all.full_access offline_access",
        "redirect_uri": application.redirect_uri,
        "state": state,
    }
    return f"{application.app_origin}/oauth2/authorize/?{urlencode(query)}"


def exchange(application: Application, *, code: str) -> Grant:
    """Return what Close gives for the code that a person came back with; CloseError where it gives nothing."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": application.redirect_uri}
    return Grant.parse(_post(application, "token", form))


def refresh(application: Application, *, refresh_token: str) -> Grant:
    """Return the next pair of tokens; ``refresh_token`` is worth nothing after that. CloseError as for all requests.

    An error without an answer leaves open whether Close has taken the refresh token.
    """
    return Grant.parse(_post(application, "token", {"grant_type": "refresh_token", "refresh_token": refresh_token}))


def revoke(application: Application, *, refresh_token: str) -> None:
    """Take back what was allowed; CloseError where Close does not do it. What its answer holds is not documented."""
    try:
        _post(application, "revoke", {"token": refresh_token})
    except ServerError as error:
        if not 200 <= (error.status or 0) < 300:
            raise


def _post(application: Application, what: str, more: dict[str, str]) -> dict[str, object]:
    form = {"client_id": application.client_id, "client_secret": application.client_secret, **more}
    parts = urlsplit(application.api_url)
    client = Client(
        f"{parts.scheme}://{parts.netloc}",
        secrets=[value for name, value in form.items() if name in SECRET],
        timeout=application.timeout,
        pacer=application.pacer,
        pool=1,
    )
    try:
        return client.post_form(f"oauth2/{what}/", form)
    finally:
        client.close()
