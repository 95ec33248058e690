"""How a view answers htmx: one fragment, then the parts that may ride along, and nothing else.

A fragment carries the header `X-Fragment: 1`; `static/js/swap.js` swaps errors only where it is set. After the
fragment may follow, out of band: the message line, the freshness line, the banners. They stand last and in a
`<template>`, because before a `<td>` the browser's parser would drop the cell.
"""

import json
from typing import Any
from urllib.parse import SplitResult, urlsplit
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from dashboard.models import Change


def fragment(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    status: int = 200,
    parts: tuple[str, ...] = (),
) -> HttpResponse:
    """Answer with `template`, followed by waiting messages and by `parts` ("freshness", "banners")."""
    html = render_to_string(template, context, request)
    riding = "".join(
        render_to_string("_message.html", {"message": waiting, "oob": True}, request)
        for waiting in messages.get_messages(request)
    )
    for part in parts:
        riding += render_to_string(f"_{part}.html", {"oob": True, **context}, request)
    # After a cell or a row the browser's parser empties every form that is not in a template; htmx looks into those.
    response = HttpResponse(html + (f"<template>{riding}</template>" if riding else ""), status=status)
    response["X-Fragment"] = "1"
    return response


def say(request: HttpRequest, text: str, *, level: str = "ok", undo: Change | None = None, back: str = "") -> None:
    """Put a sentence on the message line of the next answer: level is ok, warn or bad.

    `undo` adds the button; `back` is the id of the element to which the focus goes once that was pressed.
    """
    extra = {"level": level, "undo": undo.pk, "intent": str(uuid4()), "back": back} if undo else {"level": level}
    messages.add_message(request, messages.INFO, text, extra_tags=json.dumps(extra))


def plain_message(text: str, *, status: int) -> HttpResponse:
    """An answer to htmx that is only a sentence for the message line: nothing is swapped."""
    response = HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
    response["X-Message"] = "1"
    return response


def current_address(request: Any) -> SplitResult:
    """The page that htmx asks from, without its host; empty where there is none, or the header cannot be read."""
    try:
        return urlsplit(request.htmx.current_url_abs_path or "")
    except ValueError:
        # The header is the browser's to write, and anybody's who is none.
        return urlsplit("")
