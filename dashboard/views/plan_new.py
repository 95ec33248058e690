"""The form of a bulk edit: what shall become of the selected numbers. Its answer is a draft; nothing is sent yet."""

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from dashboard.access import TEAM_LEAD, allow
from dashboard.models import Source
from dashboard.services import planning, plans
from dashboard.services.bulk_edit import PLACEHOLDERS, BulkEdit
from dashboard.views import plan_words
from dashboard.views.answers import intent_of, refused
from dashboard.views.plan_forms import BulkEditForm
from dashboard.views.plan_selection import Selection, nothing_selected, read_selection


@allow(TEAM_LEAD)
@require_http_methods(["GET", "HEAD", "POST"])
def plan_new(request: Any) -> HttpResponse:
    """The form. POST brings the ticked numbers here; with an `intent` it asks for the draft and leads to it."""
    data = request.POST if request.method == "POST" else request.GET
    selection = read_selection(request, data)
    intent = intent_of(request)
    if selection.wrong:
        return nothing_selected(request, selection)
    if intent is None:
        return _shown(
            request, selection, BulkEditForm.of(BulkEdit.read(selection.plan.asked if selection.plan else {}))
        )
    form = BulkEditForm(data)
    if not form.is_valid():
        return _shown(request, selection, form, status=422)
    try:
        plan = _propose(request, selection, form.edit, intent)
    except plans.NotAllowedError as error:
        return refused(request, error)
    return HttpResponseRedirect(reverse("plan-detail", args=[plan.pk]), status=303)


def _propose(request: Any, selection: Selection, edit: BulkEdit, intent: UUID) -> Any:
    """The draft; one that it was made from by asking for something else is thrown away."""
    old = selection.plan
    numbers = selection.numbers.defer("search_text", "people_sort", "teams_sort")
    plan = planning.propose(
        actor=request.person,
        source=Source.BULK,
        rows=edit.rows(numbers.iterator(chunk_size=1000)),
        intent=intent,
        name=plan_words.name_of(edit, selection.count),
        reason=old.reason if old else "",
        selection=selection.words,
        asked=edit.stored(),
    )
    if old and old.pk != plan.pk:
        planning.discard(old, request.person)
    return plan


def _shown(request: Any, selection: Selection, form: BulkEditForm, *, status: int = 200) -> HttpResponse:
    first = next((name for name in form.fields if name in form.errors), "") if form.is_bound else "label"
    context = {
        "form": form,
        "selection": selection,
        "intent": form.data.get("intent") or uuid4(),
        "placeholders": PLACEHOLDERS,
        "focus": first,
    }
    return render(request, "plans/new.html", context, status=status)
