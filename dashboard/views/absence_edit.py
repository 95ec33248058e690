"""The form of an absence: planned for the numbers that are selected, edited for those that it has."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from dashboard import access, tasks
from dashboard.access import TEAM_LEAD, allow
from dashboard.models import Absence, Calendar, PhoneNumber
from dashboard.services import absence_editing, absences, approving, planning, plans
from dashboard.services.finding import Finder, NotFoundError
from dashboard.views.absence_forms import WEEKDAYS, AbsenceForm
from dashboard.views.answers import intent_of
from dashboard.views.fragments import say
from dashboard.views.plan_selection import nothing_selected, read_selection

# So many numbers are listed, each to be taken off; the others stay.
MOST_LISTED = 100
TITLES = {
    "name": "Name",
    "reason": "Reason",
    "forwarding": "Forwarding",
    "target": "Target",
    "press_1": "Press 1 to accept",
    "greeting": "Voicemail greeting",
    "greeting_url": "Address of the greeting",
    "ring": "Ring duration",
    "ring_seconds": "Seconds",
    "from_day": "From",
    "from_time": "From, at",
    "until_day": "Until",
    "until_time": "Until, at",
    "zone": "Time zone",
    "repeats": "How often",
    "weekdays": "Weekdays",
    "calendar": "Calendar",
    "last_day": "Last day",
}


@allow(TEAM_LEAD)
@require_http_methods(["GET", "HEAD", "POST"])
def absence_new(request: Any) -> HttpResponse:
    """The form for the selected numbers; with an `intent` it makes the absence and leads to it."""
    data = request.POST if request.method == "POST" else request.GET
    selection = read_selection(request, data)
    if selection.wrong:
        return nothing_selected(request, selection)
    facts = {
        "selection": selection,
        "count": selection.count,
        "action": reverse("absence-new"),
        "back": selection.back,
        "ask_count": approving.count_needed(request.person, selection.count),
    }
    if request.method != "POST" or "intent" not in data:
        now = timezone.localtime()
        start = {"from_day": f"{now.date()}", "until_day": f"{now.date() + timedelta(days=1)}", "repeats": "once"}
        start |= {"from_time": "18:00", "until_time": "09:00", "zone": timezone.get_current_timezone_name()}
        return _form(request, AbsenceForm(initial=start), facts)
    form = AbsenceForm(data)
    if not form.is_valid():
        return _form(request, form, facts, status=422)
    try:
        absence = absences.make(
            actor=request.person,
            absence=form.absence,
            numbers=selection.numbers,
            sets=form.sets,
            typed=data.get("typed", ""),
            intent=intent_of(request),
        )
    except plans.NotAllowedError as error:
        return _refused(request, form, facts, error)
    return _done(request, form, absence, f"“{absence.name}” is planned.")


@allow(TEAM_LEAD)
@require_http_methods(["GET", "HEAD", "POST"])
def absence_edit(request: Any, pk: int) -> HttpResponse:
    """The form of one that is there. What somebody else has changed while it was open is shown before it is saved."""
    absence = get_object_or_404(access.visible_absences(request.person), pk=pk)
    if words := absence_editing.why_not_edit(absence, request.person):
        return render(request, "403.html", {"words": words}, status=403)
    now = AbsenceForm.asked(absence)
    facts = _facts(request, absence, now)
    if request.method != "POST":
        return _form(request, AbsenceForm(initial=now), facts)
    was = _read_was(request.POST.get("was", ""))
    if differences := _differences(was, now):
        form = AbsenceForm(_merged(request.POST, was, now))
        form.is_valid()
        return _form(request, form, facts | {"differences": differences}, status=409)
    form = AbsenceForm(request.POST)
    numbers, wrong = _numbers(request, absence)
    if not form.is_valid() or wrong:
        return _form(request, form, facts | {"wrong_number": wrong}, status=422)
    try:
        absence_editing.edit(
            actor=request.person,
            absence=absence,
            wanted=form.absence,
            numbers=numbers,
            sets=form.sets,
            typed=request.POST.get("typed", ""),
        )
    except plans.NotAllowedError as error:
        return _refused(request, form, facts | {"count": len(numbers)}, error)
    tasks.tick.enqueue()
    words = f"“{absence.name}” is changed."
    if absence_editing.is_on(absence):
        words += " What is on follows within a minute."
    return _done(request, form, absence, words)


def _facts(request: Any, absence: Absence, now: dict[str, Any]) -> dict[str, Any]:
    """What the page of an absence that is there says beside its form."""
    visible = access.visible_numbers(request.person)
    numbers = absence.numbers.order_by("number")
    count = numbers.count()
    on = absence_editing.is_on(absence)
    return {
        "absence": absence,
        "on": on,
        "begun": on is not None and absence.repeats == Absence.Repeats.ONCE,
        "numbers": numbers.filter(pk__in=visible.values("pk"))[:MOST_LISTED],
        "unlisted": max(0, count - MOST_LISTED),
        "count": count,
        "was": json.dumps(now),
        "off": {int(key) for key in request.POST.getlist("off") if key.isdecimal() and len(key) < 18},
        "add": request.POST.get("add", ""),
        "action": reverse("absence-edit", args=[absence.pk]),
        "back": reverse("absence-detail", args=[absence.pk]),
    }


def _read_was(text: str) -> dict[str, Any]:
    """What the form showed when it was opened; nothing where that cannot be read, so that all of it is compared."""
    try:
        was = json.loads(text)
        # Half a surrogate pair is JSON, but no text that a page can show.
        json.dumps(was, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return {}
    return {name: value for name, value in was.items() if _is_value(value)} if isinstance(was, dict) else {}


def _is_value(value: Any) -> bool:
    """Whether a field of the form can hold this: a text, or a list of texts."""
    return all(isinstance(one, str) for one in (value if isinstance(value, list) else [value]))


def _differences(was: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What is another one since the form was opened: the field, what it was, what it is."""
    return [
        (TITLES[name], _words(name, was.get(name, "")), _words(name, value))
        for name, value in now.items()
        if was.get(name) != value
    ]


def _words(name: str, value: Any) -> str:
    """A value of the form as people read it."""
    if isinstance(value, list):
        return ", ".join(title for day, title in WEEKDAYS if str(day) in value) or "none"
    if name == "calendar" and value.isdecimal() and len(value) < 18:
        return str(Calendar.objects.filter(pk=value).first() or "none")
    choices: Mapping[str, Any] = dict(getattr(AbsenceForm.base_fields[name], "choices", ()))
    return str(choices.get(value, value) or "none")


def _merged(data: QueryDict, was: dict[str, Any], now: dict[str, Any]) -> QueryDict:
    """What was typed; where nothing was typed, what is there now."""
    merged = data.copy()
    for name, value in now.items():
        typed = data.getlist(name) if isinstance(value, list) else data.get(name, "")
        if typed == was.get(name):
            merged.setlist(name, value if isinstance(value, list) else [value])
    return merged


def _numbers(request: Any, absence: Absence) -> tuple[list[PhoneNumber], str]:
    """The numbers that the absence shall have, and which of those to be added is not found: a sentence, or ""."""
    visible = access.visible_numbers(request.person)
    finder, added = Finder(visible, of_teams=not request.person.all_numbers), set()
    for line in filter(None, (line.strip() for line in request.POST.get("add", "").splitlines())):
        try:
            added.add(finder.find("", line))
        except NotFoundError as error:
            return [], f"“{line[:60]}”: {error.words}"
    off = {int(key) for key in request.POST.getlist("off") if key.isdecimal() and len(key) < 18}
    kept = absence.numbers.exclude(pk__in=visible.filter(pk__in=off).values("pk"))
    return list(kept) + list(visible.filter(pk__in=added).exclude(pk__in=kept.values("pk"))), ""


def _refused(request: Any, form: AbsenceForm, facts: dict[str, Any], error: plans.NotAllowedError) -> HttpResponse:
    stale = isinstance(error, absences.OverlapError | planning.StaleError)
    if isinstance(error, approving.CountError):
        facts = facts | {"ask_count": True}
    return _form(request, form, facts | {"words": error.words}, status=409 if stale else 422)


def _done(request: Any, form: AbsenceForm, absence: Absence, words: str) -> HttpResponse:
    notes = " ".join(form.clock_notes)
    say(request, f"{words} {notes}".strip(), level="warn" if notes else "ok")
    return HttpResponseRedirect(reverse("absence-detail", args=[absence.pk]), status=303)


def _form(request: Any, form: AbsenceForm, facts: dict[str, Any], *, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "intent": intent_of(request) or uuid4(),
        "weekdays": WEEKDAYS,
        "chosen_weekdays": {str(day) for day in (form["weekdays"].value() or [])},
        "calendars": Calendar.objects.all(),
        "typed": request.POST.get("typed", ""),
        **facts,
    }
    return render(request, "absences/form.html", context, status=status)
