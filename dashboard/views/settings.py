"""The page Settings: what each person has chosen for themselves, and the ops admins' switch for all writes."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.access import OPS_ADMIN, VIEWER, allow
from dashboard.context import connection_of, preference_of
from dashboard.models import Notice, Preference
from dashboard.services import connection as connections
from dashboard.services.preferences import prefer
from dashboard.signin import sessions, two_step
from dashboard.views import fragments


class PreferenceForm(forms.Form):
    """What one person chooses for themselves."""

    theme = forms.ChoiceField(choices=Preference.Theme.choices)
    zone = forms.CharField(required=False, max_length=64)
    letter_keys = forms.ChoiceField(choices=[("true", "On"), ("false", "Off")])
    mail = forms.ChoiceField(choices=Preference.Mail.choices, required=False)
    wanted = forms.MultipleChoiceField(choices=Notice.Kind.choices, required=False)

    def clean_zone(self) -> str:
        zone: str = self.cleaned_data["zone"]
        if zone and zone not in available_timezones():
            raise forms.ValidationError("This is no time zone that is known here. Choose one of the list.")
        return zone


@allow(VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def own_settings(request: Any) -> HttpResponse:
    """Own preferences: theme, time zone, single-letter keys."""
    if request.method == "POST":
        form = PreferenceForm(request.POST)
        if form.is_valid():
            values = form.cleaned_data
            keys = values["letter_keys"] == "true"
            prefer(
                user=request.user,
                theme=values["theme"],
                zone=values["zone"],
                letter_keys=keys,
                mail=values["mail"] or preference_of(request).mail,
                muted=[kind for kind in Notice.Kind.values if kind not in values["wanted"]],
            )
            fragments.say(request, "Settings saved.")
            return _see_settings()
        return render(request, "settings/own.html", _page(request, form), status=422)
    preference = preference_of(request)
    initial = {
        "theme": preference.theme,
        "zone": preference.zone,
        "letter_keys": "true" if preference.letter_keys else "false",
        "mail": preference.mail,
        "wanted": [kind for kind in Notice.Kind.values if kind not in preference.muted],
    }
    return render(request, "settings/own.html", _page(request, PreferenceForm(initial=initial)))


def _page(request: Any, form: PreferenceForm) -> dict[str, Any]:
    connection = connection_of(request)
    return {
        "form": form,
        "zones": sorted(available_timezones()),
        "server_zone": settings.TIME_ZONE,
        "places": sessions.places_of(request.user, here=request.session.session_key),
        "hours": settings.SESSION_HOURS if settings.PROXY_AUTH == "off" else 0,
        "codes": two_step.state_of(request.user),
        "held_for_good": settings.WRITES == "off",
        "stopped_at": connection.writes_stopped_at,
        "stopped_by": connection.writes_stopped_by,
    }


@allow(OPS_ADMIN)
@require_POST
def writes(request: Any) -> HttpResponse:
    """Stop all writes to Close, or start them again: the field `writes` is stop or start."""
    wanted = request.POST.get("writes")
    if wanted == "stop":
        connections.stop_writes(actor=request.person)
        fragments.say(request, "All writes are stopped. Nobody changes anything in Close from here until they start.")
    elif wanted == "start":
        connections.start_writes(actor=request.person)
        fragments.say(request, "Writes have started again.")
    return _see_settings()


def _see_settings() -> HttpResponse:
    return HttpResponseRedirect(reverse("settings"), status=303)
