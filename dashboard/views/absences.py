"""The pages of absences: what is on, comes or needs a look; one of them, and stopping it; what will ring then."""

from datetime import timedelta
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Case, Count, Exists, Min, OuterRef, Prefetch, Q, Subquery, When
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard import access
from dashboard.access import TEAM_LEAD, allow
from dashboard.models import Absence, Calendar, Holding, Occurrence, Plan
from dashboard.services import absence_days, absence_editing, absences, plans
from dashboard.services.callpath import call_path
from dashboard.services.forecast import forecast
from dashboard.templatetags.days import zone_words
from dashboard.templatetags.ui import phone
from dashboard.views import timeline
from dashboard.views.absence_forms import WEEKDAYS, RingForm
from dashboard.views.answers import refused
from dashboard.views.fragments import say

PER_PAGE = 25
TABS = {"open": "Open", "look": "Needs a look", "over": "Over"}
State = Occurrence.State
OPEN = (State.COMING, State.ON, State.RETURNING)
MARKS = {
    State.ON: ("on", "player-play", "On"),
    State.RETURNING: ("on", "arrow-back-up", "Going back"),
    State.COMING: ("wait", "clock", "Coming"),
    State.SKIPPED: ("warn", "ban", "Skipped"),
    State.STOPPED: ("wait", "player-stop", "Stopped"),
    State.OVER: ("wait", "check", "Over"),
}
NOT_BACK = ("warn", "alert-triangle", "Not put back")


@allow(TEAM_LEAD)
@require_safe
def absence_list(request: Any) -> HttpResponse:
    """The page: a week as a picture, the absences by tab, what will ring, and the calendars."""
    visible = access.visible_absences(request.person)
    tab = request.GET.get("show") if request.GET.get("show") in TABS else "open"
    of_tab = {name: _of_tab(visible, name) for name in TABS}
    page = Paginator(_with_lines(of_tab[tab], request.person), PER_PAGE).get_page(request.GET.get("page"))
    week = timeline.Week.read(request.GET.get("week", ""))
    shown = list(_open_in(visible, week).select_related("calendar")[: timeline.MOST_ROWS])
    context = {
        "tabs": [(name, title, of_tab[name].count(), name == tab) for name, title in TABS.items()],
        "page": page,
        "lines": _lines(request.person, list(page.object_list)),
        "week": week,
        "zone": zone_words(),
        "rows": timeline.lines(week, shown, access.visible_numbers(request.person)),
        "calendars": [_calendar(calendar) for calendar in Calendar.objects.annotate(used=Count("absences"))],
        **_what_rings(request),
    }
    return render(request, "absences/list.html", context)


def _of_tab(visible: Any, tab: str) -> Any:
    left = Occurrence.objects.filter(holdings__state=Holding.State.LEFT).values("absence")
    is_open = Q(pk__in=Occurrence.objects.filter(state__in=OPEN).values("absence"))
    if tab == "look":
        return visible.filter(pk__in=left)
    if tab == "over":
        return visible.exclude(is_open)
    # What is on, then what comes next.
    first = Min("occurrences__starts_at", filter=Q(occurrences__state__in=OPEN))
    return visible.filter(is_open).annotate(first=first).order_by("first", "-pk")


def _open_in(visible: Any, week: timeline.Week) -> Any:
    """The absences that may have a day in this week."""
    since = week.first - timedelta(days=1)
    return visible.filter(first_day__lte=week.next).filter(
        Q(last_day__isnull=True) | Q(last_day__gte=since - timedelta(days=366))
    )


def _with_lines(visible: Any, person: access.Person) -> Any:
    """These absences with what `_lines` says of each, asked for all of them at once.

    It is about the occurrence that is on, or comes next, or was the last. Only numbers that this person may see are
    named and counted.
    """
    times = Occurrence.objects.filter(absence=OuterRef("pk"))
    numbers: Any = Absence.numbers.through.objects.filter(
        absence=OuterRef("pk"), phonenumber__in=access.visible_numbers(person).values("pk")
    )
    counted = numbers.order_by().values("absence").annotate(count=Count("pk"))
    return visible.select_related("calendar").annotate(
        current=Subquery(
            times.order_by(Case(When(state__in=OPEN, then=0), default=1), "-starts_at").values("pk")[:1]
        ),
        over=Exists(times.exclude(state__in=absence_editing.NOT_OVER)),
        left=Exists(Holding.objects.filter(occurrence__absence=OuterRef("pk"), state=Holding.State.LEFT)),
        count=Subquery(counted.values("count")),
        number=Subquery(numbers.order_by("phonenumber__number").values("phonenumber__number")[:1]),
    )


def _lines(person: access.Person, found: list[Any]) -> list[dict[str, Any]]:
    """What the list says of each of these absences, which come from `_with_lines`."""
    occurrences = Occurrence.objects.in_bulk([absence.current for absence in found])
    return [_line(person, absence, occurrences.get(absence.current)) for absence in found]


def _line(person: access.Person, absence: Any, current: Occurrence | None) -> dict[str, Any]:
    return {
        "absence": absence,
        "current": current,
        "mark": NOT_BACK if absence.left else MARKS[State(current.state)] if current else None,
        "number": absence.number,
        "others": (absence.count or 0) - 1,
        "sets": _words(absence),
        "rule": _rule(absence),
        "left": absence.left,
        "may_stop": absence.stopped_at is None
        and current is not None
        and current.state in OPEN
        and not absences.why_not_stop(absence, person),
        "may_edit": not absence_editing.why_not_edit(absence, person, over=absence.over),
    }


def _seen(person: access.Person, absence: Absence) -> Any:
    """The numbers of an absence that this person may see, in order."""
    return absence.numbers.filter(pk__in=access.visible_numbers(person).values("pk")).order_by("number")


def _words(absence: Absence) -> str:
    """What it sets, in a few words."""
    sets, parts = absence.sets, []
    if "forward_to" in sets:
        parts.append(f"forwards to {phone(sets['forward_to'])}")
    elif "forward_to_enabled" in sets:
        parts.append("forwarding on" if sets["forward_to_enabled"] else "forwarding off")
    if "press_1_to_accept" in sets:
        parts.append("press 1 on" if sets["press_1_to_accept"] else "press 1 off")
    if "voicemail_greeting_url" in sets:
        parts.append("another greeting" if sets["voicemail_greeting_url"] else "Close’s greeting")
    if "inbound_ring_duration" in sets:
        parts.append(f"rings {sets['inbound_ring_duration']} s")
    return ", ".join(parts)


def _rule(absence: Absence) -> str:
    """How it repeats, in words; "" for once."""
    if absence.repeats == Absence.Repeats.WEEKDAYS:
        names = dict(WEEKDAYS)
        which = (
            "every day" if len(absence.weekdays) == len(names) else ", ".join(names[day] for day in absence.weekdays)
        )
    elif absence.calendar is not None:
        which = f"the days of “{absence.calendar.name}”"
    else:
        return ""
    return f"{which}, {absence.start_time:%H:%M} to {absence.end_time:%H:%M}"


def _calendar(calendar: Calendar) -> dict[str, Any]:
    today = timezone.localdate()
    coming = absence_days.days_off(calendar, today, today + absence_days.AHEAD)
    return {
        "calendar": calendar,
        "next": next(iter(coming.items()), None),
        "lacks": today.year + 1 if absence_days.lacks_next_year(calendar, today) else None,
    }


def _what_rings(request: Any) -> dict[str, Any]:
    """“What will ring?”: the form, and once it is filled in, the answer."""
    asked = "number" in request.GET
    form = RingForm(request.GET if asked else None, initial={"day": timezone.localdate()})
    context: dict[str, Any] = {"ring": form}
    if not asked or not form.is_valid():
        return context
    text = form.cleaned_data["number"].strip()
    visible = access.visible_numbers(request.person)
    number = visible.filter(close_id=text).first() or visible.search(text).order_by("number").first()
    if number is None:
        form.add_error("number", "No number of yours matches this. Type more of it, or its label.")
        return context
    expected = forecast(number, form.moment)
    return context | {
        "rings_for": number,
        "rings_at": form.moment,
        "call": call_path(expected.number, request.person),
        "reasons": [_reason(request.person, cause) for cause in expected.reasons],
    }


def _reason(person: access.Person, cause: Absence | Plan) -> str:
    """What has made a number so, by its name where this person may see it."""
    if isinstance(cause, Plan) and not (cause.name and access.visible_plans(person).filter(pk=cause.pk).exists()):
        return "a scheduled plan"
    return f"“{cause.name}”"


@allow(TEAM_LEAD)
@require_safe
def absence_detail(request: Any, pk: int) -> HttpResponse:
    """One absence: what it sets, its numbers, and each time that it is on, with what went back."""
    found = _with_lines(access.visible_absences(request.person), request.person)
    absence: Any = get_object_or_404(found, pk=pk)
    numbers = _seen(request.person, absence)
    left = Holding.objects.filter(state=Holding.State.LEFT, number__in=numbers.values("pk")).select_related("number")
    occurrences = absence.occurrences.prefetch_related(Prefetch("holdings", queryset=left, to_attr="left"))
    plans_of_it = access.visible_plans(request.person).filter(
        Q(pk__in=absence.occurrences.values("start_plan")) | Q(pk__in=absence.occurrences.values("end_plan"))
    )
    context = {
        "line": _lines(request.person, [absence])[0],
        "absence": absence,
        "numbers": numbers[:PER_PAGE],
        "plans": set(plans_of_it.values_list("pk", flat=True)),
        "occurrences": [(one, MARKS[State(one.state)]) for one in occurrences.order_by("-starts_at")[:PER_PAGE]],
    }
    return render(request, "absences/detail.html", context)


@allow(TEAM_LEAD)
@require_POST
def absence_stop(request: Any, pk: int) -> HttpResponse:
    """End it for good; what is on goes back within a minute."""
    absence = get_object_or_404(access.visible_absences(request.person), pk=pk)
    try:
        absences.stop(absence, request.person)
    except plans.NotAllowedError as error:
        return refused(request, error)
    say(request, f"“{absence.name}” is stopped. What it has set goes back within a minute.")
    return HttpResponseRedirect(reverse("absence-detail", args=[pk]), status=303)
