"""From a few letters to where somebody wants to go: a page, a number, the numbers of a person or a team."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, QuerySet

from dashboard.access import Person, visible_numbers
from dashboard.models import Group, Member, PhoneNumber

MOST = 5
LONGEST = 100


@dataclass(frozen=True)
class Found:
    """What was found by its name, at most five of each kind."""

    numbers: list[PhoneNumber]
    people: list[Member]
    teams: list[Group]


def find(person: Person, text: str, *, people: QuerySet[Member], teams: QuerySet[Group]) -> Found:
    """What this person may see whose name, digits or label hold `text`; nothing for an empty text.

    `people` and `teams`: those that they may filter the list of numbers by. Whoever is there stands before who left.
    """
    if not text:
        return Found([], [], [])
    numbers = visible_numbers(person).search(text).order_by("number").only("close_id", "number", "label")[:MOST]
    named = people.filter(name__icontains=text).order_by(F("active").desc(), "name")[:MOST]
    return Found(list(numbers), list(named), list(teams.filter(name__icontains=text).order_by("name")[:MOST]))


def named(pages: Iterable[tuple[str, str]], text: str) -> list[tuple[str, str]]:
    """Those of these pages, each a name and an address, with a word that begins as `text` does; all for no text."""
    text = text.casefold()
    return [(name, address) for name, address in pages if f" {text}" in f" {name.casefold()}"]
