"""Signing in with a password: django-allauth's local accounts, with what is ours about them."""

from typing import Any

from allauth.account import auth_backends
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.views import LoginView
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Q
from django.http import HttpRequest, HttpResponse

from dashboard.access import name_of
from dashboard.models import Kind
from dashboard.signin import company, proxies, sessions, two_step

BY_PASSWORD = "password"  # noqa: S105


class AuthenticationBackend(auth_backends.AuthenticationBackend):
    """Fetches a person together with roles and preferences."""

    def get_user(self, user_id: Any) -> Any:
        people = get_user_model()._default_manager.select_related("access", "claimed", "preference")
        user = people.filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up by themselves, and the accounts of the demo work only beside a simulated Close."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        from_demo = any(str(value).endswith("@demo.test") for value in credentials.values())
        if from_demo and not settings.CLOSE_IS_LOOPBACK:
            return None
        user = super().authenticate(request, **credentials)
        if user and not may_use_password(user):
            sessions.refused(request, way=BY_PASSWORD, words="No passwords for this account.", about=name_of(user))
            return None
        return user

    def get_login_stages(self) -> list[str]:
        return [*super().get_login_stages(), "dashboard.signin.two_step.SetUpStage"]

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        sessions.refused(request, way=BY_PASSWORD, words="Wrong password.", about=_known(credentials))

    def login(self, request: HttpRequest, user: Any) -> None:
        sessions.begin(request, user, way=_way_of(request, user))

    def logout(self, request: HttpRequest) -> None:
        sessions.end(request, Kind.SIGNED_OUT)

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        return proxies.SIGN_OUT.get(settings.PROXY_AUTH) or str(super().get_logout_redirect_url(request))

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        return company.deactivated(request, user, way=BY_PASSWORD)


def _way_of(request: HttpRequest, user: Any) -> str:
    """How this person has just shown who they are, in words."""
    methods = [entry["method"] for entry in get_authentication_records(request, user)]
    if "socialaccount" in methods:
        return company.name()
    return two_step.WAY if "mfa" in methods else BY_PASSWORD


def _known(credentials: dict[str, Any]) -> str:
    """Whose account was meant; "" where nobody is called so: it may be a password in the wrong field."""
    name = str(credentials.get("username") or credentials.get("email") or "")
    people = get_user_model()._default_manager.filter(Q(username__iexact=name) | Q(email__iexact=name))
    return name_of(people.first())


def may_use_password(user: Any) -> bool:
    """Whether the settings let this person in with a password."""
    return settings.LOCAL_LOGIN == "on" or (settings.LOCAL_LOGIN == "superusers" and bool(user.is_superuser))


class SignInView(LoginView):
    """The sign-in page: a button for the company account, and a form for passwords where they are allowed."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**kwargs),
            "company": company.button(),
            "local_login": settings.LOCAL_LOGIN,
        }
