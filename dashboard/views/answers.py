"""What a form that writes brings and gets: the intent it carries, and the status of the answer to it."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render

from dashboard.close import errors
from dashboard.models import Change, Outcome
from dashboard.services import planning, plans, writing

# By the kind of error that the engine stores with a change.
STATUSES = {
    "invalid": 422,
    "plan_limit": 422,
    "forbidden": 403,
    "refused_key": 502,
    "not_found": 404,
    "busy": 409,
    "rate_limited": 503,
    "held": 503,
    "not_sent": 503,
    "other_organisation": 503,
    "away": 502,
}


def intent_of(request: Any) -> UUID | None:
    """The intent that was posted with a form, by which a second click gets the first outcome; None without one."""
    try:
        return UUID(request.POST.get("intent", ""))
    except ValueError:
        return None


def status_of_change(change: Change) -> int:
    """Where the answer reports a change's outcome."""
    if change.state == Outcome.APPLIED:
        return 200
    if change.state == Outcome.CONFLICT:
        return 409
    if change.state in (Outcome.UNKNOWN, Outcome.PENDING, Outcome.SENDING):
        return 502
    return STATUSES.get(change.error_kind, 502)


def status_of_close(error: errors.CloseError) -> int:
    """Where Close's error is what there is to say."""
    return STATUSES.get(writing.kind_of(error), 502)


def refused(request: Any, error: plans.NotAllowedError) -> HttpResponse:
    """The page that says why it was not begun."""
    return render(request, "403.html", {"words": error.words}, status=status_of_refusal(error))


def status_of_refusal(error: plans.NotAllowedError) -> int:
    """Where it was us who did not begin."""
    if isinstance(error, planning.StaleError):
        return 409
    return 503 if isinstance(error, plans.HeldError) else 403
