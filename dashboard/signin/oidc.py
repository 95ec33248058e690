"""Signing in with the company account: OpenID Connect by django-allauth, with what is ours about it.

Where allauth trusts the way a token took, the signature is looked at as well. An account is known by issuer and
subject, so that another issuer never reaches the accounts of this one.
https://openid.net/specs/openid-connect-core-1_0.html
"""

import hashlib
import logging
import time
from typing import Any
from urllib.parse import urlsplit

from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthError, ProviderException
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from dashboard.access import ANYONE, allow
from dashboard.signin import roles, tokens

log = logging.getLogger(__name__)

ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
DOCUMENT_LASTS = 3600
_documents: dict[str, tuple[float, dict[str, Any]]] = {}


def provider_id(issuer: str) -> str:
    """The name under which the accounts of an issuer are stored; another issuer has another."""
    return "oidc-" + hashlib.sha256(issuer.rstrip("/").encode()).hexdigest()[:24]


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
        try:
            jwtkit.verify_jti(claims)
        except OAuth2Error as error:
            raise RefusedError("an id token used before") from error
        return claims


class Provider(OpenIDConnectProvider):
    """The one issuer of the settings."""

    oauth2_adapter_class = Adapter


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Who comes from the issuer gets an account of their own, and the role that their groups give at this moment."""

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Provider:
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

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Whoever the issuer vouches for has an account; what they see depends on their role alone."""
        return True

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        if sociallogin.is_existing:
            if not sociallogin.user.is_active:
                raise ImmediateHttpResponse(deactivated(request, sociallogin.user))
            roles.settle(sociallogin.user, _groups(sociallogin))
        elif address_is_taken(sociallogin.user.email):
            log.warning("company sign-in refused: the address belongs to an account that is there already")
            raise ImmediateHttpResponse(stopped(request, "taken", status=409))

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> Any:
        user = super().save_user(request, sociallogin, form)
        roles.settle(user, _groups(sociallogin))
        return user

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        """Say on a page of ours what went wrong; the reason stands in the log, the token nowhere."""
        if error == AuthError.CANCELLED:
            raise ImmediateHttpResponse(stopped(request, "cancelled", status=200))
        if isinstance(exception, (OSError, AwayError)):
            log.warning("company sign-in: the issuer cannot be used: %s", type(exception).__name__)
            raise ImmediateHttpResponse(stopped(request, "away", status=503))
        if isinstance(exception, RefusedError):
            reason = str(exception)
        else:
            # What allauth says may hold the issuer's answer, so it stays out of the log.
            reason = "the issuer gave no token" if exception else "it does not belong to a sign-in begun here"
        log.warning("company sign-in refused: %s", reason)
        raise ImmediateHttpResponse(stopped(request, "refused", status=401))


def _groups(sociallogin: Any) -> list[str]:
    return roles.groups_in(sociallogin.account.extra_data.get("id_token", {}))


def address_is_taken(email: str) -> bool:
    """Whether an account that is there already has this address; nobody comes into it by the address alone."""
    people = get_user_model()._default_manager
    return bool(email) and people.filter(Q(email__iexact=email) | Q(username__iexact=email)).exists()


def stopped(request: HttpRequest, why: str, *, status: int) -> HttpResponse:
    """The page on which a sign-in ends that did not succeed: away, refused, cancelled, taken or deactivated."""
    return render(request, "account/stopped.html", {"why": why, "name": settings.OIDC_NAME}, status=status)


def deactivated(request: HttpRequest, user: Any) -> HttpResponse:
    """The page for somebody whose account here was deactivated."""
    log.warning("sign-in refused: %s is deactivated", user.get_username())
    return stopped(request, "deactivated", status=403)


@allow(ANYONE)
@never_cache
@require_POST
def login(request: HttpRequest) -> HttpResponse:
    """Lead to the issuer. `next` in the form is where to go afterwards."""
    _only_where_set()
    provider = SocialAccountAdapter(request).get_provider(request, "")
    try:
        onward: HttpResponse = provider.redirect(request, "login", next_url=get_next_redirect_url(request))
    except (OSError, RefusedError) as error:
        reason = error if isinstance(error, RefusedError) else type(error).__name__
        log.warning("company sign-in: the issuer cannot be used: %s", reason)
        return stopped(request, "away", status=503)
    target, issuer = urlsplit(onward["Location"]), urlsplit(settings.OIDC_ISSUER)
    if (target.scheme, target.netloc) != (issuer.scheme, issuer.netloc):
        # A form may lead to the issuer's own origin only; a page of ours leads anywhere.
        return render(request, "account/onward.html", {"url": onward["Location"], "name": settings.OIDC_NAME})
    return onward


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
