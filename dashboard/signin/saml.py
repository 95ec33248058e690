"""Signing in with the company account by SAML: three addresses, and what is ours about them.

The identity provider has the browser post its answer from another site, and cookies that stay on the site do not
travel with that. So the answer is verified where it arrives, kept for a moment under the question that it names, and
taken up by the browser that asked this question: it alone has it in its session.
"""

from typing import Any

from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.helpers import complete_social_login
from allauth.socialaccount.models import SocialApp
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from dashboard.access import ANYONE, allow
from dashboard.signin import company, saml_settings
from dashboard.signin.saml_answer import (
    ATTRIBUTES,
    PERSISTENT,
    Answer,
    Provider,
    RefusedAnswerError,
    answer_of,
    question,
)
from dashboard.signin.saml_metadata import IdentityProvider, MetadataError, identity_provider

# Seconds from the arrival of an answer until the browser that asked has taken it up.
KEPT = 120
NOT_BEGUN = "it does not belong to a sign-in begun here"


def provider_id(issuer: IdentityProvider) -> str:
    """The name under which the accounts of an identity provider are stored; another one has another."""
    return company.stored_name("saml", issuer.entity_id)


def provider(request: HttpRequest, issuer: IdentityProvider) -> Provider:
    """The identity provider of the settings, as allauth wants it."""
    app = SocialApp(
        provider="saml",
        provider_id=provider_id(issuer),
        name=settings.SAML_NAME,
        client_id=provider_id(issuer),
        settings={"attribute_mapping": ATTRIBUTES},
    )
    return Provider(request, app)


@allow(ANYONE)
@never_cache
@require_POST
def login(request: HttpRequest) -> HttpResponse:
    """Lead to the identity provider. `next` in the form is where to go afterwards."""
    _only_where_set()
    try:
        issuer = identity_provider()
    except MetadataError as error:
        return company.away(request, error)
    url, state = question(issuer)
    provider(request, issuer).stash_redirect_state(
        request, "login", next_url=get_next_redirect_url(request), state_id=state
    )
    return company.lead_to(request, url, known=settings.SAML_METADATA)


@allow(ANYONE)
@never_cache
@csrf_exempt
@require_POST
def answer(request: HttpRequest) -> HttpResponse:
    """Where the identity provider has the browser bring its answer."""
    _only_where_set()
    try:
        found = answer_of(request.POST.get("SAMLResponse", ""), identity_provider())
    except MetadataError as error:
        return company.away(request, error)
    except RefusedAnswerError as error:
        return company.refused(request, error)
    cache.set(_place_of(found.question), found.as_json(), KEPT)
    return HttpResponseRedirect(f"{reverse('saml-finish')}?{urlencode({'question': found.question})}")


@allow(ANYONE)
@never_cache
@require_safe
def finish(request: HttpRequest) -> HttpResponse:
    """Sign in whom the answer to a question of this browser vouches for."""
    _only_where_set()
    try:
        known = provider(request, identity_provider())
        asked = request.GET.get("question", "")
        state = known.unstash_redirect_state(request, asked)
        sign_in = known.sociallogin_from_response(request, _take(asked))
    except MetadataError as error:
        return company.away(request, error)
    except PermissionDenied:
        return company.refused(request, NOT_BEGUN)
    except RefusedAnswerError as error:
        return company.refused(request, error)
    sign_in.state = state
    response: HttpResponse = complete_social_login(request, sign_in)
    return response


@allow(ANYONE)
@require_safe
def metadata(request: HttpRequest) -> HttpResponse:
    """This site's own metadata, for the identity provider. They say nothing that its admin does not need."""
    _only_where_set()
    facts = {"entity_id": saml_settings.entity_id(), "address": saml_settings.answer_address(), "format": PERSISTENT}
    return render(request, "account/saml_metadata.xml", facts, content_type="application/samlmetadata+xml")


def _take(asked: str) -> Answer:
    """The answer to this question, once; PermissionDenied where there is none."""
    kept: dict[str, Any] | None = cache.get(_place_of(asked))
    if kept is None or not cache.delete(_place_of(asked)):
        raise PermissionDenied
    return Answer(**kept)


def _place_of(asked: str) -> str:
    return company.stored_name("saml-answer", asked)


def _only_where_set() -> None:
    if not settings.SAML_METADATA:
        raise Http404
