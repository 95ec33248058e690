"""Signing in with a password: django-allauth's local accounts, with what is ours about them."""

from typing import Any

from allauth.account import auth_backends
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.views import LoginView
from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse

from dashboard.signin import oidc, proxies


class AuthenticationBackend(auth_backends.AuthenticationBackend):
    """Fetches a person together with roles and preferences: every page needs them."""

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
        return user if user and may_use_password(user) else None

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        return proxies.SIGN_OUT.get(settings.PROXY_AUTH) or str(super().get_logout_redirect_url(request))

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        return oidc.deactivated(request, user)


def may_use_password(user: Any) -> bool:
    """Whether the settings let this person in with a password."""
    return settings.LOCAL_LOGIN == "on" or (settings.LOCAL_LOGIN == "superusers" and bool(user.is_superuser))


class SignInView(LoginView):
    """The sign-in page: a button for the company account, and a form for passwords where they are allowed."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**kwargs),
            "oidc_name": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
            "local_login": settings.LOCAL_LOGIN,
        }
