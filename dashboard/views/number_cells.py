"""A cell of a number that can be changed, as it answers: closed, refused, open, open again, in conflict.

To htmx each answer is the cell; without script the same editor stands on a page of its own.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from dashboard.context import connection_of
from dashboard.forms import EditForm, ForwardingForm, LabelForm, RingingForm, VoicemailForm, as_text
from dashboard.models import Change, Holding, PhoneNumber
from dashboard.services import fields
from dashboard.services.changes import Names
from dashboard.views.fragments import fragment, say
from dashboard.views.number_rows import row_for


@dataclass(frozen=True)
class Editor:
    """One cell that can be changed: its name in addresses and templates, its title, its form, its class."""

    name: str
    title: str
    form: type[EditForm]
    css: str

    @property
    def cell(self) -> str:
        return f"numbers/_cell_{self.name}.html"

    @property
    def template(self) -> str:
        return f"numbers/_edit_{self.name}.html"


EDITORS = {
    editor.name: editor
    for editor in (
        Editor("label", "Label", LabelForm, "c-label"),
        Editor("forwarding", "Forwarding", ForwardingForm, "c-fwd"),
        Editor("voicemail", "Greeting", VoicemailForm, "c-greet"),
        Editor("ringing", "Ring duration", RingingForm, "c-ring"),
    )
}


def closed(request: Any, number: PhoneNumber, editor: Editor, *, changed: bool = False) -> HttpResponse:
    """The cell with the number's value as the cache has it now; without script, the number's page."""
    if not request.htmx:
        return HttpResponseRedirect(reverse("number-detail", args=[number.close_id]), status=303)
    if changed:
        number.refresh_from_db()
    row = row_for(request.person, number, connection_of(request))
    response = fragment(request, editor.cell, {"row": row}, parts=("freshness",) if changed else ())
    if changed:
        response["HX-Trigger"] = json.dumps({"number-changed": {"id": number.close_id}})
    return response


def forbidden(request: Any, number: PhoneNumber, editor: Editor, why: str) -> HttpResponse:
    """403: the closed cell and the reason on the message line; a page with the reason without script."""
    if not request.htmx:
        return render(request, "403.html", {"words": why}, status=403)
    say(request, why, level="bad")
    row = row_for(request.person, number, connection_of(request))
    return fragment(request, editor.cell, {"row": row}, status=403)


def opened(request: Any, number: PhoneNumber, editor: Editor, *, focus: str) -> HttpResponse:
    """The editor as it opens, with the cached values; the number is read from Close meanwhile."""
    values = editor.form.values_of(number)
    context = {
        "values": editor.form.texts_of(number),
        "was": {name: as_text(value) for name, value in values.items()},
        "focus": focus if focus in values else editor.form.names[0],
        "fresh": True,
    }
    return _answer(request, number, editor, editor.template, context)


def opened_again(
    request: Any,
    number: PhoneNumber,
    editor: Editor,
    form: EditForm,
    *,
    words: str,
    status: int,
    retry: bool = False,
    at_field: bool = False,
    held: Sequence[Holding] = (),
) -> HttpResponse:
    """The editor with what was typed, and what is wrong with it, or what has to be said: how long it shall hold.

    `held`: the fields that an absence holds, where nobody has said yet what becomes of that.
    """
    names = editor.form.names
    wrong = next(iter(form.wrong), None) or (next(iter(form.after), names[0]) if at_field else "")
    context = {
        "values": form.shown,
        "was": form.started_from,
        "focus": wrong or next(iter(form.after), names[0]),
        "wrong": wrong,
        "words": words or " ".join(form.wrong.values()),
        "reason": form.data.get("reason", ""),
        "unknown_range": form.unknown_range,
        "retry": retry,
        "absence": held[0].occurrence if held else None,
    }
    return _answer(request, number, editor, editor.template, context, status=status)


def conflict(request: Any, number: PhoneNumber, editor: Editor, form: EditForm, change: Change) -> HttpResponse:
    """409: was, yours, now in Close. "Use mine" posts anew, starting from what Close holds now."""
    found = {name: value for name, value in (change.found or {}).items() if name in editor.form.names}
    now = {name: fields.normal(name, value) for name, value in {**form.was, **found}.items()}
    context = {
        "change": change,
        "names": Names(),
        "was": {name: as_text(value) for name, value in now.items()},
        "mine": {name: as_text(value) for name, value in form.after.items()},
        "reason": form.reason,
    }
    return _answer(request, number, editor, "numbers/_conflict.html", context, status=409)


def _answer(
    request: Any, number: PhoneNumber, editor: Editor, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """An open cell, or a page with nothing else on it. Each one carries an intent of its own."""
    row = row_for(request.person, number, connection_of(request))
    context |= {
        "row": row,
        "editor": editor,
        "url": f"{row['base']}edit/{editor.name}/",
        "cell": f"number-{number.close_id}-{editor.name}",
        "intent": str(uuid4()),
        # A browser heeds autofocus on a page of its own; in a cell the script moves the focus.
        "focus_mark": "data-focus" if request.htmx else "autofocus",
    }
    if request.htmx:
        return fragment(request, template, context, status=status, parts=("freshness",) if status > 499 else ())
    return render(request, "numbers/edit.html", {**context, "template": template}, status=status)
