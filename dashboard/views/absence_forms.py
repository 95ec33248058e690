"""What people type about absences."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from dashboard import validators
from dashboard.models import Absence, Calendar
from dashboard.services import absence_days
from dashboard.views.moments import IN_REACH, read_moment
from dashboard.views.plan_forms import BulkEditForm

WEEKDAYS = [(0, "Mon"), (1, "Tue"), (2, "Wed"), (3, "Thu"), (4, "Fri"), (5, "Sat"), (6, "Sun")]
FOLDS = [("", ""), ("0", "The first"), ("1", "The second")]
LONGEST_DAYS = 366
NO_DAY = {"invalid": "This is no day. Choose one.", "required": "Choose the day."}
NO_TIME = {"invalid": "Type a time such as 17:30.", "required": "Type the time, such as 17:30."}


class AbsenceForm(BulkEditForm):
    """What shall be different, and from when until when. After `is_valid()`, `absence` and `sets` say it."""

    label = label_find = label_text = None  # type: ignore[assignment]

    name = forms.CharField(max_length=120, error_messages={"required": "Give it a name, such as “Trade fair”."})
    reason = forms.CharField(required=False)
    from_day = forms.DateField(error_messages=NO_DAY, validators=IN_REACH)
    from_time = forms.TimeField(error_messages=NO_TIME)
    until_day = forms.DateField(error_messages=NO_DAY, validators=IN_REACH)
    until_time = forms.TimeField(error_messages=NO_TIME)
    zone = forms.CharField(max_length=64)
    repeats = forms.ChoiceField(choices=Absence.Repeats.choices)
    weekdays = forms.TypedMultipleChoiceField(choices=WEEKDAYS, coerce=int, required=False)
    calendar = forms.ModelChoiceField(Calendar.objects.all(), required=False)
    last_day = forms.DateField(required=False, error_messages=NO_DAY, validators=IN_REACH)
    # Which of the two, where the clock goes through an hour twice.
    from_fold = forms.ChoiceField(choices=FOLDS, required=False)
    until_fold = forms.ChoiceField(choices=FOLDS, required=False)

    chosen: ClassVar[tuple[str, ...]] = ("from_day", "until_day", "from_time", "until_time")
    # The two moments in words, by "from" and "until", where there are two.
    twice: ClassVar[dict[str, tuple[str, ...]]] = {}

    @classmethod
    def asked(cls, absence: Absence) -> dict[str, Any]:
        """The form's values for an absence as it is, as a page sends them."""
        once = absence.repeats == Absence.Repeats.ONCE
        return _asked_of(absence.sets) | {
            "name": absence.name,
            "reason": absence.reason,
            "from_day": f"{absence.first_day}",
            "from_time": f"{absence.start_time:%H:%M}",
            "until_day": f"{absence.first_day + timedelta(days=absence.end_days)}",
            "until_time": f"{absence.end_time:%H:%M}",
            "zone": absence.zone,
            "repeats": absence.repeats,
            "weekdays": [str(day) for day in absence.weekdays],
            "calendar": str(absence.calendar_id or ""),
            "last_day": "" if once or not absence.last_day else f"{absence.last_day}",
        }

    def clean_name(self) -> str:
        return validators.name(self.cleaned_data["name"])

    def clean_reason(self) -> str:
        return validators.reason(self.cleaned_data["reason"])

    def clean_zone(self) -> str:
        zone = str(self.cleaned_data["zone"])
        if zone not in available_timezones():
            raise ValidationError("This is no time zone. Choose one such as Europe/Berlin.")
        return zone

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        values.setdefault("label", "")
        repeats = values.get("repeats")
        if repeats == Absence.Repeats.WEEKDAYS and not values.get("weekdays"):
            self.add_error("weekdays", "Choose at least one weekday.")
        if repeats == Absence.Repeats.CALENDAR and not values.get("calendar"):
            self.add_error("calendar", "Choose a calendar, or add one first.")
        first, last = values.get("from_day"), values.get("until_day")
        if first and last and not timedelta(0) <= last - first <= timedelta(days=LONGEST_DAYS):
            self.add_error("until_day", "Choose a day after the first one, at most a year later.")
        if repeats == Absence.Repeats.ONCE and "zone" in values:
            self.twice = {}  # type: ignore[misc]
            for which in ("from", "until"):
                self._judge_clock(which, values)
        return values

    def _judge_clock(self, which: str, values: dict[str, Any]) -> None:
        """What the clocks make of the one beginning or end that there is. Where it repeats, a rule decides."""
        day, at = values.get(f"{which}_day"), values.get(f"{which}_time")
        if day and at:
            names = {"name": f"{which}_time", "fold": f"{which}_fold"}
            twice = read_moment(self, day, at, ZoneInfo(values["zone"]), **names)[1]
            if twice:
                self.twice[which] = tuple(f"{moment:%H:%M %Z}" for moment in twice)

    @property
    def absence(self) -> Absence:
        """The absence that was asked for, unsaved."""
        values = self.cleaned_data
        repeats = values["repeats"]
        return Absence(
            name=values["name"],
            reason=values["reason"],
            zone=values["zone"],
            repeats=repeats,
            weekdays=sorted(values["weekdays"]) if repeats == Absence.Repeats.WEEKDAYS else [],
            calendar=values["calendar"] if repeats == Absence.Repeats.CALENDAR else None,
            first_day=values["from_day"],
            last_day=values["last_day"] if repeats != Absence.Repeats.ONCE else None,
            start_time=values["from_time"],
            end_time=values["until_time"],
            end_days=(values["until_day"] - values["from_day"]).days,
            # Of two moments it begins at the first and ends at the second, unless somebody has said otherwise.
            start_later=values["from_fold"] == "1" and "from" in self.twice,
            end_later=values["until_fold"] != "0" or "until" not in self.twice,
        )

    @property
    def sets(self) -> dict[str, Any]:
        """What shall be different, under Close's names."""
        return self.edit.fixed()

    @property
    def clock_notes(self) -> list[str]:
        """What the clocks make of these times, on each day that is looked ahead to: one they skip, one twice."""
        if any(name not in self.cleaned_data for name in (*self.chosen, "zone")):
            return []
        absence = self.absence
        since = max(absence.first_day, timezone.localdate())
        days = absence_days.days(absence, since, since + absence_days.AHEAD)
        return [found.note for day in days for found in absence_days.span(absence, day) if found.note]


def _asked_of(sets: Mapping[str, Any]) -> dict[str, str]:
    """What was chosen in the form for it to set this (BulkEdit.fixed says the other way round)."""
    how = ""
    if "forward_to" in sets:
        how = "to" if sets.get("forward_to_enabled") else "target"
    elif "forward_to_enabled" in sets:
        how = "on" if sets["forward_to_enabled"] else "off"
    press, url, ring = (sets.get(name) for name in _OTHERS)
    return {
        "forwarding": how,
        "target": sets.get("forward_to", ""),
        "press_1": "" if press is None else "on" if press else "off",
        "greeting": "" if url is None else "set" if url else "none",
        "greeting_url": url or "",
        "ring": "" if ring is None else "set",
        "ring_seconds": "" if ring is None else str(ring),
    }


_OTHERS = ("press_1_to_accept", "voicemail_greeting_url", "inbound_ring_duration")


class RingForm(forms.Form):
    """“What will ring?”: a number, and a moment in the reader's time zone. After `is_valid()`, `moment` says when."""

    use_required_attribute = False

    number = forms.CharField(error_messages={"required": "Type a number or its label."})
    day = forms.DateField(error_messages=NO_DAY, validators=IN_REACH)
    time = forms.TimeField(error_messages=NO_TIME)

    def clean_day(self) -> Any:
        day = self.cleaned_data["day"]
        # Each day until then is gone through, of each absence.
        if day - timezone.localdate() > absence_days.AHEAD:
            raise ValidationError(
                f"Only the next {absence_days.AHEAD.days} days are looked at. Choose an earlier day."
            )
        return day

    @property
    def moment(self) -> Any:
        zone = timezone.get_current_timezone_name()
        return absence_days.moment(self.cleaned_data["day"], self.cleaned_data["time"], zone).at
