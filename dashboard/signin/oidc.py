"""Signing in with the company account: OpenID Connect by django-allauth, with what is ours about it.

Where allauth trusts the way a token took, the signature is looked at as well. An account is known by issuer and
subject, so that another issuer never reaches the accounts of this one.
https://openid.net/specs/openid-connect-core-1_0.html
"""

import time
from typing import Any

from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthError, ProviderException
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from dashboard.access import ANYONE, allow
from dashboard.signin import company, tokens

ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
DOCUMENT_LASTS = 3600
_documents: dict[str, tuple[float, dict[str, Any]]] = {}


def provider_id(issuer: str) -> str:
    """The name under which the accounts of an issuer are stored; another issuer has another."""
    return company.stored_name("oidc", issuer.rstrip("/"))


class RefusedError(OAuth2Error):
    """What the issuer answered is not accepted; the text says why and holds nothing of the answer."""


class AwayError(ProviderException):
    """The issuer's keys cannot be fetched. (That the issuer does not answer otherwise is an OSError.)"""


class Adapter(OpenIDConnectOAuth2Adapter):
    """Talks to the issuer; distrusts what it answers until it fits."""

    @property
    def openid_config(self) -> dict[str, Any]:
        """The issuer's discovery document, kept for an hour; RefusedError where it is not what it should be."""
        issuer = settings.OIDC_ISSUER
        fetched_at, document = _documents.get(issuer, (0.0, {}))
        if document and time.monotonic() - fetched_at < DOCUMENT_LASTS:
            return document
        document = super().openid_config
        if not isinstance(document, dict) or str(document.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
            raise RefusedError("the discovery document is of another issuer")
        if not all(tokens.is_safe(document.get(name)) for name in ENDPOINTS):
            raise RefusedError("the discovery document names an address that is not https")
        _documents[issuer] = (time.monotonic(), document)
        return document

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return request.build_absolute_uri(reverse("oidc-callback"))

    def complete_login(self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any) -> Any:
        if not kwargs["response"].get("id_token"):
            raise RefusedError("the answer has no id token")
        return super().complete_login(request, app, token, **kwargs)

    def _decode_id_token(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        document = self.openid_config
        try:
            claims = tokens.claims_of(
                id_token,
                key=tokens.key_for(id_token, document["jwks_uri"]),
                algorithms=tokens.ASYMMETRIC,
                issuer=document["issuer"],
                audience=app.client_id,
            )
        except tokens.RefusedTokenError as error:
            raise RefusedError(f"an id token {error}") from error
        except tokens.KeysAwayError as error:
            raise AwayError(str(error)) from error
        if not tokens.domain_allowed(claims):
            raise RefusedError("an id token of another domain")
        try:
            jwtkit.verify_jti(claims)
        except OAuth2Error as error:
            raise RefusedError("an id token used before") from error
        return claims


class Provider(OpenIDConnectProvider):
    """The one issuer of the settings."""

    oauth2_adapter_class = Adapter

    def get_scope(self) -> list[str]:
        """What is asked for; also the groups, where the issuer keeps them to itself unless asked, as Okta does."""
        scope: list[str] = super().get_scope()
        supported = self.get_oauth2_adapter(self.request).openid_config.get("scopes_supported")
        return [*scope, "groups"] if isinstance(supported, list) and "groups" in supported else scope


def provider(request: HttpRequest) -> Provider:
    """The issuer of the settings, as allauth wants it."""
    return Provider(
        request,
        SocialApp(
            provider="openid_connect",
            provider_id=provider_id(settings.OIDC_ISSUER),
            name=settings.OIDC_NAME,
            client_id=settings.OIDC_CLIENT_ID,
            secret=settings.OIDC_CLIENT_SECRET,
            settings={
                "server_url": settings.OIDC_ISSUER.rstrip("/"),
                "fetch_userinfo": False,
                "oauth_pkce_enabled": True,
                "uid_field": "sub",
            },
        ),
    )


def failed(request: HttpRequest, error: Any, exception: Any) -> HttpResponse:
    """The page that says what went wrong; the reason stands in the log, the token nowhere."""
    if error == AuthError.CANCELLED:
        return company.stopped(request, "cancelled", status=200)
    if isinstance(exception, (OSError, AwayError)):
        return company.away(request, type(exception).__name__)
    if isinstance(exception, RefusedError):
        return company.refused(request, exception)
    # What allauth says may hold the issuer's answer, so it stays out of the log.
    reason = "the issuer gave no token" if exception else "it does not belong to a sign-in begun here"
    return company.refused(request, reason)


@allow(ANYONE)
@never_cache
@require_POST
def login(request: HttpRequest) -> HttpResponse:
    """Lead to the issuer. `next` in the form is where to go afterwards."""
    _only_where_set()
    try:
        onward = provider(request).redirect(request, "login", next_url=get_next_redirect_url(request))
    except (OSError, RefusedError) as error:
        return company.away(request, error if isinstance(error, RefusedError) else type(error).__name__)
    return company.lead_to(request, onward["Location"], known=settings.OIDC_ISSUER)


@allow(ANYONE)
@never_cache
@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    """Where the issuer leads back to."""
    _only_where_set()
    adapter = Adapter(request, provider_id(settings.OIDC_ISSUER))
    response: HttpResponse = OAuth2CallbackView.adapter_view(adapter)(request)
    return response


def _only_where_set() -> None:
    if not settings.OIDC_ISSUER:
        raise Http404
