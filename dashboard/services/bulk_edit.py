"""What a bulk edit does to a number: a wish, the same for all, becomes the values that each of them shall have."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dashboard.models import PhoneNumber
from dashboard.services.planning import Row

# What may stand in a label for all, and what becomes of it.
PLACEHOLDERS = {
    "member": "its people",
    "team": "its teams",
    "country": "its country, as GB",
    "label": "the label it has",
}
PLACEHOLDER = re.compile(r"\{(\w*)\}")
EMPTY = {
    "member": "Nobody is on this number, so {member} would leave a gap in the label.",
    "team": "This number has no team, so {team} would leave a gap in the label.",
    "country": "The country of this number is not known, so {country} would leave a gap in the label.",
    "label": "This number has no label, so {label} would leave a gap.",
}


@dataclass(frozen=True)
class BulkEdit:
    """What shall become of each number; what stays "" (or None) is left as it is.

    `label` is "set" (to `label_text`, which may hold PLACEHOLDERS), "replace" (`label_find` by `label_text`) or
    "clear"; `forwarding` is "to" (on, to `target` in E.164), "on" and "off" (the target stays), or "target" (the
    switch stays); `press_1` is "on" or "off"; `greeting` is "set" (to `greeting_url`) or "none"; `ring` is seconds.
    """

    label: str = ""
    label_text: str = ""
    label_find: str = ""
    forwarding: str = ""
    target: str = ""
    press_1: str = ""
    greeting: str = ""
    greeting_url: str = ""
    ring: int | None = None

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "BulkEdit":
        """The edit that a plan was made from (Plan.asked)."""
        return cls(**{name: value for name, value in stored.items() if name in cls.__dataclass_fields__})

    def stored(self) -> dict[str, Any]:
        """As it is kept with its plan: what was asked for, and nothing else."""
        return {name: value for name, value in asdict(self).items() if value not in ("", None)}

    def rows(self, numbers: Iterable[PhoneNumber]) -> Iterator[Row]:
        """A row of a plan for each number."""
        fixed = self.fixed()
        for number in numbers:
            label, error = self._label(number)
            yield Row(number, fixed if label is None else {**fixed, "label": label}, error=error)

    def fixed(self) -> dict[str, Any]:
        """What is the same for every number."""
        after: dict[str, Any] = {}
        if self.forwarding in ("to", "target"):
            after["forward_to"] = self.target
        if self.forwarding in ("to", "on", "off"):
            after["forward_to_enabled"] = self.forwarding != "off"
        if self.press_1:
            after["press_1_to_accept"] = self.press_1 == "on"
        if self.greeting:
            after["voicemail_greeting_url"] = self.greeting_url if self.greeting == "set" else ""
        if self.ring is not None:
            after["inbound_ring_duration"] = self.ring
        return after

    def _label(self, number: PhoneNumber) -> tuple[str | None, str]:
        """The label that this number shall have, None where none is asked for; and what is wrong with it."""
        if self.label == "clear":
            return "", ""
        if self.label == "replace":
            return number.label.replace(self.label_find, self.label_text), ""
        if self.label != "set":
            return None, ""
        facts = {
            "member": ", ".join(name for _, name, active in number.people if active),
            "team": ", ".join(number.team_names),
            "country": number.country,
            "label": number.label,
        }
        names = [name for name in PLACEHOLDER.findall(self.label_text) if name in facts]
        error = next((EMPTY[name] for name in names if not facts[name]), "")
        return PLACEHOLDER.sub(lambda found: facts.get(found[1], found[0]), self.label_text), error
