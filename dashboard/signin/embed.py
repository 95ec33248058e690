"""Signing in from a frame. The sign-in page stands in no frame, so a window opens for it, and hands the result over.

In a page of another site the browser keeps what is ours in a place of its own for that site, and the window has
another one. The frame gets a secret, used once, and gives it to the window that it has opened; whoever signs in there
approves it; the frame asks until that is so. The scripts are static/embed.js and static/embed-window.js.
"""

import secrets
from typing import Any

from allauth.account.utils import get_next_redirect_url
from allauth.core import ratelimit
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.access import ANYONE, SIGNED_IN, allow
from dashboard.signin import company, sessions
from dashboard.signin.frames import sign_in_address, stands_alone

LASTS = 5 * 60
NOBODY_YET = "nobody yet"
# In the frame's session: what it has asked for. In the window's: what it works for.
ASKED, CARRIES = "hand_over_asked", "hand_over_carries"
# What allauth knows about how the person signed in goes over with them.
KEPT = ("account_authentication_methods", "account_authentication_methods_user")


@allow(ANYONE)
@never_cache
@ensure_csrf_cookie
@require_safe
def entrance(request: HttpRequest) -> HttpResponse:
    """The page in the frame with the button to sign in; `next` is where to go on. Or why a page opens elsewhere."""
    _only_in()
    target = get_next_redirect_url(request) or reverse("home")
    if target.startswith(reverse("embed")):
        target = reverse("home")
    if not request.user.is_authenticated:
        return render(request, "embed/entrance.html", {"next": target})
    if stands_alone(target):
        return render(request, "embed/alone.html", {"next": target})
    return HttpResponseRedirect(target)


@allow(ANYONE)
@never_cache
@require_POST
def offer(request: HttpRequest) -> HttpResponse:
    """Give the frame a secret for the window that it has opened."""
    _only_in("cross-site")
    if refusal := ratelimit.consume_or_429(request, action="hand_over"):
        return refusal  # type: ignore[no-any-return]
    secret = secrets.token_urlsafe(32)
    cache.delete(request.session.get(ASKED, ""))
    request.session[ASKED] = key = _key(secret)
    cache.set(key, NOBODY_YET, LASTS)
    return JsonResponse({"secret": secret})


@allow(ANYONE)
@never_cache
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """The window: asks the frame that has opened it for the secret."""
    _only_in("cross-site")
    response = render(request, "embed/start.html")
    # The one page of ours that may speak with who has opened it.
    response["Cross-Origin-Opener-Policy"] = "unsafe-none"
    return response


@allow(ANYONE)
@never_cache
@require_POST
def carry(request: HttpRequest) -> HttpResponse:
    """The window brings the secret, and goes on to sign in."""
    _only_in("cross-site")
    key = _key(request.POST.get("secret", ""))
    if cache.get(key) != NOBODY_YET:
        return _too_late(request)
    request.session[CARRIES] = key
    onward = reverse("embed-done") if request.user.is_authenticated else sign_in_address()
    return HttpResponseRedirect(onward, status=303)


@allow(SIGNED_IN)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def done(request: HttpRequest) -> HttpResponse:
    """The window after signing in: approves what it carries, and may be closed."""
    _only_in()
    if request.method != "POST":
        return render(request, "embed/done.html", {"carries": CARRIES in request.session})
    key = request.session.pop(CARRIES, "")
    if cache.get(key) != NOBODY_YET:
        return _too_late(request)
    session: Any = request.session
    approved = {
        "user": request.user.pk,
        "way": session.get(sessions.FACTS, {}).get("way", ""),
        "began_at": session.began_at,
        "kept": {name: session[name] for name in KEPT if name in session},
    }
    cache.set(key, approved, LASTS)
    return HttpResponseRedirect(reverse("embed-done"), status=303)


@allow(ANYONE)
@never_cache
@require_POST
def claim(request: Any) -> HttpResponse:
    """The frame asks whether it is signed in: 200 yes, 202 not yet, 410 too late, 403 by nobody who may be here."""
    _only_in()
    if request.user.is_authenticated:
        return HttpResponse()
    key = request.session.get(ASKED)
    found: Any = cache.get(key) if key else NOBODY_YET
    if found == NOBODY_YET:
        return HttpResponse(status=202)
    # Used once: whoever deletes it has it.
    if found is None or not cache.delete(key):
        return HttpResponse(status=410)
    user: Any = get_user_model()._default_manager.get(pk=found["user"])
    if not user.is_active:
        return company.deactivated(request, user, way=found["way"])
    sessions.begin(request, user, way=f"{found['way']}, in a frame")
    # Going over makes it no longer: it lasts from when the person signed in.
    request.session.began_at = found["began_at"]
    request.session.update(found["kept"])
    del request.session[ASKED]
    return HttpResponse()


def _key(secret: str) -> str:
    """Where in the cache it stands what became of a secret; one of another installation means nothing here."""
    return "hand-over:" + salted_hmac(f"hand-over at {settings.BASE_URL}", secret, algorithm="sha256").hexdigest()


def _too_late(request: HttpRequest) -> HttpResponse:
    return render(request, "embed/done.html", {"late": True}, status=410)


def _only_in(*modes: str) -> None:
    if settings.EMBED_MODE not in (modes or ("same-site", "cross-site")):
        raise Http404
