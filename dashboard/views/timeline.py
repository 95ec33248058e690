"""A week of absences as a picture: a row for each number, a bar for each time that it rings elsewhere.

Everything is in per cent of the width, drawn by the server, so that no script and no style is needed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone

from dashboard.models import Absence, Holding, Occurrence, PhoneNumber
from dashboard.services import absence_days

DAYS = 7
MOST_ROWS = 40
State = Occurrence.State
NOT_ON = (State.SKIPPED, State.STOPPED)
LOOK = {State.ON: "on", State.RETURNING: "on", State.COMING: "coming"}


@dataclass(frozen=True)
class Bar:
    """One bar: where it begins and how wide it is, in per cent; what it looks like, what it says."""

    x: float
    width: float
    look: str
    absence: Absence
    words: str


@dataclass
class Line:
    number: PhoneNumber
    bars: list[Bar] = field(default_factory=list)


@dataclass(frozen=True)
class Week:
    """Seven days from a Monday on, in the reader's time zone."""

    first: date

    @classmethod
    def read(cls, text: str) -> "Week":
        """The week of the day in an address, else this one."""
        try:
            day = date.fromisoformat(text)
            timedelta(days=DAYS) + day  # The last week of all has no next one.
        except (ValueError, OverflowError):
            day = timezone.localdate()
        if not 2000 < day.year < 2200:
            day = timezone.localdate()
        return cls(day - timedelta(days=day.weekday()))

    @property
    def previous(self) -> date:
        return self.first - timedelta(days=DAYS)

    @property
    def next(self) -> date:
        return self.first + timedelta(days=DAYS)

    @property
    def last(self) -> date:
        return self.next - timedelta(days=1)

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        return _midnight(self.first), _midnight(self.next)

    def at(self, moment: datetime) -> float:
        """Where a moment lies, in per cent; before and after the week at its edges."""
        since, until = self.bounds
        part = (moment - since) / (until - since)
        return round(min(max(part, 0.0), 1.0) * 100, 3)

    @property
    def days(self) -> list[dict[str, Any]]:
        """Each day with the place of its midnight."""
        found = []
        for ahead in range(DAYS):
            day = self.first + timedelta(days=ahead)
            found.append({"day": day, "x": self.at(_midnight(day)), "today": day == timezone.localdate()})
        return found

    @property
    def now(self) -> float | None:
        since, until = self.bounds
        moment = timezone.now()
        return self.at(moment) if since <= moment < until else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.get_current_timezone()).astimezone(UTC)


def lines(week: Week, absences: list[Absence], seen: Any) -> list[Line]:
    """The rows of a week, in order of their numbers; `seen` are the numbers that the reader may see."""
    occurrences = _occurrences(absences)
    bars = {absence.pk: list(_bars(week, absence, occurrences.get(absence.pk, {}))) for absence in absences}
    theirs = Absence.numbers.through.objects.filter(absence__in=[key for key, found in bars.items() if found])
    numbers = seen.filter(pk__in=theirs.values("phonenumber")).order_by("number")[:MOST_ROWS]
    rows = {number.pk: Line(number) for number in numbers}
    pairs = theirs.filter(phonenumber__in=rows).order_by("-absence").values_list("phonenumber", "absence")
    for number, absence in pairs:
        rows[number].bars.extend(bars[absence])
    return list(rows.values())


def _occurrences(absences: list[Absence]) -> dict[int, dict[date, Occurrence]]:
    """What has been on or comes next, by absence and day; `look` says whether something was left as it is."""
    left = Holding.objects.filter(occurrence=OuterRef("pk"), state=Holding.State.LEFT)
    found: dict[int, dict[date, Occurrence]] = {}
    for one in Occurrence.objects.filter(absence__in=absences).annotate(look=Exists(left)):
        found.setdefault(one.absence_id, {})[one.day] = one
    return found


def _bars(week: Week, absence: Absence, occurrences: dict[date, Occurrence]) -> Iterator[Bar]:
    """What was on as it was, whatever the absence has become since; and what its days say of the time to come."""
    since, until = week.bounds
    for one in occurrences.values():
        if one.starts_at < until and one.ends_at > since and one.state not in NOT_ON:
            look = "look" if getattr(one, "look", False) else LOOK.get(State(one.state), "over")
            yield _bar(week, absence, one.starts_at, one.ends_at, look)
    if absence.stopped_at is None:
        now = timezone.now()
        for day, starts_at, ends_at in absence_days.spans(absence, since, until):
            if ends_at > now and day not in occurrences:
                yield _bar(week, absence, starts_at, ends_at, "coming")


def _bar(week: Week, absence: Absence, starts_at: datetime, ends_at: datetime, look: str) -> Bar:
    x = week.at(starts_at)
    begins, ends = timezone.localtime(starts_at), timezone.localtime(ends_at)
    words = f"{absence.name}, {begins:%a %d %b %H:%M} to {ends:%a %d %b %H:%M}"
    return Bar(x, round(week.at(ends_at) - x, 3), look, absence, words)
