"""What people type about a number: each form is one editor, and says which fields really change, and to what.

An editor posts `<field>` and `was_<field>` for every field that it showed, and its `intent`. A field that was not
posted is left alone, and what equals its `was_` is not changed, so neither is judged here.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError

from dashboard import validators
from dashboard.models import PhoneNumber, PhoneNumberQuerySet
from dashboard.models.numbers import DEFAULT_RING
from dashboard.models.plans import unused_targets
from dashboard.templatetags.ui import phone

LONGEST_CHAIN = 50
"""How many forwardings in a row are followed to find a loop."""

BOOLEANS = {"true": True, "false": False}
INCOMPLETE = "This form is incomplete, so nothing was saved. Reload the page and try again."


def as_text(value: Any) -> str:
    """A value as forms carry it."""
    return ("false", "true")[value] if isinstance(value, bool) else str(value)


def read_switch(text: str) -> bool:
    """A boolean as editors post it: never the absence of a checkbox."""
    if text not in BOOLEANS:
        raise ValidationError(INCOMPLETE)
    return BOOLEANS[text]


def read_seconds(text: str) -> int:
    """A ring duration that an editor started from; Close's own may lie outside of what it takes."""
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise ValidationError(INCOMPLETE)
    return int(text)


class EditForm:
    """One editor of one number.

    After `is_valid()`: `wrong` holds the fields that cannot be as typed, each with the sentence that says what to
    type instead; `incomplete` says so where the form itself is broken. If neither: `intent`; `after`, the changed
    fields; `was`, every field the editor showed, both under Close's names and with "" where Close has null; and
    `reason`, why somebody changes them, which may be "".
    """

    names: ClassVar[tuple[str, ...]] = ()
    read_was: ClassVar[dict[str, Callable[[str], Any]]] = {}
    longest_was: ClassVar[int] = 20_000
    unknown_range = False

    def __init__(self, data: Mapping[str, str], *, number: PhoneNumber, visible: PhoneNumberQuerySet) -> None:
        """`visible`: the numbers that whoever types this may see; no other one is named to them."""
        self.data = data
        self.number = number
        self.visible = visible
        self.after: dict[str, Any] = {}
        self.was: dict[str, Any] = {}
        self.wrong: dict[str, str] = {}
        self.reason = ""
        self.incomplete = ""

    @classmethod
    def values_of(cls, number: PhoneNumber) -> dict[str, Any]:
        """What the editor starts from: the cached values of its fields."""
        return {name: getattr(number, name) for name in cls.names}

    @classmethod
    def texts_of(cls, number: PhoneNumber) -> dict[str, str]:
        """What the editor shows as it opens."""
        return {name: as_text(value) for name, value in cls.values_of(number).items()}

    def is_valid(self) -> bool:
        try:
            self._read_start()
        except (ValidationError, ValueError, KeyError):
            self.incomplete = INCOMPLETE
            return False
        for name in self.names:
            if name in self.data and not self.same_as_was(name, self.data[name]):
                self._read(name)
        if not self.wrong:
            self.check_together()
        try:
            self.reason = validators.reason(self.data.get("reason", ""))
        except ValidationError as error:
            self.wrong["reason"] = error.messages[0]
        return not self.wrong

    def _read_start(self) -> None:
        self.intent = UUID(self.data["intent"])
        if any(name in self.data and f"was_{name}" not in self.data for name in self.names):
            raise ValidationError(INCOMPLETE)
        # Nothing judges what an editor started from, and it is kept in the record: a page could choke on it later.
        if any(len(self.data.get(f"was_{name}", "")) > self.longest_was for name in self.names):
            raise ValidationError(INCOMPLETE)
        self.was = self.started()

    def started(self) -> dict[str, Any]:
        """What the editor started from, in Close's types; ValidationError where that cannot have been."""
        posted = [name for name in self.names if f"was_{name}" in self.data]
        if any("\0" in self.data[f"was_{name}"] for name in posted):
            raise ValidationError(INCOMPLETE)
        return {name: self.read_was.get(name, str)(self.data[f"was_{name}"]) for name in posted}

    def _read(self, name: str) -> None:
        try:
            value = getattr(self, f"read_{name}")(self.data[name])
        except ValidationError as error:
            self.wrong[name] = error.messages[0]
        else:
            if value != self.was[name]:
                self.after[name] = value

    def same_as_was(self, name: str, text: str) -> bool:
        """Whether what was typed is what the editor started from; then it is not judged."""
        return text.strip() == self.data[f"was_{name}"].strip()

    def check_together(self) -> None:
        """What the fields must be beside each other; puts what is wrong into `wrong`."""

    @property
    def first_use(self) -> bool:
        """Whether the change would send calls where none of the organisation's went before."""
        return False

    @property
    def shown(self) -> dict[str, str]:
        """The fields' texts for the editor: as typed where typed, else as they were."""
        return {name: self.data.get(name, self.data.get(f"was_{name}", "")) for name in self.names}

    @property
    def started_from(self) -> dict[str, str]:
        """The `was_` texts, to go into the editor once more."""
        return {name: self.data.get(f"was_{name}", "") for name in self.names}


class LabelForm(EditForm):
    names = ("label",)

    def read_label(self, text: str) -> str:
        return validators.label(text)


class VoicemailForm(EditForm):
    names = ("voicemail_greeting_url",)

    def read_voicemail_greeting_url(self, text: str) -> str:
        origin = settings.CLOSE_API_URL.split("/api/")[0] if settings.CLOSE_IS_LOOPBACK else ""
        return validators.greeting(text, also_allowed=origin)


class RingingForm(EditForm):
    names = ("inbound_ring_duration",)
    read_was: ClassVar[dict[str, Callable[[str], Any]]] = {"inbound_ring_duration": read_seconds}

    @classmethod
    def values_of(cls, number: PhoneNumber) -> dict[str, Any]:
        # Null in Close rings as long as Close's default does, and the editor shows that.
        return {"inbound_ring_duration": number.inbound_ring_duration or DEFAULT_RING}

    def read_inbound_ring_duration(self, text: str) -> int:
        return validators.ring(text)


class ForwardingForm(EditForm):
    """Target, switch and press 1. `needs_target` and `unknown_range` tell the page what to ask for."""

    names = ("forward_to", "forward_to_enabled", "press_1_to_accept")
    read_was: ClassVar[dict[str, Callable[[str], Any]]] = {
        "forward_to_enabled": read_switch,
        "press_1_to_accept": read_switch,
    }
    longest_was = validators.LONGEST_TARGET
    needs_target = False

    @classmethod
    def texts_of(cls, number: PhoneNumber) -> dict[str, str]:
        return super().texts_of(number) | {"forward_to": phone(number.forward_to)}

    @property
    def shown(self) -> dict[str, str]:
        # Who has switched it on is asked for the target; the switch stays where it was put.
        return super().shown | ({"forward_to_enabled": "true"} if self.needs_target else {})

    def same_as_was(self, name: str, text: str) -> bool:
        was = self.data[f"was_{name}"]
        return super().same_as_was(name, text) or (name == "forward_to" and text.strip() == phone(was))

    def read_forward_to(self, text: str) -> str:
        if not text.strip():
            raise ValidationError("Close cannot take a target away again. Switch forwarding off instead.")
        return self._judge(text)

    def read_forward_to_enabled(self, text: str) -> bool:
        return read_switch(text)

    def read_press_1_to_accept(self, text: str) -> bool:
        return read_switch(text)

    def check_together(self) -> None:
        if self.after.get("forward_to_enabled") is not True or "forward_to" in self.after:
            return
        if not self.was.get("forward_to"):
            self.needs_target = True
            self.wrong["forward_to"] = "Type the number that calls shall go to; then forwarding can be switched on."
            return
        # A target that was set in Close is judged here before the first call goes there.
        try:
            self._judge(self.was["forward_to"])
        except ValidationError as error:
            self.wrong["forward_to"] = error.messages[0]

    def _judge(self, text: str) -> str:
        """The target in E.164, if calls may go there."""
        found = validators.target(text, region=self.number.country, countries=settings.FORWARD_COUNTRIES)
        if found.e164 == self.number.number:
            raise ValidationError("This is the number itself. Type the number that its calls shall go to.")
        if via := self._leads_back(found.e164):
            raise ValidationError(
                f"Calls to {phone(found.e164)} come back to this number{self._by_way_of(via, found.e164)}, so they "
                "would go round. Type another number."
            )
        if not found.range_known and self.data.get("confirm_forward_to") != "true":
            self.unknown_range = True
            raise ValidationError(
                f"Our tables of number ranges ({validators.TABLES}) do not know this one. "
                "Check each digit; if it is right, use it anyway."
            )
        return found.e164

    def _leads_back(self, e164: str) -> str:
        """The number of ours at which a forwarding to `e164` would come back to this one; "" if it does not."""
        seen: set[str] = set()
        at = e164
        while at not in seen and len(seen) < LONGEST_CHAIN:
            seen.add(at)
            links = PhoneNumber.objects.here().filter(number=at, forward_to_enabled=True)
            following = links.values_list("forward_to", flat=True).first()
            if not following:
                return ""
            if following == self.number.number:
                return at
            at = following
        return ""

    def _by_way_of(self, via: str, e164: str) -> str:
        if via == e164:
            return ""
        seen = self.visible.filter(number=via).exists()
        return f" by way of {phone(via) if seen else 'a number outside your teams'}"

    @property
    def first_use(self) -> bool:
        """Whether no number of the organisation ever forwarded to the new target, as far as we know."""
        new = self.after.get("forward_to")
        return new is not None and bool(unused_targets([new]))
