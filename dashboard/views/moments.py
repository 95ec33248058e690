"""A day and a time of day that somebody typed become a moment; what the clocks make of it is resolved on the form."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

# A day beyond is a slip of the hand, and at the ends of the calendar no zone can be reckoned with.
OUT_OF_REACH = "This day is out of reach. Choose one nearer to now."
IN_REACH = [MinValueValidator(date(2000, 1, 1), OUT_OF_REACH), MaxValueValidator(date(2199, 12, 31), OUT_OF_REACH)]


def read_moment(
    form: forms.Form, day: date, at: time, zone: ZoneInfo, *, name: str, fold: str
) -> tuple[datetime | None, tuple[datetime, ...]]:
    """The moment of a local time, and both where the clock shows it twice; None where the form has to be asked again.

    `name` is the field of the time, which gets the error of a time that the clock skips. `fold` is that in which
    somebody says which of two moments is meant: "0" or "1".
    """
    local = datetime.combine(day, at)
    first, second = (local.replace(tzinfo=zone, fold=which) for which in (0, 1))
    back = first.astimezone(UTC).astimezone(zone)
    if back.replace(tzinfo=None) != local:
        form.add_error(name, f"The clock skips {local:%H:%M} on that day. Choose {back:%H:%M} or another time.")
        return None, ()
    if first.utcoffset() == second.utcoffset():
        return first, ()
    chosen = form.cleaned_data.get(fold, "")
    if not chosen:
        form.add_error(fold, f"The clock shows {local:%H:%M} twice on that day. Choose which.")
        return None, (first, second)
    return (second if chosen == "1" else first), (first, second)


def read_epoch(text: str) -> datetime | None:
    """A moment that an address or a form carries in seconds of the epoch; None for anything else."""
    return datetime.fromtimestamp(int(text), UTC) if text.isdecimal() and len(text) <= 10 else None
