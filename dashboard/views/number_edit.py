"""The editors of a number's fields: open, save, cancel.

A change is saved by the engine (services/plans.py); here its outcome becomes what a person sees (number_cells.py).
"""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from dashboard import access
from dashboard.access import VIEWER, allow
from dashboard.context import connection_of
from dashboard.models import Change, Outcome, PhoneNumber
from dashboard.services import absence_holds, holdings, plans
from dashboard.services.changes import Names
from dashboard.templatetags.changes import saved_otherwise
from dashboard.templatetags.ui import phone
from dashboard.views.answers import status_of_change, status_of_refusal
from dashboard.views.fragments import say
from dashboard.views.number_cells import EDITORS, Editor, closed, conflict, forbidden, opened, opened_again


@allow(VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: Any, close_id: str, field: str) -> HttpResponse:
    """GET opens the editor of this name (`?cancel=1`: closes it), POST saves."""
    editor = EDITORS[field]
    number = get_object_or_404(access.visible_numbers(request.person), close_id=close_id)
    if request.method == "POST":
        return save(request, number, editor)
    if "cancel" in request.GET:
        return closed(request, number, editor)
    if why := access.why_not(request.person, number, editor.form.names[:1], connection_of(request)):
        return forbidden(request, number, editor, why)
    return opened(request, number, editor, focus=request.GET.get("focus", ""))


def save(request: Any, number: PhoneNumber, editor: Editor) -> HttpResponse:
    """Judge what was posted, let the engine change it, and show what became of it."""
    form = editor.form(request.POST, number=number, visible=access.visible_numbers(request.person))
    valid = form.is_valid()
    asked = list(form.after) or editor.form.names[:1]
    if why := access.why_not(request.person, number, asked, connection_of(request)):
        return forbidden(request, number, editor, why)
    if not valid:
        return opened_again(request, number, editor, form, words=form.incomplete, status=422)
    if not form.after:
        return closed(request, number, editor)
    absence_holds.note_begun_of(number)
    held, hold = list(holdings.of_number(number, form.after)), request.POST.get("hold")
    if held and hold not in holdings.ANSWERS:
        return opened_again(request, number, editor, form, words="", status=422, held=held)
    # Asked before the number itself forwards there.
    first_use = form.first_use
    try:
        change = plans.change_number(
            actor=request.person,
            number=number,
            after=form.after,
            was=form.was,
            intent=form.intent,
            reason=form.reason,
            hold=str(hold) if held else "",
            connection=connection_of(request),
        )
    except plans.HeldError as error:
        return opened_again(
            request, number, editor, form, words=f"Not saved: {error.words}", status=status_of_refusal(error)
        )
    except plans.NotAllowedError as error:
        return forbidden(request, number, editor, error.words)
    # The engine noted how Close fared; the answer shows it. After a save that is news only where Close was away.
    if change.state != Outcome.APPLIED or connection_of(request).away_since:
        del request.connection
    if change.state == Outcome.APPLIED:
        otherwise = saved_otherwise(change, Names())
        words = saved_words(editor, change, otherwise=otherwise, first_use=first_use)
        back = f"number-{number.close_id}-{editor.name}"
        say(request, words, level="warn" if otherwise else "ok", undo=change, back=back)
        return closed(request, number, editor, changed=True)
    if change.state == Outcome.CONFLICT:
        return conflict(request, number, editor, form, change)
    return opened_again(
        request,
        number,
        editor,
        form,
        words=outcome_words(change),
        status=status_of_change(change),
        retry=True,
        at_field=change.state == Outcome.REFUSED,
    )


def saved_words(editor: Editor, change: Change, *, otherwise: str, first_use: bool) -> str:
    """The sentence for the message line after a save, with what has to be known before an undo."""
    parts = [f"{editor.title} of {phone(change.number.number)} saved to Close."]
    if otherwise:
        parts.append(f"Close saved it as {otherwise}.")
    if first_use:
        parts.append("First use: no number of yours was forwarded there before.")
    if note := plans.undo_note(change, undone=False).words:
        parts.append(f"Before you undo it: {note}")
    return " ".join(parts)


def outcome_words(change: Change) -> str:
    """What an open editor says of a change that was not applied."""
    if change.state == Outcome.REFUSED and change.refused_in_our_words:
        return f"Not saved: {change.error} What you typed is kept here."
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
