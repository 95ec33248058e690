"""What templates say in one word: icons, phone numbers, people's initials, how long ago something was.

Everything here is called for every row of a table, so each answer is kept and no template is included.
"""

import json
from contextlib import suppress
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

import phonenumbers
from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
@cache
def sprite() -> str:
    """The address of the icons, for rows that write their icons out.

    `{% sprite as sprite %}` once before the rows, then in the row
    `<svg class="icon" aria-hidden="true"><use href="{{ sprite }}#pencil"/></svg>`: that costs no call at all.
    """
    return static("vendor/icons.svg")


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, css: str = "") -> SafeString:
    """One icon of static/vendor/icons.svg, hidden from screen readers: the words beside it are the name.

    `css` adds classes: "lead" before the words of a button, "end" after them, "only" in a button without words.
    """
    classes = f"icon {css}" if css else "icon"
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>', classes, sprite(), name)


@register.filter
@lru_cache(maxsize=65536)
def phone(number: str | None) -> str:
    """A number as people read it: "+14155550142" becomes "+1 415 555 0142"; what is no number stays as typed."""
    if not number:
        return ""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    # Hyphens and spaces differ from country to country; a column of numbers is easier to read with one of them.
    shape = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, shape).replace("-", " ")


@register.filter
@lru_cache(maxsize=4096)
def initials(name: str | None) -> str:
    """Two letters for a person: "Marta Klein" becomes "MK", "ops@demo.test" becomes "OP"."""
    words = (name or "").split("@")[0].replace(".", " ").replace("_", " ").split()
    if not words:
        return "?"
    letters = words[0][:2] if len(words) == 1 else words[0][0] + words[-1][0]
    return letters.upper()


@register.filter
def ago(moment: datetime | None) -> str:
    """How long ago, in words: "just now", "2 min ago", "3 h ago", "yesterday", "5 d ago", "12 Nov", "12 Nov 2025".

    static/js/times.js says the same each minute; both count hours, not midnights, so no time zone can part them.
    """
    if moment is None:
        return "never"
    now = timezone.now()
    minutes = int((now - moment).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    hours = minutes // 60
    if hours < 24:
        return f"{hours} h ago"
    if hours < 48:
        return "yesterday"
    if hours < 7 * 24:
        return f"{hours // 24} d ago"
    local = timezone.localtime(moment)
    year = "" if local.year == timezone.localtime(now).year else f" {local.year}"
    return f"{local.day} {local:%b}{year}"


@register.filter
def moment(at: datetime | None) -> str:
    """A moment in full, in the reader's zone: "24 Nov 2026, 11:58 CET"."""
    if at is None:
        return "never"
    local = timezone.localtime(at)
    return f"{local.day} {local:%b %Y, %H:%M %Z}"


@register.simple_tag
def since(at: datetime | None) -> str:
    """A `<time>` that says how long ago; its words are renewed each minute, its title is the moment in full."""
    if at is None:
        return "never"
    return format_html('<time class="ago" datetime="{}" title="{}">{}</time>', at.isoformat(), moment(at), ago(at))


@register.filter
def beside(message: Any) -> dict[str, Any]:
    """What `say` (dashboard/views/fragments.py) put beside a message; an empty text or None where it did not."""
    said: dict[str, Any] = {"level": "ok", "undo": None, "intent": "", "back": ""}
    with suppress(AttributeError, TypeError, ValueError):
        said |= json.loads(message.extra_tags)
    return said
