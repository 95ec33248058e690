"""Ending sessions: one's own from the page Settings, anybody's from the page People."""

from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from dashboard.access import OPS_ADMIN, SIGNED_IN, allow, name_of
from dashboard.services import people
from dashboard.views import fragments


@allow(SIGNED_IN)
@require_POST
def settings_sessions(request: Any) -> HttpResponse:
    """Sign the person out everywhere but here."""
    ended = people.end_sessions(actor=request.person, user=request.user, but=request.session.session_key)
    words = f"You are signed out in {_browsers(ended)}." if ended else "You were signed in nowhere else."
    fragments.say(request, words)
    return HttpResponseRedirect(reverse("settings"), status=303)


@allow(OPS_ADMIN)
@require_POST
def people_sessions(request: Any, pk: int) -> HttpResponse:
    """Sign somebody out everywhere, at once; oneself everywhere else."""
    user: Any = get_object_or_404(get_user_model(), pk=pk)
    ended = people.end_sessions(actor=request.person, user=user, but=request.session.session_key)
    words = f"is signed out in {_browsers(ended)}" if ended else "was signed in nowhere"
    return _said(request, f"{name_of(user)} {words}.")


@allow(OPS_ADMIN)
@require_POST
def people_codes(request: Any, pk: int) -> HttpResponse:
    """Take away the two-step codes of somebody who has lost the phone."""
    user: Any = get_object_or_404(get_user_model(), pk=pk)
    try:
        people.take_codes(actor=request.person, user=user)
    except people.RefusedError as error:
        return _said(request, error.words, level="bad")
    return _said(request, f"{name_of(user)} is signed out, and sets up new codes at the next sign-in.")


def _browsers(count: int) -> str:
    return "one browser" if count == 1 else f"{count} browsers"


def _said(request: Any, words: str, *, level: str = "ok") -> HttpResponse:
    fragments.say(request, words, level=level)
    return HttpResponseRedirect(reverse("people-list"), status=303)
