"""Reading the fields of Close's JSON objects, whatever is in them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from .errors import ServerError

Raw = dict[str, Any]


def whole_object(data: object, what: str) -> Raw:
    """Return the JSON object; ServerError where it is something else. ``what`` names it in the log."""
    if not isinstance(data, dict):
        raise ServerError(f"a {what} in Close's answer is not a JSON object")
    return data


def required_text(raw: Raw, key: str, what: str) -> str:
    """Return a text that nothing can be done without; ServerError that names it where it is missing."""
    value = raw.get(key)
    if not isinstance(value, str) or not value:
        raise ServerError(f"a {what} in Close's answer has no {key!r}")
    return value


def text(raw: Raw, key: str) -> str | None:
    """Return a text, or None where there is none."""
    value = raw.get(key)
    return value if isinstance(value, str) else None


def texts(raw: Raw, key: str) -> tuple[str, ...]:
    """Return the texts of a list, each once; none where there is no list."""
    value = raw.get(key)
    return unique(value) if isinstance(value, list) else ()


def unique(values: Iterable[object]) -> tuple[str, ...]:
    """Return those values that are texts and not empty, each once, in order."""
    return tuple(dict.fromkeys(value for value in values if isinstance(value, str) and value))


def objects(raw: Raw, key: str) -> list[Raw]:
    """Return the JSON objects of a list; none where there is no list."""
    value = raw.get(key)
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def whole_number(raw: Raw, key: str) -> int | None:
    """Return a number of seconds of at most a day, or None where there is none."""
    value = raw.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 86400:
        return None
    return int(value)


def moment(raw: Raw, key: str) -> datetime | None:
    """Return an ISO 8601 date-time in UTC, or None where there is none. Without an offset it is meant as UTC."""
    value = text(raw, key)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
