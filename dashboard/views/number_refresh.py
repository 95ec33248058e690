"""Reading one number from Close now: for its page, and for an open editor that wants to know what Close holds."""

import json
from typing import Any

from allauth.core import ratelimit
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from dashboard import access
from dashboard.access import VIEWER, allow
from dashboard.close.errors import CloseError, NotFoundError
from dashboard.models import PhoneNumber
from dashboard.services import fields, sync
from dashboard.services.changes import Names
from dashboard.templatetags.changes import told
from dashboard.views.fragments import fragment, plain_message, say
from dashboard.views.number_cells import EDITORS, Editor

OFTEN = "You have had many numbers read in this minute, so this one was not. A save reads it in any case."


@allow(VIEWER)
@require_POST
def number_refresh(request: Any, close_id: str) -> HttpResponse:
    """Read this number from Close now.

    Asked by an open editor (`?field=` and its `was_` values), the answer is a line that says what Close holds
    instead, or nothing. Asked by a page, it is 204, with `number-changed` where something differed,
    else `number-read`.
    """
    number = get_object_or_404(access.visible_numbers(request.person), close_id=close_id)
    name = request.GET.get("field")
    if name and name not in EDITORS:
        raise Http404
    often = not ratelimit.consume(request, action="number_refresh", user=request.user)
    if name:
        now = OFTEN if often else _now(request.person, number, EDITORS[name], request.POST)
        return fragment(request, "numbers/_now.html", {"now": now}, status=429 if often else 200)
    if often and request.htmx:
        return plain_message(OFTEN, status=429)
    differed = not often and sync.refresh_number(number=number)
    if not request.htmx:
        if often:
            say(request, OFTEN, level="warn")
        return HttpResponseRedirect(reverse("number-detail", args=[close_id]), status=303)
    response = HttpResponse(status=204)
    response["HX-Trigger"] = json.dumps({"number-changed" if differed else "number-read": {"id": close_id}})
    return response


def _now(person: access.Person, number: PhoneNumber, editor: Editor, data: Any) -> str:
    """What an open editor should know about its field before it saves: a sentence, or ""."""
    try:
        sync.refresh_number(number=number)
    except NotFoundError:
        return "Close no longer has this number."
    except CloseError:
        return "Close does not answer just now. This is what it said last."
    try:
        started = editor.form(data, number=number, visible=access.visible_numbers(person)).started()
    except ValidationError:
        return ""
    now = editor.form.values_of(number)
    other = {name: now[name] for name in fields.differing(started, now)}
    return f"Now in Close: {told(other, started, Names(), of=editor.form.names)}" if other else ""
