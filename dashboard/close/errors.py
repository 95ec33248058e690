"""What can go wrong with Close, named by meaning.

Every error has two texts: ``screen`` for people (what happened, what it means, what to do) and ``log``. Neither
holds a secret, and no error keeps the answer or its headers, where the key could be.

Status codes: https://developer.close.com/api/overview/http-response-codes
"""

import math
from typing import Any

WORDS_LIMIT = 300
"""Characters of Close's own words that are kept: enough for a sentence, too few for a page of HTML."""

PERMISSION = "Manage Team Phone Numbers"
"""How Close's own settings page calls the permission to change other people's numbers."""

UNSENT = "The change was not sent, so nothing is different in Close. "
UNKNOWN = (
    "Whether the change was made is not known yet. "
    "The number is read again every minute to find out: wait for that before you change it again."
)
OLD_COPY = "What you see is the last copy, and it may be out of date. "


class CloseError(Exception):
    """The common name of all errors of this package.

    ``status`` is the HTTP status of Close's answer, or None where there was none. ``sent`` is False only where the
    request was certainly not carried out; True means that it may have been. ``words`` is one line of Close's own
    words, or "". ``writing`` says whether a change was asked for, which decides what ``screen`` says.
    """

    may_have_happened = False

    def __init__(
        self,
        log: str = "",
        *,
        status: int | None = None,
        sent: bool | None = None,
        writing: bool = False,
        words: str = "",
    ) -> None:
        self.status = status
        self.sent = self.may_have_happened if sent is None else sent
        self.writing = writing
        self.words = words
        self.log = log or type(self).__name__
        super().__init__(self.log)

    @property
    def screen(self) -> str:
        """Return the text for people, in complete sentences."""
        return self._explain() + (f" Close says: “{self.words}”" if self.words else "")

    def _explain(self) -> str:
        return "Close did not do what was asked. Try again in a few minutes."

    @property
    def _unchanged(self) -> str:
        return "Nothing was changed. " if self.writing else ""


class InvalidRequestError(CloseError):
    """Close does not accept the request: 400, and any 4xx without a class of its own.

    ``field_errors`` has one line per field as Close names it; ``errors`` what Close says about the whole.
    """

    def __init__(
        self,
        field_errors: dict[str, str] | None = None,
        errors: list[str] | None = None,
        log: str = "",
        **facts: Any,
    ) -> None:
        self.field_errors = dict(field_errors or {})
        self.errors = list(errors or [])
        by_field = [f"{field}: {text}" for field, text in self.field_errors.items()]
        facts.setdefault("words", one_line("; ".join([*self.errors, *by_field])))
        super().__init__(log or f"not accepted: {facts['words']}", **facts)

    def _explain(self) -> str:
        reason = "" if self.words else " and gave no reason"
        return f"Close did not accept this{reason}. {self._unchanged}Correct it and try again."


class AuthenticationError(CloseError):
    """Close does not accept the key (401), or with ``unset`` there is none that could be sent.

    ``asked`` is False where Close was not asked now, since it has just refused the key.
    """

    def __init__(self, log: str = "", *, unset: bool = False, asked: bool = True, **facts: Any) -> None:
        self.unset = unset
        self.asked = asked
        super().__init__(log, **facts)

    def _explain(self) -> str:
        if self.unset:
            return (
                "No usable key for Close is set, so nothing can be read or changed. "
                "Ask the person who runs closephones to set one."
            )
        if not self.asked:
            words = (
                "Close refused the key before, and is asked with it once a minute at most, so it was not asked now. "
            )
            return f"{words}{self._unchanged}Try again in a minute."
        if self.writing:
            # Close may answer 401 as well where only a permission is missing.
            return (
                "Close refused the key, or the key's owner may not change this. Nothing was changed. Ask the person "
                f"who runs closephones to check the key and its permission “{PERMISSION}”."
            )
        return (
            "Close refused the key, so nothing can be read or changed until it is replaced. "
            "Ask the person who runs closephones to set a valid one."
        )


class PlanLimitError(CloseError):
    """The organisation's Close plan does not include this, or its limit is reached (402)."""

    def _explain(self) -> str:
        return (
            "Your organisation's Close plan does not include this, or its limit is reached. "
            f"{self._unchanged}Ask whoever manages your Close subscription."
        )


class ForbiddenError(CloseError):
    """Close does not allow this to the account that the key belongs to (403)."""

    def _explain(self) -> str:
        if self.writing:
            return (
                "Close does not allow the account that closephones uses to change this. Nothing was changed. "
                f"Ask someone who manages roles in Close to give it the permission “{PERMISSION}”."
            )
        return (
            "Close does not allow the account that closephones uses to read this. "
            "Ask someone who manages roles in Close to allow it."
        )


class NotFoundError(CloseError):
    """Close does not have it, or no longer (404)."""

    def _explain(self) -> str:
        return (
            "This is no longer in Close. It was probably released or deleted there. "
            f"{self._unchanged}Reload the page to see what is there now."
        )


class RateLimitError(CloseError):
    """Close asks to wait (429), or the pacer knows that it would. ``reset``: seconds until it may be tried again."""

    def __init__(self, reset: float, log: str = "", **facts: Any) -> None:
        self.reset = reset
        super().__init__(log or f"asked to wait {reset:.1f} s", **facts)

    def _explain(self) -> str:
        return (
            "Close has had as many requests as it allows for the moment. "
            f"{self._unchanged}Try again in {in_words(self.reset)}."
        )


class ServerError(CloseError):
    """Close has a problem (5xx), or its answer cannot be used: HTML, half an answer, a redirect, a missing id."""

    may_have_happened = True

    def __init__(self, log: str = "", *, retry_after: float | None = None, **facts: Any) -> None:
        self.retry_after = retry_after
        super().__init__(log, **facts)

    def _explain(self) -> str:
        what = "Close has a problem at the moment and gave no usable answer. "
        if not self.writing:
            return what + OLD_COPY + "Try again in a few minutes."
        return what + (UNKNOWN if self.sent else UNSENT + "Try again in a few minutes.")


class ListMovedError(ServerError):
    """A list changed each time while it was read, so some of its rows may have been passed over."""

    def _explain(self) -> str:
        return (
            "The list changed in Close each time while it was read, so some of it may have been passed over. "
            "What was read is right, and nothing counts as gone. The next refresh tries again."
        )


class ConnectionFailedError(CloseError):
    """There was no answer: no connection, or none in time."""

    may_have_happened = True

    def _explain(self) -> str:
        if not self.writing:
            return "Close cannot be reached at the moment. " + OLD_COPY + "Try again in a few minutes."
        if not self.sent:
            return "Close cannot be reached at the moment. " + UNSENT + "Try again in a few minutes."
        return "Close did not answer. " + UNKNOWN


CLASSES: dict[int, type[CloseError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    402: PlanLimitError,
    403: ForbiddenError,
    404: NotFoundError,
    429: RateLimitError,
}


def class_for(status: int) -> type[CloseError]:
    """Return the class of error that an HTTP status other than 2xx means."""
    if 400 <= status < 500:
        return CLASSES.get(status, InvalidRequestError)
    return ServerError


def from_answer(
    status: int, body: object, *, what: str, writing: bool, reset: float, retry_after: float | None = None
) -> CloseError:
    """Return the error for an answer that says no.

    ``body`` is the JSON value of the answer, or its plain text; ``what`` names the request in the log; ``reset`` is
    the wait in seconds that a 429 asks for, ``retry_after`` the one that a 5xx does.
    """
    field_errors, errors = close_words(body)
    refusal = InvalidRequestError(field_errors, errors)
    log = f"{what}: {status}" + (f", {refusal.words}" if refusal.words else "")
    kind = class_for(status)
    if kind is InvalidRequestError:
        return InvalidRequestError(field_errors, errors, log, status=status, writing=writing)
    if kind is RateLimitError:
        return RateLimitError(reset, f"{log} (wait {reset:.1f} s)", status=status, writing=writing)
    if kind is ServerError:
        return ServerError(log, retry_after=retry_after, status=status, writing=writing)
    # That a key is refused or a thing is gone says its class; a permission or a plan is better named by Close.
    words = refusal.words if kind in (ForbiddenError, PlanLimitError) else ""
    return kind(log, status=status, writing=writing, words=words)


def close_words(body: object) -> tuple[dict[str, str], list[str]]:
    """Return (errors by field, other errors) of the body of a refusal.

    Close publishes no schema of its errors. Seen are ``{"error": text}``, ``{"errors": [text], "field-errors":
    {field: text}}`` with objects nested in either, and plain text; what is none of these yields nothing.
    """
    if isinstance(body, str):
        # A page of HTML comes from a gateway and says nothing to people.
        return {}, [] if body.lstrip().startswith("<") else _lines(body)
    if not isinstance(body, dict):
        return {}, []
    errors = [line for key in ("error", "errors") for line in _lines(body.get(key))]
    fields = body.get("field-errors")
    if not isinstance(fields, dict):
        return {}, errors + _lines(fields)
    by_field = {one_line(str(field)): one_line("; ".join(_lines(value))) for field, value in fields.items()}
    return {field: text or "is not accepted" for field, text in by_field.items()}, errors


def _lines(value: object, depth: int = 5) -> list[str]:
    """Flatten whatever stands for an error into lines; "0: text" of a list becomes "item 1: text"."""
    if isinstance(value, str):
        line = one_line(value)
        return [line] if line else []
    if depth and isinstance(value, list):
        return [line for part in value for line in _lines(part, depth - 1)]
    if depth and isinstance(value, dict):
        return [_named(key, line) for key, part in value.items() for line in _lines(part, depth - 1)]
    return []


def _named(key: str, line: str) -> str:
    if key in ("error", "errors", "field-errors"):
        return line
    return f"item {int(key) + 1}: {line}" if key.isdecimal() and len(key) < 9 else f"{one_line(key)}: {line}"


def one_line(text: str) -> str:
    """Return the text on one line, without control characters, cut to ``WORDS_LIMIT`` characters."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(printable.split())
    return line if len(line) <= WORDS_LIMIT else line[: WORDS_LIMIT - 1] + "…"


def in_words(seconds: float) -> str:
    """Return a wait as people say it, rounded up: "1 second", "40 seconds", "3 minutes"."""
    whole = max(1, math.ceil(seconds))
    unit, count = ("minute", math.ceil(whole / 60)) if whole > 90 else ("second", whole)
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
