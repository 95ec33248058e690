"""Who is asking, where an identity-aware proxy stands in front: looked at with every request, not only the first.

Nothing else lets anybody in then. A person is known by issuer and subject. What was refused stands in the log with
its reason; the assertion does not.
"""

import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth import get_user, get_user_model, logout
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import MiddlewareNotUsed
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dashboard.models import Kind
from dashboard.signin import aws, company, roles, sessions, tokens
from dashboard.signin.proxies import OF_AWS, Proxy, proxy

log = logging.getLogger(__name__)

# Asked by machines that carry no identity. The first shows nothing, the second one word to whom it does not know.
ALIVE, READY = "/healthz", "/readyz"
WAY = "the gateway"
SESSION_KEY = "proxy_identity"
LONGEST = 190


@dataclass(frozen=True)
class Identity:
    """Whom the proxy vouches for: `subject` at `issuer`, with what else it says."""

    issuer: str
    subject: str
    email: str
    name: str
    groups: tuple[str, ...]

    @property
    def provider(self) -> str:
        """The name under which the accounts of this issuer are stored."""
        return company.stored_name("proxy", self.issuer)


class RefusedError(Exception):
    """Nobody is let in by this request; `status` is 401, or 400 for a header from where none may come."""

    def __init__(self, reason: str, status: int = 401) -> None:
        super().__init__(reason)
        self.status = status


class ProxyMiddleware:
    """Signs in whom the proxy vouches for, ends every other session, and refuses everybody else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if settings.PROXY_AUTH == "off":
            raise MiddlewareNotUsed
        self.get_response = get_response

    @cached_property
    def proxy(self) -> Proxy:
        """The proxy of the settings; read at the first request, once the checks have seen that it can be."""
        return proxy()

    def __call__(self, request: Any) -> HttpResponse:
        if request.path == ALIVE or (request.path == READY and not self._says_who(request)):
            request.user = AnonymousUser()
            return self.get_response(request)
        try:
            identity = identify(request, self.proxy)
        except tokens.KeysAwayError as error:
            log.warning("proxy sign-in: %s", error)
            return _page(request, "keys_away", status=503)
        except RefusedError as error:
            log.warning("proxy sign-in refused: %s, from %s", error, request.META.get("REMOTE_ADDR", ""))
            sessions.refused(request, way=WAY, words=f"Not accepted: {error}.")
            if request.user.is_authenticated:
                sessions.end(request, Kind.ENDED, "The gateway did not vouch for a request.")
            return _page(request, "refused", status=error.status)
        if refusal := sign_in(request, identity):
            refusal["Cache-Control"] = "no-store"
            return refusal
        return self.get_response(request)

    def _says_who(self, request: HttpRequest) -> bool:
        return any(name in request.headers for name in self.proxy.headers)


def identify(request: HttpRequest, proxy: Proxy) -> Identity:
    """Whom the proxy vouches for in this request; RefusedError or KeysAwayError."""
    return _from_assertion(request, proxy) if proxy.signs else _from_headers(request, proxy)


def _from_assertion(request: HttpRequest, proxy: Proxy) -> Identity:
    token = request.headers.get(proxy.headers[0], "")
    if not token:
        raise RefusedError("no assertion")
    try:
        if proxy.kind in OF_AWS:
            claims = aws.claims_of(token, proxy)
        else:
            claims = tokens.claims_of(
                token,
                key=tokens.key_for(token, proxy.keys_url),
                algorithms=[proxy.algorithm],
                issuer=proxy.issuer,
                audience=proxy.audience,
            )
    except tokens.RefusedTokenError as error:
        raise RefusedError(f"an assertion {error}") from error
    if not tokens.domain_allowed(claims):
        raise RefusedError("an assertion of another domain")
    email, name = claims.get("email"), claims.get("name")
    return Identity(
        issuer=proxy.issuer,
        subject=_plain(claims["sub"], "subject"),
        email=_plain(email, "e-mail address") if isinstance(email, str) and email else "",
        name=name if isinstance(name, str) else "",
        groups=tuple(roles.groups_in(claims)),
    )


def _from_headers(request: HttpRequest, proxy: Proxy) -> Identity:
    values = [request.headers.get(name, "") for name in proxy.headers] + ["", ""]
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        # Behind a socket of the file system nobody has an address, so nobody can be told from the proxy.
        raise RefusedError("the other side has no address") from None
    if not any(address in network for network in proxy.networks):
        if any(values):
            raise RefusedError("a header of the proxy came from elsewhere", status=400)
        raise RefusedError("not through the proxy")
    subject, email, groups = values[:3]
    if not subject:
        raise RefusedError("no user in the header")
    return Identity(
        issuer=f"header {proxy.headers[0].lower()}",
        subject=_plain(subject, "user"),
        email=_plain(email, "e-mail address") if email else "",
        name="",
        groups=tuple(group for group in groups.split("|") if group) if "," not in groups else (),
    )


def _plain(value: str, what: str) -> str:
    """`value`, where it is one: a comma may be two headers that somebody joined, one of them forged."""
    if "," in value or not value.isprintable() or len(value) > LONGEST:
        raise RefusedError(f"the {what} holds what it may not")
    return value


def sign_in(request: Any, identity: Identity) -> HttpResponse | None:
    """Make `request.user` this person, with the role of now; the page to show instead where that may not be."""
    mark = [identity.provider, identity.subject]
    if not request.user.is_authenticated or request.session.get(SESSION_KEY) != mark:
        if request.user.is_authenticated:
            logout(request)
        user = _account(request, identity)
        if user is None:
            log.warning("proxy sign-in refused: the address belongs to an account that is there already")
            sessions.refused(request, way=WAY, words=company.TAKEN)
            return company.stopped(request, "taken", status=409)
        if not user.is_active:
            return company.deactivated(request, user, way=WAY)
        sessions.begin(request, user, way=WAY)
        request.session[SESSION_KEY] = mark
        # Read as with every later request: pages rely on what is read with a person.
        request.user = get_user(request)
    roles.settle(request.user, identity.groups)
    return None


def _account(request: HttpRequest, identity: Identity) -> Any:
    """The account of this person, made where there is none; None where somebody else has the address."""
    accounts = SocialAccount.objects.select_related("user")
    accounts = accounts.filter(provider=identity.provider, uid=identity.subject)
    if found := accounts.first():
        return found.user
    if company.address_is_taken(identity.email):
        return None
    first, _, last = identity.name.partition(" ")
    try:
        with transaction.atomic():
            user = get_user_model().objects.create_user(
                username=get_adapter(request).generate_unique_username([identity.email, identity.subject, "person"]),
                email=identity.email,
                first_name=first[:150],
                last_name=last[:150],
            )
            SocialAccount.objects.create(user=user, provider=identity.provider, uid=identity.subject)
    except IntegrityError:
        # Two first requests of one person at the same moment: the other was first.
        return accounts.get().user
    return user


def _page(request: HttpRequest, why: str, *, status: int) -> HttpResponse:
    response = render(request, "account/gateway.html", {"why": why}, status=status)
    response["Cache-Control"] = "no-store"
    return response
