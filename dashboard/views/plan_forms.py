"""What people type about plans: what shall become of many numbers, and when a plan runs."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from dashboard import validators
from dashboard.models import Drift, Hold
from dashboard.services import judging
from dashboard.services.bulk_edit import PLACEHOLDER, PLACEHOLDERS, BulkEdit
from dashboard.views.moments import IN_REACH, read_moment

AS_IT_IS = ("", "As it is")
NOTHING = "Choose at least one thing to change."


class BulkEditForm(forms.Form):
    """What shall become of each of the selected numbers. After `is_valid()`, `edit` says it."""

    use_required_attribute = False

    label = forms.ChoiceField(
        choices=[AS_IT_IS, ("set", "Set to"), ("replace", "Find and replace"), ("clear", "Clear")], required=False
    )
    label_find = forms.CharField(required=False, strip=False)
    label_text = forms.CharField(required=False, strip=False)
    forwarding = forms.ChoiceField(
        choices=[
            AS_IT_IS,
            ("to", "On, to"),
            ("on", "On, to the target it has"),
            ("off", "Off"),
            ("target", "Set the target, leave it on or off"),
        ],
        required=False,
    )
    target = forms.CharField(required=False)
    press_1 = forms.ChoiceField(choices=[AS_IT_IS, ("on", "On"), ("off", "Off")], required=False)
    greeting = forms.ChoiceField(choices=[AS_IT_IS, ("set", "Set to"), ("none", "Close’s default")], required=False)
    greeting_url = forms.CharField(required=False)
    ring = forms.ChoiceField(choices=[AS_IT_IS, ("set", "Set to")], required=False)
    ring_seconds = forms.CharField(required=False)

    @classmethod
    def of(cls, edit: BulkEdit) -> "BulkEditForm":
        """The form as it was filled in for this edit."""
        stored = edit.stored()
        if "ring" in stored:
            stored |= {"ring": "set", "ring_seconds": stored["ring"]}
        return cls(initial=stored)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        chosen = {name: values.get(name, "") for name in ("label", "forwarding", "press_1", "greeting", "ring")}
        if not any(chosen.values()) and not self.errors:
            raise ValidationError(NOTHING)
        if chosen["label"] in ("set", "replace"):
            self._read("label_text", validators.label)
            self._judge_label(chosen["label"])
        if chosen["forwarding"] in ("to", "target"):
            self._read("target", _target)
        if chosen["greeting"] == "set":
            self._read("greeting_url", _greeting)
        if chosen["ring"] == "set":
            self._read("ring_seconds", validators.ring)
        return values

    def _read(self, name: str, read: Callable[[str], Any]) -> None:
        try:
            self.cleaned_data[name] = read(self.cleaned_data.get(name, ""))
        except ValidationError as error:
            self.add_error(name, error)

    def _judge_label(self, how: str) -> None:
        text = self.cleaned_data.get("label_text", "")
        if how == "replace":
            # The blanks around it are meant: "  " becomes " ".
            self.cleaned_data["label_text"] = self.data.get("label_text", "")
            if not self.cleaned_data["label_find"]:
                self.add_error("label_find", "Type what shall be found in the labels.")
        elif not text and "label_text" not in self.errors:
            self.add_error("label_text", "Type the label, or choose “Clear”.")
        elif unknown := [name for name in PLACEHOLDER.findall(text) if name not in PLACEHOLDERS]:
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            self.add_error("label_text", f"{{{unknown[0]}}} stands for nothing here. There are {known}.")

    @property
    def edit(self) -> BulkEdit:
        """What was asked for, without what was typed in fields that do not matter then."""
        values = self.cleaned_data
        label, forwarding, greeting = values["label"], values["forwarding"], values["greeting"]
        return BulkEdit(
            label=label,
            label_text=values["label_text"] if label in ("set", "replace") else "",
            label_find=values["label_find"] if label == "replace" else "",
            forwarding=forwarding,
            target=values["target"] if forwarding in ("to", "target") else "",
            press_1=values["press_1"],
            greeting=greeting,
            greeting_url=values["greeting_url"] if greeting == "set" else "",
            ring=values["ring_seconds"] if values["ring"] == "set" else None,
        )


def _target(text: str) -> str:
    """One target for numbers of many countries, so it begins with the country's code."""
    if not text.strip():
        raise ValidationError("Type the number that calls shall go to, such as +1 415 555 0142.")
    found = validators.target(text, region="", countries=tuple(settings.FORWARD_COUNTRIES))
    if not found.range_known:
        raise ValidationError(judging.UNKNOWN_RANGE)
    return found.e164


def _greeting(text: str) -> str:
    if not text.strip():
        raise ValidationError("Type the address of the greeting, or choose “Close’s default”.")
    origin = settings.CLOSE_API_URL.split("/api/")[0] if settings.CLOSE_IS_LOOPBACK else ""
    return validators.greeting(text, also_allowed=origin)


class ApproveForm(forms.Form):
    """What is said about a plan before it runs: name, reason, when, and what happens to numbers that moved by then.

    After `is_valid()`, `run_at` is the chosen moment, or None for now.
    """

    use_required_attribute = False

    name = forms.CharField(required=False, max_length=255, empty_value="")
    reason = forms.CharField(required=False)
    when = forms.ChoiceField(choices=[("now", "Now"), ("later", "At a time")], required=False)
    date = forms.DateField(
        required=False, error_messages={"invalid": "This is no day. Choose one."}, validators=IN_REACH
    )
    time = forms.TimeField(required=False, error_messages={"invalid": "Type a time such as 17:30."})
    # Which of the two, where the clock goes through an hour twice.
    fold = forms.ChoiceField(choices=[("", ""), ("0", "The first"), ("1", "The second")], required=False)
    drift = forms.ChoiceField(choices=Drift.choices, required=False)
    hold = forms.ChoiceField(choices=Hold.choices, required=False)

    twice: tuple[datetime, ...] = ()
    run_at: datetime | None = None

    def clean_name(self) -> str:
        return validators.name(self.cleaned_data["name"])

    def clean_reason(self) -> str:
        return validators.reason(self.cleaned_data["reason"])

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("when") != "later" or {"date", "time"} & set(self.errors):
            return values
        if not values.get("date") or not values.get("time"):
            self.add_error("time", "Choose the day and the time.")
            return values
        zone = ZoneInfo(timezone.get_current_timezone_name())
        self.run_at, self.twice = read_moment(self, values["date"], values["time"], zone, name="time", fold="fold")
        if self.run_at and self.run_at <= timezone.now():
            self.add_error("time", "That time has passed already. Choose a later one.")
        return values
