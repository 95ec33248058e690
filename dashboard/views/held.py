"""What is held after a gap, item by item, on the page Plans: due plans and absences, each to be run or dropped."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from dashboard import access, tasks
from dashboard.access import TEAM_LEAD, allow
from dashboard.context import connection_of
from dashboard.models import Connection, Occurrence, Plan
from dashboard.services import deciding, holding, plans, replanning
from dashboard.views.answers import refused
from dashboard.views.fragments import say

ALL = {"run": deciding.run_all, "drop": deciding.drop_all}
ONE = {"run": deciding.run, "drop": deciding.drop}
LEFT = "A number that holds something else by now is left alone and shown."
NOT_SENT = "Nothing of it was sent to Close."


@dataclass(frozen=True)
class Line:
    """One item: what it is, whose, since when it is due, what would happen, and how much of that is still right."""

    key: str
    title: str
    address: str
    author: str
    due_at: Any
    what: str
    still: int
    count: int
    may_run: bool
    may_drop: bool


def lines(person: access.Person, connection: Connection) -> list[Line]:
    """What is held, as far as this person may see it: plans first, then absences."""
    if not connection.held_since:
        return []
    held = access.visible_plans(person).filter(pk__in=holding.held_plans(connection).values("pk"))
    found = [_of_plan(person, plan) for plan in held]
    seen = holding.held_absences(connection).filter(absence__in=access.visible_absences(person).values("pk"))
    return found + [_of_absence(person, one) for one in seen.select_related("absence")]


def _of_plan(person: access.Person, plan: Plan) -> Line:
    address = reverse("plan-detail", args=[plan.pk])
    facts = ("plan", replanning.title(plan), address, plan.author_name, plan.run_at or plan.approved_at)
    return _line(person, plan, *facts, what="Changes {numbers}")


def _of_absence(person: access.Person, one: Occurrence) -> Line:
    absence = one.absence
    due_at: datetime | None = one.starts_at
    what = "Begins for {numbers}"
    if one.state == Occurrence.State.ON:
        over = one.ends_at <= timezone.now()
        due_at, what = (one.ends_at, "Ends: puts {numbers} back") if over else (None, "Was edited: changes {numbers}")
    address = reverse("absence-detail", args=[absence.pk])
    return _line(person, one, "absence", absence.name, address, absence.author_name, due_at, what=what)


def _line(
    person: access.Person,
    item: Plan | Occurrence,
    kind: str,
    title: str,
    address: str,
    author: str,
    due: Any,
    *,
    what: str,
) -> Line:
    still, count = deciding.still_right(item)
    return Line(
        key=f"{kind}-{item.pk}",
        title=title,
        address=address,
        author=author,
        due_at=due,
        what=what.format(numbers=f"{count:,} number{'' if count == 1 else 's'}"),
        still=still,
        count=count,
        may_run=person.is_ops_admin,
        may_drop=not deciding.why_not_drop(person, item),
    )


@allow(TEAM_LEAD)
@require_POST
def held_decide(request: Any) -> HttpResponse:
    """`do` is "run" or "drop", `item` the key of one line; without it all that is held is meant."""
    do, key = request.POST.get("do", ""), request.POST.get("item", "")
    if do not in ONE:
        return HttpResponseBadRequest("Choose whether it runs or is dropped.")
    try:
        if key:
            item, title = _item(request, key)
            ONE[do](request.person, item)
            words = f"“{title}” goes on. {LEFT}" if do == "run" else f"“{title}” is dropped. {NOT_SENT}"
        else:
            words = _words_of_all(do, ALL[do](request.person))
    except plans.NotAllowedError as error:
        return refused(request, error)
    if do == "run":
        tasks.tick.enqueue()
    say(request, words)
    return HttpResponseRedirect(reverse("plan-list"), status=303)


def _words_of_all(do: str, count: int) -> str:
    if not count:
        return "Nothing waited any more. What comes runs by itself again."
    if do == "drop":
        return f"{count:,} dropped. {NOT_SENT}"
    return f"{'1 goes' if count == 1 else f'{count:,} go'} on. {LEFT}"


def _item(request: Any, key: str) -> tuple[Plan | Occurrence, str]:
    """The item of this key, with its title, as long as it is held and this person may see it."""
    kind, _, number = key.partition("-")
    pk = int(number) if number.isdecimal() and len(number) < 18 else 0
    connection = connection_of(request)
    if kind == "plan":
        plan = access.visible_plans(request.person).filter(pk=pk).first()
        if plan is not None and holding.is_held(plan, connection):
            return plan, replanning.title(plan)
    else:
        one = holding.held_absences(connection).filter(pk=pk).select_related("absence__author").first()
        if one is not None and access.visible_absences(request.person).filter(pk=one.absence_id).exists():
            return one, one.absence.name
    raise Http404
