"""The rows of one plan: its tabs with their counts, one page of rows, and all of them as a file.

A draft groups its rows by what will happen, a plan that was approved by what became of them; what needs a person
comes first.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When

from dashboard import access
from dashboard.models import Change, Outcome, PhoneNumber, Plan, Verdict
from dashboard.models.plans import unused_targets
from dashboard.services import changes as record
from dashboard.services import fields, plans
from dashboard.templatetags.changes import between, outcome, told

PER_PAGE = 50
NOT_CHANGED = (Outcome.FAILED, Outcome.REFUSED, Outcome.CONFLICT)
WAITING = (Outcome.SENDING, Outcome.UNKNOWN, Outcome.PENDING)


@dataclass(frozen=True)
class Group:
    """Rows that belong together: the tab's name, what it means, how grave it is, and which rows those are."""

    name: str
    title: str
    about: str
    level: str
    which: Q
    places: tuple[str, ...] = ()


def _verdict(verdict: Verdict, about: str, level: str = "") -> Group:
    return Group(verdict.value, str(verdict.label), about, level, Q(verdict=verdict), (verdict.value,))


VERDICTS = (
    _verdict(Verdict.MOVED, "it is not what it was when you chose it", "warn"),
    _verdict(Verdict.FORBIDDEN, "this plan cannot carry it", "bad"),
    _verdict(Verdict.INVALID, "this cannot be sent", "bad"),
    _verdict(Verdict.LOOP, "calls would come back to where they began", "bad"),
    _verdict(Verdict.SAME, "already as wanted; at a later time this makes sure of it"),
    _verdict(Verdict.CHANGE, "in this order"),
)


def _outcomes(name: str, title: str, about: str, level: str, states: tuple[Outcome, ...]) -> Group:
    return Group(name, title, about, level, Q(state__in=states), tuple(state.value for state in states))


OUTCOMES = (
    _outcomes("failed", "Not changed", "look at these first", "bad", NOT_CHANGED),
    _outcomes("waiting", "Waiting", "these come next", "", WAITING),
    _outcomes("applied", "Applied", "the last one first", "", (Outcome.APPLIED,)),
    _outcomes("left-out", "Left out", "these stay as they are", "", (Outcome.LEFT_OUT,)),
)


@dataclass
class RowQuery:
    """What the address asks for: a tab, a search, a page. What makes no sense is left out."""

    groups: tuple[Group, ...]
    tab: str = ""
    q: str = ""
    page: int = 1

    @classmethod
    def read(cls, data: Any, plan: Plan) -> "RowQuery":
        groups = VERDICTS if plan.state == Plan.State.DRAFT else OUTCOMES
        tab, page = data.get("show", ""), data.get("page", "")
        return cls(
            groups,
            tab if any(tab == group.name for group in groups) else "",
            data.get("q", "").replace("\0", "").strip()[:200],
            int(page) if re.fullmatch(r"[0-9]{1,6}", page) and int(page) else 1,
        )

    def link(self, **other: Any) -> str:
        """The end of an address for this query with other values; a new tab or search begins at page 1."""
        values = {"show": self.tab, "q": self.q, "page": "", **other}
        return "?" + urlencode({name: value for name, value in values.items() if value})

    @property
    def here(self) -> str:
        return self.link(page=self.page if self.page > 1 else "")


@dataclass
class Rows:
    """One page of rows in their groups, the tabs, and where the page lies."""

    query: RowQuery
    counts: dict[str, int]
    found: int = 0
    first: int = 0
    pages: int = 1
    groups: list[dict[str, Any]] = field(default_factory=list)
    names: record.Names = field(default_factory=record.Names)
    hidden: int = 0

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def last(self) -> int:
        return self.first - 1 + sum(len(group["rows"]) for group in self.groups)

    @property
    def previous(self) -> str:
        """The end of the address of the page before; "" on the first."""
        return self.query.link(page=self.query.page - 1) if self.query.page > 1 else ""

    @property
    def next(self) -> str:
        return self.query.link(page=self.query.page + 1) if self.query.page < self.pages else ""

    @property
    def tabs(self) -> list[dict[str, Any]]:
        shown = [group for group in self.query.groups if self.counts[group.name] or group.name == self.query.tab]
        tabs = [("", "All", self.total, "")]
        tabs += [(group.name, group.title, self.counts[group.name], group.level) for group in shown]
        return [
            {
                "name": name,
                "title": title,
                "count": count,
                "level": level,
                "link": self.query.link(show=name),
                "here": name == self.query.tab,
            }
            for name, title, count, level in tabs
        ]


def seen_changes(plan: Plan, person: access.Person) -> QuerySet[Change]:
    """The rows of a plan that this person may see: of numbers that they see now, or that are gone from Close."""
    changes: QuerySet[Change] = Change.objects.filter(plan=plan)
    if person.all_numbers:
        return changes
    theirs = Q(number__in=access.visible_numbers(person)) | Q(number__missing_since__isnull=False)
    return changes.filter(theirs)


def counts_of(plan: Plan, person: access.Person) -> dict[str, int]:
    """How many rows are in each group."""
    name = "verdict" if plan.state == Plan.State.DRAFT else "state"
    groups = VERDICTS if plan.state == Plan.State.DRAFT else OUTCOMES
    found = dict(seen_changes(plan, person).order_by().values_list(name).annotate(Count("pk")))
    return {group.name: sum(found.get(place, 0) for place in group.places) for group in groups}


def read_rows(plan: Plan, person: access.Person, data: Any) -> Rows:
    """The page of rows that the address asks for."""
    query = RowQuery.read(data, plan)
    rows = Rows(query, counts_of(plan, person))
    if not person.all_numbers:
        rows.hidden = plan.changes.count() - rows.total
    matching = seen_changes(plan, person)
    if query.tab:
        matching = matching.filter(next(group.which for group in query.groups if group.name == query.tab))
    if query.q:
        matching = matching.filter(number__in=PhoneNumber.objects.search(query.q).values("pk"))
    # The keys first: only so few rows are read whole, and only those are sorted with all that they hold.
    ordered: Any = _in_order(matching, query.groups).values_list("pk", flat=True)
    if query.q:
        # Looked for once: the keys of all that is found are fewer to read than to count anew.
        ordered = list(ordered)
        rows.found = len(ordered)
    else:
        rows.found = rows.counts[query.tab] if query.tab else rows.total
    rows.pages = max(1, -(-rows.found // PER_PAGE))
    query.page = min(query.page, rows.pages)
    start = (query.page - 1) * PER_PAGE
    rows.first = start + 1
    keys = list(ordered[start : start + PER_PAGE])
    found = record.with_story(Change.objects.filter(pk__in=keys)).select_related("undoes__number")
    read = {change.pk: change for change in found}
    shown = [read[pk] for pk in keys if pk in read]
    rows.names = record.names_in(shown)
    for change in shown:
        _tell(change, rows.names, draft=plan.state == Plan.State.DRAFT)
    if plan.state == Plan.State.DRAFT:
        _mark_first_use([change for change in shown if change.verdict == Verdict.CHANGE])
    rows.groups = list(_grouped(shown, rows))
    return rows


def _in_order(changes: QuerySet[Change], groups: tuple[Group, ...]) -> QuerySet[Change]:
    """By group; of what was approved also what is under way before what waits, and the last outcome first."""
    name = "verdict" if groups is VERDICTS else "state"
    whens = [
        When(**{name: place}, then=Value(rank + (0 if place in NOT_CHANGED else part)))
        for rank, group in zip(range(0, 100, 10), groups, strict=False)
        for part, place in enumerate(group.places)
    ]
    rank = Case(*whens, default=Value(100), output_field=IntegerField())
    if groups is VERDICTS:
        return changes.order_by(rank, "pk")
    return changes.order_by(rank, F("finished_at").desc(nulls_last=True), "pk")


def _grouped(changes: list[Change], rows: Rows) -> Iterator[dict[str, Any]]:
    group_of = {place: group for group in rows.query.groups for place in group.places}
    draft = rows.query.groups is VERDICTS

    def group(change: Change) -> Group:
        return group_of[change.verdict if draft else change.state]

    for found, some in groupby(changes, key=group):
        yield {"group": found, "count": rows.counts[found.name], "rows": list(some)}


def _tell(change: Any, names: record.Names, *, draft: bool) -> None:
    """Note on a row what its template says: `lines`, what becomes of each field, and `stays`, what it holds."""
    known = change.before | change.shown
    change.lines, change.stays = [], ""
    if draft and change.verdict == Verdict.SAME:
        change.stays = told(change.after, known, names, of=change.fields)
    elif draft and change.verdict == Verdict.MOVED:
        found = {
            name: held for name, held in (change.found or {}).items() if not fields.same(name, held, known.get(name))
        }
        lines = between(known, found, names)
        change.lines = [replace(line, note="now in Close") for line in lines]
        change.yours = told({**change.shown, **change.after}, {**known, **found}, names, of=change.fields)
    else:
        change.lines = between(change.before, change.after, names, shown=change.shown)
    if draft and change.undoes and change.verdict == Verdict.CHANGE:
        # What a change back cannot bring back exactly is said before the click (promise P7).
        change.error = plans.undo_note(change.undoes, undone=False).words


def _mark_first_use(changes: list[Any]) -> None:
    """Note on a row whether its target is one to which no number was forwarded before (promise P8)."""
    new = unused_targets(change.after["forward_to"] for change in changes if "forward_to" in change.after)
    for change in changes:
        change.first_use = change.after.get("forward_to") in new


# ---- As a file ----

HEADER = ("number", "number_id", "label", "teams", "field", "field_name", "from", "to", "what", "note", "finished")


def as_lines(plan: Plan, changes: Iterable[Change]) -> Iterator[list[Any]]:
    """A line for each field of these rows."""
    draft = plan.state == Plan.State.DRAFT
    for change in changes:
        what = change.get_verdict_display() if draft else outcome(change).word
        for name in change.fields:
            yield [
                change.number.number,
                change.number.close_id,
                change.number.label,
                ", ".join(change.number.team_names),
                name,
                fields.term(name),
                change.before.get(name),
                change.after[name],
                what,
                change.error,
                change.finished_at,
            ]
