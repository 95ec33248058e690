"""Days and times of day, in the reader's time zone, as people write them."""

from datetime import date, datetime

from django import template
from django.utils import timezone

from dashboard.models import Change

register = template.Library()


@register.filter
def span(change: Change) -> str:
    """When a change in Close was made, as far as that is known: "between 11:15 and 11:30"."""
    until = timezone.localtime(change.created_at)
    if change.observed_after is None:
        return f"before {_clock(until)}"
    since = timezone.localtime(change.observed_after)
    if _date(since) == _date(until) and _clock(since) == _clock(until):
        return f"at {_clock(until)}"
    if since.date() == until.date():
        return f"between {_clock(since)} and {_clock(until)}"
    return f"between {_date(since)}, {_clock(since)} and {_date(until)}, {_clock(until)}"


@register.filter
def clock(moment: datetime) -> str:
    """A time of day as people write it: "9:12"."""
    return _clock(timezone.localtime(moment))


@register.filter
def until(moment: datetime) -> str:
    """A moment soon to come, as short as it is clear: "18:00" today, "Friday 18:00" this week, "18 Dec, 18:00"."""
    local = timezone.localtime(moment)
    days = (local.date() - timezone.localdate()).days
    if days == 0:
        return _clock(local)
    return f"{local:%A} {_clock(local)}" if 0 < days < 7 else f"{_date(local)}, {_clock(local)}"


@register.filter
def day_and_clock(moment: datetime) -> str:
    """ "Today, 11:42", "Yesterday, 16:05", "19 Nov, 9:12", "19 Nov 2025, 9:12"."""
    local = timezone.localtime(moment)
    days = (timezone.localdate() - local.date()).days
    day = {0: "Today", 1: "Yesterday"}.get(days) or _date(local)
    return f"{day}, {_clock(local)}"


@register.filter
def day_name(day: date) -> str:
    """ "Today, Tuesday 24 November", and with the year where it is another one."""
    today = timezone.localdate()
    near = {0: "Today, ", 1: "Yesterday, "}.get((today - day).days, "")
    year = "" if day.year == today.year else f" {day.year}"
    return f"{near}{day:%A} {day.day} {day:%B}{year}"


def zone_words() -> str:
    """The reader's time zone as a place and its letters: "Berlin (CET)", or "UTC"."""
    name, letters = timezone.get_current_timezone_name(), f"{timezone.localtime():%Z}"
    place = name.rsplit("/", 1)[-1].replace("_", " ")
    return place if place == letters else f"{place} ({letters})"


def _clock(local: datetime) -> str:
    return f"{local.hour}:{local:%M}"


def _date(local: datetime) -> str:
    year = "" if local.year == timezone.localdate().year else f" {local.year}"
    return f"{local.day} {local:%b}{year}"
