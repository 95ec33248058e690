"""What people look for: the parameters of the number list, checked, and their way into a query.

A parameter that cannot be understood is left out and leaves a note for the page; nothing a browser sends makes
an error of it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import urlencode

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import BigIntegerField, F, QuerySet, Value
from django.db.models.expressions import OrderBy

from dashboard.models import Change, Group, Member, PhoneNumber, PhoneNumberQuerySet
from dashboard.models.numbers import SORT_KEYS

# What the table can show beside the number, in its order.
COLUMNS = {
    "label": "Label",
    "team": "Team",
    "members": "Members",
    "forwarding": "Forwarding",
    "press_1": "Press 1",
    "greeting": "Greeting",
    "changed": "Changed",
}

PER_PAGE = (25, 50, 100, 200)
USUAL_PER_PAGE = 50
# What the filter's values mean to PhoneNumber.forwarding: off is off with and without a target.
FORWARDING = {"on": ("on", "nowhere"), "off": ("off", "none"), "none": ("none", "nowhere")}
MOST_VALUES = 100

TITLES = {
    "team": "Team",
    "forwarding": "Forwarding",
    "greeting": "Greeting",
    "country": "Country",
    "member": "Person",
    "type": "Type",
    "changed": "Changed",
}
CHOICES = {
    "forwarding": {"on": "On", "off": "Off", "none": "No target"},
    "greeting": {"set": "Set", "none": "None"},
    "changed": {"close": "In Close, not seen yet"},
}
PARAMETERS = ("q", *TITLES, "sort", "page", "per_page", "columns", "view")


class ValuesWidget(forms.MultipleHiddenInput):
    """Several values of one parameter, given by repetition, by comma, or both."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        given = data.getlist(name) if hasattr(data, "getlist") else [data.get(name, "")]
        parts = [part.strip() for text in given for part in text.split(",")]
        return list(dict.fromkeys(part for part in parts if part))


class ValuesField(forms.Field):
    """A list of values that all have the shape of `pattern`."""

    widget = ValuesWidget

    def __init__(self, *, pattern: str, **kwargs: Any) -> None:
        self.pattern = re.compile(pattern)
        super().__init__(**kwargs)

    def clean(self, value: Any) -> list[str]:
        if len(value) > MOST_VALUES or not all(self.pattern.fullmatch(part) for part in value):
            raise ValidationError("These values cannot be.")
        return list(value)


class ValuesFilter(django_filters.Filter):
    field_class = ValuesField


class NumberFilter(django_filters.FilterSet):
    """The filters of the number list. `names` holds the names of the teams and people that were asked for."""

    q = django_filters.CharFilter(method="search", max_length=200)
    team = ValuesFilter(method="of_teams", pattern=r"[\w-]{1,64}")
    member = ValuesFilter(method="of_members", pattern=r"[\w-]{1,64}")
    type = ValuesFilter(method="of_types", pattern=r"[\w-]{1,32}")
    country = ValuesFilter(method="of_countries", pattern=r"[A-Za-z]{2}")
    forwarding = django_filters.ChoiceFilter(method="forwarded", choices=[*CHOICES["forwarding"].items()])
    greeting = django_filters.ChoiceFilter(method="greeted", choices=[*CHOICES["greeting"].items()])
    changed = django_filters.ChoiceFilter(method="changed_in_close", choices=[*CHOICES["changed"].items()])

    _one_by_one = False

    class Meta:
        model = PhoneNumber
        fields: tuple[str, ...] = ()

    def __init__(self, data: Any, queryset: Any, *, teams: QuerySet[Group], people: QuerySet[Member]) -> None:
        super().__init__(data, queryset)
        self.wrong = [name for name in self.filters if name in self.errors]
        self.values = {name: value for name, value in self.form.cleaned_data.items() if value}
        self.names = self._names(teams, people)
        for name in ("team", "member"):
            known = [value for value in self.values.get(name, []) if value in self.names]
            if known != self.values.pop(name, []):
                self.wrong.append(name)
            if known:
                self.values[name] = known

    def _names(self, teams: QuerySet[Group], people: QuerySet[Member]) -> dict[str, str]:
        """The names of the asked teams and people by id, in one query and only if some were asked for."""
        if not self.values.get("team") and not self.values.get("member"):
            return {}
        asked_teams = teams.filter(close_id__in=self.values.get("team", [])).order_by()
        asked_people = people.filter(close_id__in=self.values.get("member", [])).order_by()
        columns = ("close_id", "name", "team")
        teams_found = asked_teams.annotate(team=F("pk")).values_list(*columns)
        people_found = asked_people.annotate(team=Value(None, BigIntegerField())).values_list(*columns)
        found = list(teams_found.union(people_found))
        self.team_keys = {close_id: pk for close_id, _, pk in found if pk}
        return {close_id: name for close_id, name, _ in found}

    def one_by_one(self) -> Any:
        """The same numbers as `qs`, by a search that looks at one number after the other."""
        self._one_by_one = True
        return self.filter_queryset(self.queryset.all())

    def filter_queryset(self, queryset: Any) -> Any:
        for name, value in self.values.items():
            queryset = self.filters[name].filter(queryset, value)
        return queryset

    def search(self, numbers: PhoneNumberQuerySet, name: str, value: str) -> PhoneNumberQuerySet:
        return numbers.search(value, one_by_one=self._one_by_one)

    def of_teams(self, numbers: PhoneNumberQuerySet, name: str, value: list[str]) -> PhoneNumberQuerySet:
        return numbers.of_teams(self.team_keys[close_id] for close_id in value if close_id in self.team_keys)

    def of_members(self, numbers: PhoneNumberQuerySet, name: str, value: list[str]) -> PhoneNumberQuerySet:
        through = PhoneNumber.members.through.objects.filter(member__close_id__in=value)
        return numbers.filter(pk__in=through.values("phonenumber_id"))

    def of_types(self, numbers: PhoneNumberQuerySet, name: str, value: list[str]) -> PhoneNumberQuerySet:
        return numbers.filter(type__in=value)

    def of_countries(self, numbers: PhoneNumberQuerySet, name: str, value: list[str]) -> PhoneNumberQuerySet:
        return numbers.filter(country__in=[code.upper() for code in value])

    def forwarded(self, numbers: PhoneNumberQuerySet, name: str, value: str) -> PhoneNumberQuerySet:
        return numbers.filter(forwarding__in=FORWARDING[value])

    def greeted(self, numbers: PhoneNumberQuerySet, name: str, value: str) -> PhoneNumberQuerySet:
        return numbers.filter(has_greeting=value == "set")

    def changed_in_close(self, numbers: PhoneNumberQuerySet, name: str, value: str) -> PhoneNumberQuerySet:
        return numbers.filter(pk__in=Change.objects.unseen().order_by().values("number_id"))


@dataclass(kw_only=True)
class ListQuery:
    """What the address of a list asks for. Here: its page, addresses like it, and notes about what it said wrong."""

    page: int = 1
    notes: list[str] = field(default_factory=list)

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters as they were understood, without what is usual anyway."""
        raise NotImplementedError

    def address(self, **changes: str | None) -> str:
        """The query string with these parameters changed; None takes one away. A new order begins at page 1."""
        values: Mapping[str, str | None] = {**self.parameters, "page": None, **changes}
        return "?" + urlencode({name: value for name, value in values.items() if value}, safe=",")

    def read_page(self, text: str) -> None:
        """The number of the page, as the address says it."""
        if re.fullmatch(r"[0-9]{1,18}", text) and int(text):
            self.page = int(text)
        elif text:
            self.notes.append(f"There is no page “{text[:40]}”; page 1 is shown.")

    def stay_within(self, pages: int) -> None:
        """Go back to the last page where the address asks for one behind it."""
        if self.page > pages:
            only = f"There are only {pages} pages; the last one is shown."
            self.notes.append(only if pages > 1 else "There is one page.")
            self.page = pages

    def leave_out(self, unknown: Iterable[str]) -> None:
        """Note the parameters that this list does not have; a few are enough."""
        for name in islice(unknown, 5):
            self.notes.append(f"This list has no parameter “{name[:40]}”; it is left out.")


@dataclass
class NumberQuery(ListQuery):
    """What the address of the list says: filters, order, page and columns."""

    filters: NumberFilter
    sort: str = "number"
    per_page: int = USUAL_PER_PAGE
    columns: list[str] = field(default_factory=lambda: list(COLUMNS))
    columns_given: bool = False
    view: int | None = None

    @classmethod
    def read(cls, data: Any, filters: NumberFilter, columns: list[str]) -> "NumberQuery":
        """Read `data` (a QueryDict); `columns` are those the person has chosen before."""
        query = cls(filters)
        query.notes += [
            f"“{TITLES.get(name, 'Search')}” was not understood and is left out." for name in filters.wrong
        ]
        query._read_sort(data.get("sort", ""))
        query.read_page(data.get("page", ""))
        if per_page := data.get("per_page", ""):
            if per_page in map(str, PER_PAGE):
                query.per_page = int(per_page)
            else:
                query.notes.append(f"A page has 25, 50, 100 or 200 numbers; {USUAL_PER_PAGE} are shown.")
        query._read_columns(data, columns)
        if view := data.get("view", ""):
            query.view = int(view) if re.fullmatch(r"[0-9]{1,9}", view) else 0
        query.leave_out(name for name in data if name not in PARAMETERS)
        return query

    def _read_sort(self, sort: str) -> None:
        if sort.removeprefix("-") in SORT_KEYS:
            self.sort = sort
        elif sort:
            self.notes.append(f"The list cannot be sorted by “{sort[:40]}”; it is sorted by number.")

    def _read_columns(self, data: Any, chosen: list[str]) -> None:
        given = ValuesWidget().value_from_datadict(data, None, "columns")
        if given and not set(given) <= {*COLUMNS, "number"}:
            self.notes.append("Some columns are not known and are left out.")
        known = [name for name in COLUMNS if name in given]
        self.columns_given = bool(known) or given == ["number"]
        wanted = known if self.columns_given else (chosen or list(COLUMNS))
        self.columns = [name for name in COLUMNS if name in wanted]

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters as they were understood, without what is usual anyway."""
        values = {name: ",".join(v) if isinstance(v, list) else v for name, v in self.filters.values.items()}
        if self.sort != "number":
            values["sort"] = self.sort
        if self.page != 1:
            values["page"] = str(self.page)
        if self.per_page != USUAL_PER_PAGE:
            values["per_page"] = str(self.per_page)
        if self.columns_given:
            values["columns"] = ",".join(self.columns) or "number"
        if self.view:
            values["view"] = str(self.view)
        return values

    def order(self, *, backwards: bool = False) -> list[OrderBy]:
        """The order of the rows, always with the id last and in the same direction, as the indexes have it."""
        descending = self.sort.startswith("-") != backwards
        keys = [*SORT_KEYS[self.sort.removeprefix("-")], F("id")]
        return [key.desc() if descending else key.asc() for key in keys]
