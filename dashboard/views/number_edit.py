"""The editors of a number's fields: open, save, cancel, and what Close holds by now.

To htmx each answer is the cell, closed, open or in conflict; without script the same editor stands on a page of
its own. A change is saved by the engine (services/plans.py); here its outcome becomes what a person sees.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from dashboard import access
from dashboard.access import VIEWER, allow
from dashboard.close.errors import CloseError, NotFoundError
from dashboard.context import connection_of
from dashboard.forms import EditForm, ForwardingForm, LabelForm, RingingForm, VoicemailForm
from dashboard.models import Change, Outcome, PhoneNumber
from dashboard.services import fields, plans, sync
from dashboard.templatetags.ui import phone
from dashboard.views.fragments import fragment, say
from dashboard.views.number_rows import row_for
from dashboard.views.number_words import words_of


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


LABEL = Editor("label", "Label", LabelForm, "c-label")
FORWARDING = Editor("forwarding", "Forwarding", ForwardingForm, "c-fwd")
VOICEMAIL = Editor("voicemail", "Greeting", VoicemailForm, "c-greet")
RINGING = Editor("ringing", "Ring duration", RingingForm, "c-ring")
EDITORS = {editor.name: editor for editor in (LABEL, FORWARDING, VOICEMAIL, RINGING)}


@allow(VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_label(request: Any, close_id: str) -> HttpResponse:
    return edit(request, close_id, LABEL)


@allow(VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_forwarding(request: Any, close_id: str) -> HttpResponse:
    return edit(request, close_id, FORWARDING)


@allow(VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_voicemail(request: Any, close_id: str) -> HttpResponse:
    return edit(request, close_id, VOICEMAIL)


@allow(VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_ringing(request: Any, close_id: str) -> HttpResponse:
    return edit(request, close_id, RINGING)


def edit(request: Any, close_id: str, editor: Editor) -> HttpResponse:
    """GET opens the editor (`?cancel=1`: closes it), POST saves."""
    number = get_object_or_404(access.visible_numbers(request.person), close_id=close_id)
    if request.method == "POST":
        return save(request, number, editor)
    if "cancel" in request.GET:
        return closed(request, number, editor)
    if why := access.why_not(request.person, number, editor.form.names[:1], connection_of(request)):
        return forbidden(request, number, editor, why)
    values = editor.form.values_of(number)
    focus = request.GET.get("focus", "")
    return opened(
        request,
        number,
        editor,
        values={name: phone(value) if name == "forward_to" else as_text(value) for name, value in values.items()},
        was={name: as_text(value) for name, value in values.items()},
        focus=focus if focus in values else editor.form.names[0],
        fresh=True,
    )


def save(request: Any, number: PhoneNumber, editor: Editor) -> HttpResponse:
    """Judge what was posted, let the engine change it, and show what became of it."""
    form = editor.form(request.POST, number=number)
    valid = form.is_valid()
    asked = list(form.after) or editor.form.names[:1]
    if why := access.why_not(request.person, number, asked, connection_of(request)):
        return forbidden(request, number, editor, why)
    if not valid:
        return opened_again(request, number, editor, form, words=form.incomplete, status=422)
    if not form.after:
        return closed(request, number, editor)
    first_use = isinstance(form, ForwardingForm) and form.first_use
    try:
        change = plans.change_number(
            actor=request.person, number=number, after=form.after, was=form.was, intent=form.intent
        )
    except plans.HeldError as error:
        return opened_again(request, number, editor, form, words=f"Not saved: {error.words}", status=503)
    except plans.NotAllowedError as error:
        return forbidden(request, number, editor, error.words)
    # The engine noted how Close fared; the answer shows it.
    del request.connection
    status = plans.status_of(change)
    if change.state == Outcome.APPLIED:
        say(
            request,
            saved_words(editor, change, first_use=first_use),
            level="warn" if change.differs() else "ok",
            undo=change,
        )
        return closed(request, number, editor, changed=True)
    if change.state == Outcome.CONFLICT:
        return conflict(request, number, editor, form, change)
    return opened_again(
        request,
        number,
        editor,
        form,
        words=outcome_words(change),
        status=status,
        retry=True,
        at_field=change.state == Outcome.REFUSED,
    )


def saved_words(editor: Editor, change: Change, *, first_use: bool) -> str:
    """The sentence for the message line after a save, with what has to be known before an undo."""
    parts = [f"{editor.title} of {phone(change.number.number)} saved to Close."]
    if differs := change.differs():
        parts.append(f"Close made something else of it: {words_of(differs)}.")
    if first_use:
        parts.append("First use: no number of yours was forwarded there before.")
    if note := plans.undo_note(change).words:
        parts.append(f"Before you undo it: {note}")
    return " ".join(parts)


def outcome_words(change: Change) -> str:
    """What an open editor says of a change that was not applied."""
    if change.state == Outcome.REFUSED:
        return f"Close refused this: {change.error}"
    if change.state == Outcome.FAILED and change.error_kind == "away":
        return "Not saved: Close is unreachable. What you typed is kept here."
    if change.state == Outcome.FAILED:
        return f"Not saved: {change.error} What you typed is kept here."
    return (
        "Close did not say whether it saved this. closephones is finding out; "
        "the answer will stand on the page “Changes”. What you typed is kept here."
    )


def as_text(value: Any) -> str:
    """A value as forms carry it."""
    return ("false", "true")[value] if isinstance(value, bool) else str(value)


def closed(request: Any, number: PhoneNumber, editor: Editor, *, changed: bool = False) -> HttpResponse:
    """The cell with the number's value as the cache has it now; without script, the number's page."""
    if not request.htmx:
        return HttpResponseRedirect(reverse("number-detail", args=[number.close_id]), status=303)
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


def opened(request: Any, number: PhoneNumber, editor: Editor, *, status: int = 200, **context: Any) -> HttpResponse:
    """The open editor, in its cell or on a page of its own. Each one carries an intent of its own."""
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
        return fragment(
            request, editor.template, context, status=status, parts=("freshness",) if status > 499 else ()
        )
    return render(request, "numbers/edit.html", {**context, "template": editor.template}, status=status)


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
) -> HttpResponse:
    """The editor with what was typed, and what is wrong with it."""
    names = editor.form.names
    wrong = next(iter(form.wrong), None) or (next(iter(form.after), names[0]) if at_field else "")
    switched = isinstance(form, ForwardingForm) and form.needs_target
    return opened(
        request,
        number,
        editor,
        status=status,
        values={**form.shown, **({"forward_to_enabled": "true"} if switched else {})},
        was=form.started_from,
        focus=wrong or next(iter(form.after), names[0]),
        wrong=wrong,
        words=words or " ".join(form.wrong.values()),
        unknown_range=isinstance(form, ForwardingForm) and form.unknown_range,
        retry=retry,
    )


def conflict(request: Any, number: PhoneNumber, editor: Editor, form: EditForm, change: Change) -> HttpResponse:
    """409: was, yours, now in Close. "Use mine" posts anew, starting from what Close holds now."""
    found = {name: value for name, value in (change.found or {}).items() if name in editor.form.names}
    now = {name: fields.normal(name, value) for name, value in {**form.was, **found}.items()}
    shown = [name for name in editor.form.names if name in form.after or name in fields.differing(form.was, now)]
    row = row_for(request.person, number, connection_of(request))
    context = {
        "row": row,
        "editor": editor,
        "url": f"{row['base']}edit/{editor.name}/",
        "cell": f"number-{number.close_id}-{editor.name}",
        "intent": str(uuid4()),
        "lines": [
            ("Was", words_of(_only(form.was, shown))),
            ("Yours", words_of(_only({**now, **form.after}, shown))),
            ("Now in Close", words_of(_only(now, shown))),
        ],
        "was": {name: as_text(value) for name, value in now.items()},
        "mine": {name: as_text(value) for name, value in form.after.items()},
    }
    template = "numbers/_conflict.html"
    if request.htmx:
        return fragment(request, template, context, status=409)
    return render(request, "numbers/edit.html", {**context, "template": template}, status=409)


def _only(values: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


@allow(VIEWER)
@require_POST
def number_refresh(request: Any, close_id: str) -> HttpResponse:
    """Read this number from Close now.

    Asked by an open editor (`?field=` and its `was_` values), the answer is a line that says what Close holds
    instead, or nothing. Asked by a page, it is 204, with `number-changed` where something differed.
    """
    number = get_object_or_404(access.visible_numbers(request.person), close_id=close_id)
    if name := request.GET.get("field"):
        if name not in EDITORS:
            raise Http404
        return fragment(request, "numbers/_now.html", {"now": _now(number, EDITORS[name], request.POST)})
    differed = sync.refresh_number(number=number)
    if not request.htmx:
        return HttpResponseRedirect(reverse("number-detail", args=[close_id]), status=303)
    response = HttpResponse(status=204)
    if differed:
        response["HX-Trigger"] = json.dumps({"number-changed": {"id": close_id}})
    return response


def _now(number: PhoneNumber, editor: Editor, data: Any) -> str:
    """What an open editor should know about its field before it saves: a sentence, or ""."""
    try:
        sync.refresh_number(number=number)
    except NotFoundError:
        return "Close no longer has this number."
    except CloseError:
        return "Close does not answer just now. This is what it said last."
    try:
        started = editor.form(data, number=number).started()
    except ValidationError:
        return ""
    now = editor.form.values_of(number)
    names = fields.differing(started, now)
    return f"Now in Close: {words_of(_only(now, names))}" if names else ""
