"""The bell: what this person should know, newest first, and that they have read it."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from dashboard.access import VIEWER, allow
from dashboard.services import notices

PER_PAGE = 50


@allow(VIEWER)
@require_safe
def notice_list(request: Any) -> HttpResponse:
    """The messages of this person, by page."""
    page = Paginator(notices.of(request.user), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "notices/list.html", {"page": page})


@allow(VIEWER)
@require_POST
def notice_read(request: Any) -> HttpResponse:
    """Note that this person has read all of their messages."""
    notices.mark_read(request.user)
    return HttpResponseRedirect(reverse("notice-list"), status=303)
