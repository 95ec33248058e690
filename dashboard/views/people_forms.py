"""What an ops admin types about people: a role with its scope, and a new account."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from dashboard.models import Access, Group, Role
from dashboard.services.people import Scope, default_end

NO_ROLE = ""
GONE = "One of the teams is gone from Close. Choose among those shown."


class RoleForm(forms.Form):
    """A role, and whether it reaches all numbers or those of some teams."""

    role = forms.ChoiceField(required=False, error_messages={"invalid_choice": "Choose one of the roles."})
    scope = forms.ChoiceField(
        choices=[("all", "All numbers"), ("teams", "Some teams")],
        required=False,
        error_messages={"invalid_choice": "Choose all numbers, or teams."},
    )
    teams = forms.ModelMultipleChoiceField(
        Group.objects.filter(gone=False).order_by("name"),
        required=False,
        error_messages={"invalid_choice": GONE, "invalid_pk_value": GONE},
    )

    until = forms.DateField(
        required=False,
        initial=default_end,
        error_messages={"invalid": "This is no day. Choose one from the calendar."},
    )

    def __init__(self, *args: Any, role_needed: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if default_end() is None:
            del self.fields["until"]
        role = self.fields["role"]
        assert isinstance(role, forms.ChoiceField)  # noqa: S101
        role.required = role_needed
        role.choices = [*Role.choices] if role_needed else [*Role.choices, (NO_ROLE, "No role")]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        role = values.get("role")
        if role in (Role.VIEWER, Role.TEAM_LEAD) and values.get("scope") != "all" and not values.get("teams"):
            self.add_error("teams", "Choose at least one team, or all numbers.")
        return values

    def clean_until(self) -> Any:
        until = self.cleaned_data["until"]
        if until and until < Access.today():
            zone = settings.TIME_ZONE
            raise ValidationError(f"This day has passed. Choose a later one: roles end by the clock of {zone}.")
        return until

    @property
    def chosen_scope(self) -> Scope:
        teams = tuple(team.pk for team in self.cleaned_data.get("teams") or [])
        return Scope(self.cleaned_data.get("scope") == "all", teams)


class AccountForm(RoleForm):
    """A new local account: the address is the login, the password is told to the person by whoever types it."""

    name = forms.CharField(max_length=150, error_messages={"required": "Type the person’s name."})
    email = forms.EmailField(
        max_length=150,
        error_messages={
            "required": "Type the address the person will sign in with.",
            "invalid": "This is no e-mail address. Type one like ana.ruiz@example.com.",
        },
    )
    password = forms.CharField(max_length=128, strip=False, error_messages={"required": "Type a first password."})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, role_needed=True, **kwargs)

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        if "password" in values:
            first, _, last = values.get("name", "").partition(" ")
            email = values.get("email", "")
            user = get_user_model()(username=email, email=email, first_name=first, last_name=last)
            try:
                validate_password(values["password"], user)
            except ValidationError as error:
                self.add_error("password", error)
        return values
