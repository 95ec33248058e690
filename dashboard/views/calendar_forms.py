"""What people type about calendars."""

from datetime import date
from typing import Any

import holidays
from django import forms
from django.core.exceptions import ValidationError

from dashboard.models import Calendar

# All of it is read at each beat of the clock, and each time that the calendars are listed.
MOST_TEXT = 20_000
TOO_LONG = "This is too long: 20,000 characters are the most. Keep the days of the years to come."


class CalendarForm(forms.Form):
    """A calendar: a country's public holidays, less some, and own days, one a line: 2026-12-24 Christmas Eve."""

    use_required_attribute = False

    name = forms.CharField(max_length=120, error_messages={"required": "Give it a name, such as “Germany, Berlin”."})
    country = forms.CharField(max_length=2, required=False)
    region = forms.CharField(max_length=16, required=False)
    own_days = forms.CharField(required=False, max_length=MOST_TEXT, error_messages={"max_length": TOO_LONG})
    left_out = forms.CharField(required=False, max_length=MOST_TEXT, error_messages={"max_length": TOO_LONG})

    @classmethod
    def asked(cls, calendar: Calendar) -> dict[str, str]:
        """The form's values for a calendar as it is."""
        return {
            "name": calendar.name,
            "country": calendar.country,
            "region": calendar.region,
            "own_days": "\n".join(f"{day} {name}" for day, name in sorted(calendar.own_days.items())),
            "left_out": "\n".join(sorted(calendar.left_out)),
        }

    def clean_country(self) -> str:
        country = str(self.cleaned_data["country"]).upper()
        if country and country not in holidays.list_supported_countries():
            raise ValidationError(
                f"The holidays of {country} are not known. Use a code such as DE, or own days only."
            )
        return country

    def clean_own_days(self) -> dict[str, str]:
        days = {}
        for number, line in enumerate(self.cleaned_data["own_days"].splitlines(), start=1):
            day, _, name = line.strip().partition(" ")
            if day:
                days[_day(day, number).isoformat()] = name.strip() or "Own day"
        return days

    def clean_left_out(self) -> list[str]:
        lines = self.cleaned_data["left_out"].split()
        return [_day(day, number).isoformat() for number, day in enumerate(lines, start=1)]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        country, region = values.get("country"), values.get("region")
        if country and region:
            known = holidays.list_supported_countries().get(country, [])
            if region not in known:
                self.add_error(
                    "region", f"Choose one of {', '.join(known)}, or leave it empty." if known else "Leave it empty."
                )
        if not country and not values.get("own_days") and "own_days" not in self.errors:
            self.add_error("country", "Choose a country, or write down own days.")
        return values


def _day(text: str, line: int) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValidationError(f"Line {line}: “{text}” is no day. Write it like 2026-12-24.") from None
