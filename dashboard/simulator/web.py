"""What travels between the HTTP server and the organisation behind it: calls and answers."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


class HangUp(Exception):
    """The connection is to be closed without an answer."""


@dataclass
class Call:
    """One request, taken apart.

    `path` is written as in Close's documentation: below `/api/v1`, with a slash at both ends. `body` is the bytes as
    they came. `hung_up(seconds)` waits until the caller closes the connection, at most that long, and says whether
    they did.
    """

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    hung_up: Callable[[float], bool] = lambda seconds: False


@dataclass
class Answer:
    """One response. `cut` is the number of bytes of the body after which the connection is cut, if it is."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    cut: int | None = None


def dump(value: Any) -> bytes:
    """Return compact JSON in plain ASCII, so that any text that JSON can carry comes through."""
    return json.dumps(value, separators=(",", ":")).encode()


def says(status: int, value: Any) -> Answer:
    """Return an answer of this status with `value` as JSON."""
    return Answer(status, dump(value))


def error(status: int, text: str) -> Answer:
    """Return the general shape of an error of the API: `{"error": text}`."""
    return says(status, {"error": text})


def field_errors(errors: Json) -> Answer:
    """Return a validation error: 400 with `field-errors`, as Close's own Python client reads it."""
    return says(400, {"errors": [], "field-errors": errors})
