"""The pages for what went wrong: not allowed, not there, a stale form, our own failure."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template

from dashboard.views.fragments import plain_message


def forbidden(request: Any, exception: Exception | None = None) -> HttpResponse:
    """403: the sentence that came with the refusal."""
    words = str(exception or "") or "You may not do this. Ask an ops admin if you need to."
    if getattr(request, "htmx", False):
        return plain_message(words, status=403)
    return render(request, "403.html", {"words": words}, status=403)


def not_found(request: Any, exception: Exception | None = None) -> HttpResponse:
    """404: also for what exists and may not be seen."""
    if getattr(request, "htmx", False):
        return plain_message("There is nothing here. It was released, or it belongs to another team.", status=404)
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: needs neither database nor session."""
    return HttpResponse(get_template("500.html").render(), status=500)


def csrf_failure(request: Any, reason: str = "") -> HttpResponse:
    """403: the form's token is older than the sign-in."""
    words = "This page is older than your sign-in, so nothing was saved. Reload the page and try again."
    if getattr(request, "htmx", False) or request.headers.get("HX-Request"):
        return plain_message(words, status=403)
    return render(request, "403.html", {"words": words}, status=403)
