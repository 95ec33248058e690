"""The pages of calendars: days off, for absences that repeat on them."""

import json
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from dashboard import access
from dashboard.access import TEAM_LEAD, allow
from dashboard.models import Calendar
from dashboard.services import absence_days, calendars, plans
from dashboard.views.calendar_forms import CalendarForm
from dashboard.views.fragments import say

# So many of the days to come are listed on its page.
DAYS_SHOWN = 12


@allow(TEAM_LEAD)
@require_http_methods(["GET", "HEAD", "POST"])
def calendar_new(request: Any) -> HttpResponse:
    """A calendar of days off, for absences that repeat on them."""
    form = CalendarForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            calendar = calendars.add(request.person, form.cleaned_data)
        except calendars.NameTakenError as error:
            form.add_error("name", error.words)
        else:
            say(request, f"The calendar “{calendar.name}” is there.")
            return HttpResponseRedirect(reverse("absence-list"), status=303)
    status = 422 if request.method == "POST" else 200
    return render(request, "absences/calendar.html", {"form": form}, status=status)


@allow(TEAM_LEAD)
@require_http_methods(["GET", "HEAD", "POST"])
def calendar_edit(request: Any, pk: int) -> HttpResponse:
    """One calendar: its days, who is on them, and changing it. What that does to them is shown before it is done."""
    calendar = get_object_or_404(Calendar, pk=pk)
    asked = CalendarForm.asked(calendar)
    if request.method != "POST":
        return _page(request, calendar, CalendarForm(initial=asked))
    form = CalendarForm(request.POST)
    if not form.is_valid():
        return _page(request, calendar, form, status=422)
    if request.POST.get("was") != json.dumps(asked):
        words = "Somebody has changed this calendar meanwhile. Nothing is saved yet; look at your days once more."
        return _page(request, calendar, form, words=words, status=409)
    effect = calendars.effect(calendar, form.cleaned_data)
    if effect.key and effect.key != request.POST.get("seen") and calendars.users(calendar).exists():
        return _page(request, calendar, form, effect=effect, status=422)
    try:
        calendars.edit(request.person, calendar, form.cleaned_data)
    except calendars.NameTakenError as error:
        form.add_error("name", error.words)
        return _page(request, calendar, form, status=422)
    except plans.NotAllowedError as error:
        return _page(request, calendar, form, words=error.words, status=409)
    say(request, f"The calendar “{calendar.name}” is changed.")
    return HttpResponseRedirect(reverse("absence-list"), status=303)


@allow(TEAM_LEAD)
@require_POST
def calendar_delete(request: Any, pk: int) -> HttpResponse:
    """Delete one that no absence is on."""
    calendar = get_object_or_404(Calendar, pk=pk)
    try:
        calendars.delete(request.person, calendar)
    except plans.NotAllowedError as error:
        form = CalendarForm(initial=CalendarForm.asked(calendar))
        return _page(request, calendar, form, words=error.words, status=409)
    say(request, f"The calendar “{calendar.name}” is deleted.")
    return HttpResponseRedirect(reverse("absence-list"), status=303)


def _page(
    request: Any,
    calendar: Calendar,
    form: CalendarForm,
    *,
    words: str = "",
    effect: calendars.Effect | None = None,
    status: int = 200,
) -> HttpResponse:
    calendar.refresh_from_db()
    today = timezone.localdate()
    used = calendars.users(calendar)
    visible = access.visible_absences(request.person)
    seen = used.filter(pk__in=visible.values("pk"))
    context = {
        "form": form,
        "calendar": calendar,
        "was": json.dumps(CalendarForm.asked(calendar)),
        "words": words,
        "effect": effect,
        "why_not": access.why_not_calendar(request.person, calendar),
        "used": seen,
        "unseen": used.count() - seen.count(),
        "days": list(absence_days.days_off(calendar, today, today + absence_days.AHEAD).items())[:DAYS_SHOWN],
        "lacks": today.year + 1 if absence_days.lacks_next_year(calendar, today) else None,
    }
    return render(request, "absences/calendar.html", context, status=status)
