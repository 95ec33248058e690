"""Hand-over: what hangs on a person of the Close organisation, and a draft that gives it to somebody else."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from dashboard import validators
from dashboard.access import OPS_ADMIN, allow
from dashboard.models import Member, PhoneNumber
from dashboard.services import handover, plans
from dashboard.services.handover import Choice, Hanging
from dashboard.views.answers import intent_of, refused

# For one row: that part stays as it is; they are only taken off, or the forwarding only switched off.
KEEP, OFF = "keep", "off"


class HandoverForm(forms.Form):
    """Who takes over, and where calls go that went to the phones of whoever leaves; for all, and for single rows.

    After `is_valid()`, `choice` is that for all and `own` that of each number, by its key.
    """

    use_required_attribute = False

    successor = forms.ModelChoiceField(Member.objects.filter(active=True), required=False, to_field_name="close_id")
    target = forms.CharField(required=False)
    reason = forms.CharField(required=False)

    def __init__(self, *args: Any, hanging: Hanging, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hanging = hanging

    def clean_target(self) -> str:
        return _target(str(self.cleaned_data["target"]))

    def clean_reason(self) -> str:
        return validators.reason(self.cleaned_data["reason"])

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        self.choice = Choice(values.get("successor"), values.get("target", ""))
        self.active = {member.close_id: member for member in Member.objects.filter(active=True)}
        self.own = {number.pk: self._own(number) for number in self.hanging.every}
        return values

    def _own(self, number: PhoneNumber) -> Choice:
        """What was chosen for this row; where nothing was, what was chosen for all."""
        people, forwarding = (self.data.get(f"{name}-{number.pk}", "") for name in ("people", "forwarding"))
        choice = self.choice
        if people in (KEEP, OFF):
            choice = replace(choice, successor=None, keep_people=people == KEEP)
        elif people:
            successor = self.active.get(people)
            choice = replace(choice, successor=successor)
            if successor is None:
                self.add_error(None, f"{number.number}: choose somebody who is active.")
        if forwarding in (KEEP, OFF):
            return replace(choice, target="", keep_forwarding=forwarding == KEEP)
        try:
            to = _target(self.data.get(f"to-{number.pk}", ""))
        except ValidationError as error:
            self.add_error(None, f"{number.number}: {' '.join(error.messages)}")
            to = ""
        return replace(choice, target=to) if to else choice


def _target(text: str) -> str:
    return validators.target(text, region="").e164 if text.strip() else ""


@allow(OPS_ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def handover_new(request: Any, member_id: str) -> HttpResponse:
    """What hangs on this member, with a choice for each; POST makes the draft and leads to it."""
    member = get_object_or_404(Member, close_id=member_id)
    hanging = handover.hanging_on(member, request.person)
    form = HandoverForm(request.POST or None, hanging=hanging)
    intent = intent_of(request)
    if form.is_valid() and intent:
        facts = {"choice": form.choice, "own": form.own, "reason": form.cleaned_data["reason"]}
        try:
            plan = handover.propose(actor=request.person, member=member, intent=intent, **facts)
        except plans.NotAllowedError as error:
            return refused(request, error)
        return HttpResponseRedirect(reverse("plan-detail", args=[plan.pk]), status=303)
    context = {
        "member": member,
        "hanging": hanging,
        "rows": [_row(form, number, hanging) for number in hanging.every],
        "form": form,
        "people": Member.objects.filter(active=True).exclude(pk=member.pk).order_by("name"),
        "intent": intent or uuid4(),
    }
    return render(request, "handover/new.html", context, status=422 if request.method == "POST" else 200)


def _row(form: HandoverForm, number: PhoneNumber, hanging: Hanging) -> dict[str, Any]:
    """One number as the page lists it: whether they are on it, whether it forwards to them, what was chosen."""
    typed = {name: form.data.get(f"{name}-{number.pk}", "") for name in ("people", "forwarding", "to")}
    return {"number": number, "on": number in hanging.numbers, "forwards": number in hanging.forwarding, **typed}
