"""Whom and what somebody means who wrote it by hand: numbers in any notation, people and groups by name."""

import re
import unicodedata
from functools import cached_property

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from dashboard.models import Group, Member, PhoneNumberQuerySet

SHORTENED = (
    "A spreadsheet has shortened this number, so its last digits are lost. Set the column to text there, and fill it "
    "in anew."
)
SEVERAL = "This may be one of several numbers. Begin with + and the country code, or give the id in Close."


class NotFoundError(Exception):
    """No number, or not a single one, is meant: `words` say so, `by` is the column: id or number."""

    def __init__(self, by: str, words: str) -> None:
        super().__init__(words)
        self.by, self.words = by, words


class Finder:
    """Finds among these numbers, which are all that somebody may see: of others it says the same as of none."""

    def __init__(self, numbers: PhoneNumberQuerySet, *, of_teams: bool) -> None:
        """`of_teams`: whether there may be others."""
        self.nowhere = "Not allowed: no number of your teams" if of_teams else "No number in Close"
        self.by_id: dict[str, int] = {}
        self.by_digits: dict[str, list[int]] = {}
        for pk, close_id, number in numbers.order_by().values_list("pk", "close_id", "number"):
            self.by_id[close_id] = pk
            self.by_digits.setdefault(number.removeprefix("+"), []).append(pk)

    @cached_property
    def national(self) -> dict[str, list[int]]:
        """The numbers by their digits without the country's code, for whoever writes it at home."""
        found: dict[str, list[int]] = {}
        for digits, keys in self.by_digits.items():
            # No code begins another one.
            length = next((n for n in (1, 2, 3) if int(digits[:n] or 0) in COUNTRY_CODE_TO_REGION_CODE), 0)
            if length:
                found.setdefault(digits[length:], []).extend(keys)
        return found

    def find(self, close_id: str, number: str) -> int:
        """The key of the number that is meant; where both are given they must agree. Raises NotFoundError."""
        close_id, number = close_id.strip(), number.strip()
        by_number = self._of_number(number) if number else []
        if close_id:
            if close_id not in self.by_id:
                raise NotFoundError("id", f"{self.nowhere} has this id.")
            if number and self.by_id[close_id] not in by_number:
                raise NotFoundError(
                    "number", "The id in this row is that of another number. One of the two is wrong."
                )
            return self.by_id[close_id]
        if len(by_number) == 1:
            return by_number[0]
        raise NotFoundError("number", SEVERAL if number else "This row does not say which number it is about.")

    def _of_number(self, text: str) -> list[int]:
        """The numbers that these digits may mean; at least one."""
        plain = unicodedata.normalize("NFKC", text)
        if re.fullmatch(r"[0-9.,]+E\+?[0-9]+", plain, re.IGNORECASE):
            raise NotFoundError("number", SHORTENED)
        plain = re.sub(r"^tel:", "", plain, flags=re.IGNORECASE).replace("(0)", "").strip()
        digits = "".join(str(int(sign)) for sign in plain if sign.isdecimal())
        if re.search(r"[^\W\d_]", plain) or not digits:
            raise NotFoundError("number", "This is no phone number. Write one such as +1 415 555 0142.")
        if found := self.by_digits.get(digits):
            return found
        if not plain.startswith("+"):
            # From abroad, or from within the country.
            bare = re.sub(r"^(011|0+)", "", digits)
            for known, wanted in ((self.by_digits, bare), (self.national, digits), (self.national, bare)):
                if wanted in known:
                    return known[wanted]
        raise NotFoundError("number", f"{self.nowhere} is {text[:60]}.")


class Directory:
    """The people by e-mail address or name, and the groups by name; a text names several of them."""

    @cached_property
    def people(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for close_id, name, email in Member.objects.filter(active=True).values_list("close_id", "name", "email"):
            for known in filter(None, (name, email)):
                found.setdefault(known.strip().casefold(), set()).add(close_id)
        return found

    @cached_property
    def groups(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for close_id, name in Group.objects.filter(gone=False).values_list("close_id", "name"):
            found.setdefault(name.strip().casefold(), set()).add(close_id)
        return found

    def members_of(self, text: str) -> list[str]:
        """The ids of these people; ValueError with a sentence where there is none, or more than one, of a name."""
        return self._all(text, self.people, "active person in Close", "Give the e-mail address.")

    def groups_of(self, text: str) -> list[str]:
        """The ids of these groups; ValueError as above."""
        return self._all(text, self.groups, "group in Close", "Rename one of them in Close.")

    def _all(self, text: str, known: dict[str, set[str]], what: str, otherwise: str) -> list[str]:
        ids: list[str] = []
        for name in filter(None, (part.strip() for part in text.split(";" if ";" in text else ","))):
            found = known.get(name.casefold(), set())
            if not found:
                raise ValueError(f"There is no {what} called “{name[:60]}”.")
            if len(found) > 1:
                raise ValueError(f"More than one {what} is called “{name[:60]}”. {otherwise}")
            ids += found
        return sorted(set(ids))
