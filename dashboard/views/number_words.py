"""The values of a number's fields in words, for a line of text."""

from collections.abc import Mapping
from typing import Any

from dashboard.templatetags.ui import phone


def words_of(values: Mapping[str, Any]) -> str:
    """These fields of one editor, in words: "+1 628 555 0190, on, press 1 to accept: off"."""
    return ", ".join(word_of(name, value) for name, value in values.items())


def word_of(name: str, value: Any) -> str:
    """One field's value in words."""
    if name == "forward_to":
        return phone(value) or "no target"
    if name == "forward_to_enabled":
        return "on" if value else "off"
    if name == "press_1_to_accept":
        return f"press 1 to accept: {'on' if value else 'off'}"
    if name == "inbound_ring_duration":
        return f"{value or 30} s"
    if name == "voicemail_greeting_url":
        return value or "no greeting"
    return value or "no label"
