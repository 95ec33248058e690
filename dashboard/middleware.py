"""What happens around every view: who may call it, and what a person reads when Close does not answer."""

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from dashboard import access
from dashboard.close.errors import CloseError
from dashboard.context import time_zone
from dashboard.models import Kind
from dashboard.signin import sessions
from dashboard.views.answers import status_of_close
from dashboard.views.fragments import current_address, plain_message

log = logging.getLogger(__name__)

ATTACHMENT = re.compile(r'attachment; filename="([^"]+)"')


class AccessMiddleware:
    """Refuses everybody whom a view's stated rule does not allow; a view that states none is an error.

    Also puts the request into the reader's time zone.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Each request has its reader's time zone; a thread that serves the next one must not keep it.
        with timezone.override(None):
            response = self.get_response(request)
        # Whatever leaves as a file is an export, whichever view made it.
        if found := ATTACHMENT.match(response.get("Content-Disposition", "")):
            sessions.note(request, Kind.EXPORTED, about=found.group(1), words=request.GET.urlencode() or "All of it.")
        patch_vary_headers(response, ["HX-Request"])
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return response

    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        rule = getattr(view, "access_rule", None)
        if rule is None:
            raise ImproperlyConfigured(f"{view} states no rule of access.")
        request.person = self._person(request)
        if request.person.user.is_authenticated:
            timezone.activate(time_zone(request))
        if request.person.meets(rule):
            return None
        if not request.person.user.is_authenticated:
            return self._sign_in_first(request)
        if request.person.role is None:
            return self._no_role(request)
        raise PermissionDenied(access.not_for(rule))

    def _person(self, request: Any) -> access.Person:
        """Who is asking, with what they may do and how they came in; nobody where their session is over."""
        person = access.person(request.user)
        if not person.user.is_authenticated:
            return person
        if why := sessions.why_over(request, person):
            sessions.end(request, Kind.ENDED, why)
            return access.person(request.user)
        if request.headers.get(sessions.BACKGROUND) != "1":
            request.session.note_use()
        facts = request.session.get(sessions.FACTS, {})
        return replace(person, way=facts.get("way", ""), address=sessions.address_of(request))

    def _no_role(self, request: Any) -> HttpResponse:
        """The page that says so, with what the company account was asked for and what it said, if it did."""
        found: dict[str, Any] = {"ops_admins": access.ops_admins().order_by("first_name", "last_name", "pk")}
        if settings.SSO_ROLE_MAP and hasattr(request.user, "claimed"):
            found |= {"claims": settings.SSO_ROLE_CLAIM, "groups": request.user.claimed.groups}
        return render(request, "no_role.html", found, status=403)

    def _sign_in_first(self, request: Any) -> HttpResponse:
        """A page goes to the sign-in page; a fragment must not swap that page into a cell."""
        if not request.htmx:
            return redirect_to_login(request.get_full_path(), reverse("account_login"))
        page = current_address(request).geturl() or "/"
        response = HttpResponse(status=401)
        response["HX-Trigger"] = "session-expired"
        response["X-Sign-In"] = redirect_to_login(page, reverse("account_login"))["Location"]
        return response


class CloseErrorMiddleware:
    """The one place where an error of Close that no view handles becomes a sentence on the screen."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: Any, error: Exception) -> HttpResponse | None:
        if not isinstance(error, CloseError):
            return None
        log.warning("%s %s: %s", request.method, request.path, error.log)
        if request.htmx:
            return plain_message(error.screen, status=status_of_close(error))
        return render(request, "close_error.html", {"error": error}, status=status_of_close(error))
