"""Which numbers a bulk edit is about: those that were ticked, all that match a list, or those of an earlier draft."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse

from dashboard import access
from dashboard.filters import TITLES, NumberQuery
from dashboard.models import PhoneNumber, PhoneNumberQuerySet, Plan
from dashboard.views.number_query import read_query
from dashboard.views.numbers import words_of

# What one plan can hold. Close has customers with some ten thousand numbers.
MOST = 20_000
NOTHING = "No numbers are selected. Tick some in the list, then choose “Change”."


@dataclass(frozen=True)
class Selection:
    """The numbers, in the order in which the plan lists them; `kept` are the fields of a form that carries them."""

    numbers: PhoneNumberQuerySet = field(default_factory=PhoneNumber.objects.none)
    count: int = 0
    words: str = ""
    kept: tuple[tuple[str, str], ...] = ()
    back: str = ""
    plan: Plan | None = None

    @property
    def wrong(self) -> str:
        """Why no plan can be made for these: a sentence, or ""."""
        if not self.count:
            return NOTHING
        if self.count > MOST:
            return f"A plan holds up to {MOST:,} numbers, and these are {self.count:,}. Filter the list first."
        return ""


def read_selection(request: Any, data: Any) -> Selection:
    """What a form or an address has selected: `numbers` and `number`, `query`, or `plan`. Only what may be seen."""
    if "plan" in data:
        return _of_a_plan(request, data["plan"])
    if "query" in data:
        return _of_a_list(request, data["query"])
    return _ticked(request, data)


def nothing_selected(request: Any, selection: Selection) -> HttpResponse:
    """The page that says why nothing can be made for this selection."""
    context = {"words": selection.wrong, "back": selection.back}
    return render(request, "plans/nothing.html", context, status=422 if request.method == "POST" else 200)


def _ticked(request: Any, data: Any) -> Selection:
    """`numbers` comes from the script and holds all pages; `number` is one tick of the page without script."""
    posted = [*data.get("numbers", "").split(), *data.getlist("number")]
    # No id holds NUL, and PostgreSQL cannot even look for one that does.
    ids = [close_id for close_id in dict.fromkeys(posted) if "\0" not in close_id][: MOST + 1]
    visible = access.visible_numbers(request.person)
    numbers = visible.filter(close_id__in=ids).order_by("number", "pk")
    count = numbers.count() if ids else 0
    return Selection(
        numbers,
        count,
        f"{count:,} chosen of {visible.count():,}",
        (("numbers", " ".join(ids)),),
        reverse("number-list"),
    )


def _of_a_list(request: Any, text: str) -> Selection:
    query, numbers = read_query(request, QueryDict(text.removeprefix("?")))
    back = reverse("number-list") + query.address()
    if query.filters.wrong:
        # Without a filter that was not understood these would be more numbers than somebody has seen.
        return Selection(back=back)
    count, total = numbers.count(), access.visible_numbers(request.person).count()
    words = words_of_list(query, count, total)
    return Selection(numbers.order_by(*query.order()), count, words, (("query", text),), back)


def _of_a_plan(request: Any, text: str) -> Selection:
    """The numbers of a draft, to ask for something else. A row that was taken out of it stays out."""
    plans = access.visible_plans(request.person).filter(pk=int(text) if text.isdecimal() and len(text) < 10 else 0)
    plan = plans.filter(state=Plan.State.DRAFT).exclude(asked={}).first()
    if plan is None or access.why_not_plan(request.person, plan):
        return Selection(back=reverse("number-list"))
    visible = access.visible_numbers(request.person)
    numbers = visible.filter(pk__in=plan.changes.order_by().values("number")).order_by("number", "pk")
    back = reverse("plan-detail", args=[plan.pk])
    return Selection(numbers, numbers.count(), plan.selection, (("plan", str(plan.pk)),), back, plan)


def words_of_list(query: NumberQuery, count: int, total: int) -> str:
    """A filter as people say it: "team EMEA or APAC, forwarding off; 212 of 1,284"."""
    values: Mapping[str, Any] = query.filters.values
    parts = [f"“{values['q']}”"] if "q" in values else []
    for name, title in TITLES.items():
        given = values.get(name, [])
        words = [words_of(query, name, value) for value in (given if isinstance(given, list) else [given])]
        if words:
            parts.append(f"{title.lower()} {' or '.join(words)}")
    return f"{', '.join(parts)}; {count:,} of {total:,}" if parts else f"all {total:,} numbers"
