"""Standing in a page of somebody else: which of our pages may, in whose, and what the browser keeps for us there.

https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy/frame-ancestors
https://developer.mozilla.org/en-US/docs/Web/Privacy/Guides/Third-party_cookies/Partitioned_cookies
"""

import re
from collections.abc import Callable, Iterator
from http.cookies import Morsel
from typing import Any
from urllib.parse import urlencode, urlsplit

from csp.constants import SELF
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from dashboard.signin.tokens import is_loopback

# What is done there is done in no frame, whoever's it is: signing in, own settings, the connection to Close.
ALONE = ("/accounts/", "/settings/", "/connection/", "/embed/start/", "/embed/carry/", "/embed/done/")
# What the browser says a page is fetched for (https://www.w3.org/TR/fetch-metadata/#sec-fetch-dest-header).
FRAMES = {"iframe", "frame", "embed", "object"}
PERMISSIONS = "camera=(), geolocation=(), microphone=(self), clipboard-write=(self)"
ORIGIN = re.compile(r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[::1\])(?::\d{1,5})?", re.IGNORECASE)


class FrameMiddleware:
    """Says with each page who may frame it; in a frame, leads from one that stands alone to one that may be there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "GET" and is_framed(request) and stands_alone(request.path):
            # The browser would show an error of its own instead.
            wanted = request.GET.get("next", "") if request.path == reverse("account_login") else None
            target = request.get_full_path() if wanted is None else wanted
            return HttpResponseRedirect(f"{reverse('embed')}?{urlencode({'next': target})}")
        response: Any = self.get_response(request)
        if settings.EMBED_MODE != "off" and not stands_alone(request.path):
            response._csp_replace = {"frame-ancestors": [SELF, *settings.EMBED_ORIGINS]}
        response["Permissions-Policy"] = PERMISSIONS
        return response  # type: ignore[no-any-return]


class PartitionedCookieMiddleware:
    """In a page of another site the browser keeps a cookie only if it is marked as belonging to that place.

    Outermost, so that it marks every cookie, also one that is taken back: otherwise signing out would leave it there.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if settings.EMBED_MODE != "cross-site":
            raise MiddlewareNotUsed
        _let_cookies_be_partitioned()
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for cookie in response.cookies.values():
            cookie["secure"] = cookie["partitioned"] = True
            cookie["samesite"] = "None"
        return response


def _let_cookies_be_partitioned() -> None:
    """Python knows this attribute from 3.14 on, Django 5.2 has no setting for it (ticket 34613)."""
    morsel: Any = Morsel
    if "partitioned" not in morsel._reserved:
        morsel._reserved["partitioned"] = "Partitioned"
        morsel._flags.add("partitioned")


def is_framed(request: HttpRequest) -> bool:
    """Whether the browser asks for this page in order to put it into a frame, which the settings allow."""
    return settings.EMBED_MODE != "off" and request.headers.get("Sec-Fetch-Dest") in FRAMES


def stands_alone(path: str) -> bool:
    """Whether the page at this address may be in no frame."""
    return path.startswith(ALONE)


def page(request: HttpRequest) -> dict[str, Any]:
    """The context of every page: whether it is in a frame, and which window signs in from there."""
    if settings.EMBED_MODE == "off":
        return {"framed": False}
    return {"framed": is_framed(request), "sign_in_window": window_address()}


def window_address() -> str:
    """Where the window begins that signs in. On the same site nothing is handed over: it shares the cookies."""
    return reverse("embed-start") if settings.EMBED_MODE == "cross-site" else sign_in_address()


def sign_in_address() -> str:
    """Where the window signs in, with the way on to its end."""
    return redirect_to_login(reverse("embed-done"), reverse("account_login"))["Location"]


def problems() -> Iterator[str]:
    """What is wrong with the settings of embedding, in sentences."""
    mode, origins = settings.EMBED_MODE, settings.EMBED_ORIGINS
    if mode == "off":
        if origins:
            yield "EMBED_ORIGINS without EMBED_MODE. Set EMBED_MODE to same-site or cross-site, or take it out."
        return
    if not origins:
        yield f"EMBED_MODE is {mode}, which lacks EMBED_ORIGINS: the pages that may show closephones in a frame."
    if mode == "cross-site" and not settings.BASE_URL.startswith("https://"):
        yield "EMBED_MODE is cross-site, and BASE_URL has no https: browsers keep no cookie in such a frame then."
    for origin in origins:
        if not ORIGIN.fullmatch(origin) or not (origin.startswith("https://") or is_loopback(origin)):
            yield f"EMBED_ORIGINS has “{origin}”, which is no exact origin. Write one like https://portal.example.com."
        elif mode == "same-site" and _site(origin) != _site(settings.BASE_URL):
            yield (
                f"EMBED_MODE is same-site, and {origin} is on another site than {settings.BASE_URL}. "
                "Set EMBED_MODE to cross-site, or give closephones a name beside the portal's."
            )


def _site(url: str) -> tuple[str, list[str]]:
    """What two addresses of one site have in common at least: how they are fetched, and the last two names."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    return parts.scheme, [host] if is_loopback(url) else host.split(".")[-2:]
