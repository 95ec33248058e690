"""What Close says of a number by a code, in words: its kind, its line, its country."""

from functools import cache

from babel import Locale

# The kinds of numbers (https://developer.close.com/api/resources/phone-numbers), in full and for a line of text.
KINDS = {
    "internal": "Rented from Close",
    "external": "Your own, as caller ID",
    "virtual": "Your own, routed to Close",
}
SHORT_KINDS = {"internal": "", "external": "caller ID", "virtual": "own provider"}
LINES = {"tollfree": "toll-free", "shortcode": "short code"}
"""Kinds of line that people write otherwise than Close does."""


def kind(code: str) -> str:
    """A kind of number: "Rented from Close"; one that Close has added since by its own name."""
    return KINDS.get(code, code)


def line(code: str) -> str:
    """A kind of line, in small letters: "local", "toll-free"."""
    return LINES.get(code, code)


@cache
def country(code: str) -> str:
    """The name of a country, "GB" is "United Kingdom"; a code that is none stays one."""
    name: str = Locale("en").territories.get(code.upper(), code)
    return name
