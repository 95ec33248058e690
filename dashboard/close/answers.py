"""The body of an answer: from bytes to a JSON value that can be kept."""

import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any

# Halves of surrogate pairs and the character NUL are valid in JSON and in no database.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def decode(content: bytes) -> object:
    """Return the JSON value of an answer's body, or its text where it is none."""
    text = content.decode("utf-8-sig", errors="replace")
    try:
        value = json.loads(text, parse_constant=_finite, parse_float=_finite)
        # Nearly no answer has such an escape, and a walk through a whole page of numbers is not free.
        if "\\u0000" in text or "\\ud" in text.lower():
            return _each_text(value, lambda part: UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", part))
        return value
    except (ValueError, RecursionError):
        return text


def without(secrets: Iterable[str], value: object) -> object:
    """Return the JSON value with the secrets struck out of all its texts."""
    pattern = re.compile("|".join(re.escape(secret) for secret in secrets) or "(?!)")
    try:
        return _each_text(value, lambda part: pattern.sub("[key]", part))
    except RecursionError:
        return None


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_each_text(part, change) for part in value]
    if isinstance(value, dict):
        return {change(key): _each_text(part, change) for key, part in value.items()}
    return value


def _finite(text: str) -> float | None:
    """Read a number; NaN and the infinities, which no database takes either, become None."""
    number = float(text)
    return number if math.isfinite(number) else None
