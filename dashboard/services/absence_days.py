"""When an absence is on: its days, and the moments at which each begins and ends, daylight saving included."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays

from dashboard.models import Absence, Calendar

# How far ahead days are looked at: for overlaps, for the timeline, for the next occurrence.
AHEAD = timedelta(days=400)


@dataclass(frozen=True)
class Moment:
    """A local time as a moment (UTC). `note` says so where the clocks make it another one, or two."""

    at: datetime
    note: str = ""


def moment(day: date, at: time, zone: str, *, later: bool = False) -> Moment:
    """The moment of a local time. One that the clocks skip is as much later; of two, the first or the `later`.

    Sources: https://peps.python.org/pep-0495/ for what `fold` means.
    """
    local = datetime.combine(day, at, ZoneInfo(zone))
    first, second = local.replace(fold=0).astimezone(UTC), local.replace(fold=1).astimezone(UTC)
    back = first.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if back != local.replace(tzinfo=None):
        note = f"{at:%H:%M} does not exist on {day:%d %b %Y}: the clocks go forward. It is {back:%H:%M} then."
        return Moment(first, note)
    if first != second:
        which = "second" if later else "first"
        note = f"{at:%H:%M} exists twice on {day:%d %b %Y}: the clocks go back. The {which} one counts."
        return Moment(second if later else first, note)
    return Moment(first)


def span(absence: Absence, day: date) -> tuple[Moment, Moment]:
    """When an absence begins and ends on one of its days."""
    return (
        moment(day, absence.start_time, absence.zone, later=absence.start_later),
        moment(day + timedelta(days=absence.end_days), absence.end_time, absence.zone, later=absence.end_later),
    )


def days(absence: Absence, since: date, until: date) -> Iterator[date]:
    """The days of an absence from `since` to `until`, both included."""
    since = max(since, absence.first_day)
    until = min(until, absence.last_day) if absence.last_day else until
    if absence.repeats == Absence.Repeats.ONCE:
        if since <= absence.first_day <= until:
            yield absence.first_day
    elif absence.repeats == Absence.Repeats.WEEKDAYS:
        for ahead in range((until - since).days + 1):
            day = since + timedelta(days=ahead)
            if day.weekday() in absence.weekdays:
                yield day
    elif absence.calendar is not None:
        yield from (day for day in days_off(absence.calendar, since, until))


def days_off(calendar: Calendar, since: date, until: date) -> dict[date, str]:
    """The days of a calendar with their names, in order, from `since` to `until`, both included."""
    found: dict[date, str] = {}
    if calendar.country:
        years = range(since.year, until.year + 1)
        found |= holidays.country_holidays(calendar.country, subdiv=calendar.region or None, years=years)
    found |= {date.fromisoformat(day): name for day, name in calendar.own_days.items()}
    left_out = {date.fromisoformat(day) for day in calendar.left_out}
    return {day: found[day] for day in sorted(found) if since <= day <= until and day not in left_out}


def lacks_next_year(calendar: Calendar, today: date) -> bool:
    """Whether a calendar has no day in the next year: nobody has told it, and nothing would happen then."""
    year = today.year + 1
    return not days_off(calendar, date(year, 1, 1), date(year, 12, 31))


def spans(absence: Absence, since: datetime, until: datetime) -> Iterator[tuple[date, datetime, datetime]]:
    """Each day of an absence that is on at some time between two moments (aware), with its beginning and end.

    Where the clocks skip the beginning and go past the end, nothing is left of that day.
    """
    first = (since - timedelta(days=absence.end_days + 2)).date()
    for day in days(absence, first, (until + timedelta(days=1)).date()):
        starts, ends = span(absence, day)
        if starts.at < until and ends.at > max(since, starts.at):
            yield day, starts.at, ends.at
