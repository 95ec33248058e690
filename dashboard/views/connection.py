"""The page Connection: who closephones is in Close, what it may do there, and connecting it anew."""

import secrets
import time
from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from dashboard import tasks
from dashboard.access import OPS_ADMIN, allow
from dashboard.context import connection_of
from dashboard.models import Credential, Standing
from dashboard.services import connecting, credentials
from dashboard.views import connection_words as words
from dashboard.views import fragments

STATE = "connecting"
# Somebody who takes longer than this on Close's page begins again.
STATE_SECONDS = 15 * 60
LONGEST = 500


@allow(OPS_ADMIN)
@require_safe
def connection(request: Any) -> HttpResponse:
    """How closephones is connected, with what may be done about it."""
    return render(request, "connection/page.html", _page(request))


@allow(OPS_ADMIN)
@require_POST
def begin(request: Any) -> HttpResponse:
    """Send the person to Close, where they allow it; a random text that only this session knows goes along."""
    state = secrets.token_urlsafe(32)
    try:
        url = connecting.ask_for_leave(state=state)
    except connecting.RefusedError as error:
        return _refused(request, error.words)
    request.session[STATE] = {"state": state, "until": time.time() + STATE_SECONDS}
    return HttpResponseRedirect(url, status=303)


@allow(OPS_ADMIN)
@require_safe
def callback(request: Any) -> HttpResponse:
    """Close sends the person back here, with a code or a refusal, and with the text that went along."""
    begun = request.session.get(STATE) or {}
    if not begun or not constant_time_compare(request.GET.get("state", ""), begun["state"]):
        # Nothing is forgotten, so that a stranger's link does not disturb somebody who is connecting.
        return _back(request, "This answer of Close’s belongs to nothing that was begun here. Connect once more.")
    del request.session[STATE]
    if time.time() > begun["until"]:
        return _back(request, "That took too long, so nothing was connected. Connect once more.")
    code = request.GET.get("code", "")
    if "error" in request.GET or not code or len(code) > LONGEST:
        return _back(request, "Close was not connected, because it was not allowed there. Nothing has changed.")
    try:
        connecting.by_oauth(actor=request.person, code=code)
    except connecting.RefusedError as error:
        return _back(request, error.words)
    return _connected(request)


@sensitive_post_parameters("api_key")
@allow(OPS_ADMIN)
@require_POST
def key(request: Any) -> HttpResponse:
    """Connect with an API key (field `api_key`). It is not shown again, whatever becomes of it."""
    api_key = request.POST.get("api_key", "").strip()
    if not api_key or len(api_key) > LONGEST or not (api_key.isascii() and api_key.isprintable()) or " " in api_key:
        return _refused(request, "This is no key. Copy it from Close: Settings, Developer, API keys.")
    try:
        connecting.by_key(actor=request.person, api_key=api_key)
    except connecting.RefusedError as error:
        return _refused(request, error.words)
    return _connected(request)


@allow(OPS_ADMIN)
@require_POST
def disconnect(request: Any) -> HttpResponse:
    """Take the access back and forget it."""
    if connecting.disconnect(actor=request.person):
        fragments.say(request, "closephones is disconnected from Close. What was read stays readable.")
    else:
        told = "Close could not be told: take closephones away there too, under Settings, Connected apps."
        fragments.say(request, f"What was stored here is deleted. {told}", level="warn")
    return HttpResponseRedirect(reverse("connection"), status=303)


def _connected(request: Any) -> HttpResponse:
    tasks.refresh.enqueue(asked_by=request.person.name)
    fragments.say(request, "closephones is connected to Close, and reads it now.")
    return HttpResponseRedirect(reverse("connection"), status=303 if request.method == "POST" else 302)


def _back(request: Any, text: str) -> HttpResponse:
    """To the page itself, so that what Close sent along does not stay in the address."""
    fragments.say(request, text, level="bad")
    return HttpResponseRedirect(reverse("connection"))


def _refused(request: Any, text: str) -> HttpResponse:
    return render(request, "connection/page.html", _page(request, refused=text), status=422)


def _page(request: Any, *, refused: str = "") -> dict[str, Any]:
    stored = credentials.stored_credential()
    here = connection_of(request)
    in_use = settings.CLOSE_API_KEY or (stored.api_key or stored.access_token if stored else "")
    return {
        "refused": refused,
        "stored": stored,
        "by_environment": bool(settings.CLOSE_API_KEY),
        "by_oauth": bool(stored and stored.kind == Credential.Kind.OAUTH),
        "ends_in": words.ends_in(in_use),
        "is_connected": bool(in_use) and not here.problem and bool(here.organization_id),
        "standing": Standing.objects.filter(pk=1).first(),
        "beyond": words.beyond_need(here.permissions),
        "waiting": connecting.waiting(),
        "why_not": connecting.why_not(),
        "has_application": connecting.has_application(),
    }
