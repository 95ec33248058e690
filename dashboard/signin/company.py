"""The company account, however it is asked: what OpenID Connect and SAML have in common, and the pages on which a
sign-in ends that did not succeed."""

import hashlib
import logging
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from dashboard.access import name_of
from dashboard.signin import sessions

log = logging.getLogger(__name__)

TAKEN = "The address belongs to an account that is there already."


def stored_name(kind: str, text: str) -> str:
    """A name of fixed length for what may be longer than a column, like "oidc-" and a part of a hash."""
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def name() -> str:
    """What the company account is called: on the button, on pages, and as the way of a sign-in in the history."""
    return str(settings.SAML_NAME if settings.SAML_METADATA else settings.OIDC_NAME)


def button() -> dict[str, str]:
    """The name and the address behind the button of the sign-in page; empty where there is no company account."""
    if settings.SAML_METADATA:
        return {"name": name(), "address": "saml-login"}
    if settings.OIDC_ISSUER:
        return {"name": name(), "address": "oidc-login"}
    return {}


def lead_to(request: HttpRequest, url: str, *, known: str) -> HttpResponse:
    """Lead the browser to `url` of the identity provider; `known` is the address of it that the settings name."""
    target, expected = urlsplit(url), urlsplit(known)
    if (target.scheme, target.netloc) != (expected.scheme, expected.netloc):
        # A form may lead to an origin that the settings name only; a page of ours leads anywhere.
        return render(request, "account/onward.html", {"url": url, "name": name()})
    return HttpResponseRedirect(url)


def address_is_taken(email: str) -> bool:
    """Whether an account that is there already has this address; nobody comes into it by the address alone."""
    people = get_user_model()._default_manager
    return bool(email) and people.filter(Q(email__iexact=email) | Q(username__iexact=email)).exists()


def stopped(request: HttpRequest, why: str, *, status: int, reason: str = "") -> HttpResponse:
    """The page on which a sign-in ends that did not succeed: away, refused, cancelled, taken or deactivated.

    `reason` says on it what was wrong with an answer, in a few words that hold nothing of the answer.
    """
    facts = {"why": why, "name": name(), "reason": reason}
    return render(request, "account/stopped.html", facts, status=status)


def away(request: HttpRequest, reason: object) -> HttpResponse:
    """The page for an identity provider that cannot be used now; the reason stands in the log."""
    log.warning("company sign-in: the issuer cannot be used: %s", reason)
    return stopped(request, "away", status=503)


def refused(request: HttpRequest, reason: object) -> HttpResponse:
    """The page for an answer that is not accepted. The reason stands on it, in the log and in the history."""
    log.warning("company sign-in refused: %s", reason)
    sessions.refused(request, way=name(), words=f"Not accepted: {reason}.")
    return stopped(request, "refused", status=401, reason=str(reason))


def taken(request: HttpRequest) -> HttpResponse:
    """The page for somebody whose address belongs to an account that they do not come into by it."""
    log.warning("company sign-in refused: the address belongs to an account that is there already")
    sessions.refused(request, way=name(), words=TAKEN)
    return stopped(request, "taken", status=409)


def deactivated(request: HttpRequest, user: Any, *, way: str) -> HttpResponse:
    """The page for somebody whose account here was deactivated; `way` is how they tried to sign in."""
    log.warning("sign-in refused: %s is deactivated", user.get_username())
    sessions.refused(request, way=way, words="The account is deactivated.", about=name_of(user))
    return stopped(request, "deactivated", status=403)
