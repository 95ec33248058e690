"""The accounts of people who come with the company account: made at the first sign-in, with the role of each one."""

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.http import HttpRequest

from dashboard.signin import company, oidc, roles


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Who comes from the issuer gets an account of their own, and the role that their groups give at this moment."""

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> oidc.Provider:
        return oidc.provider(request)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Whoever the issuer vouches for has an account; what they see depends on their role alone."""
        return True

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        if sociallogin.is_existing:
            if not sociallogin.user.is_active:
                raise ImmediateHttpResponse(company.deactivated(request, sociallogin.user, way=company.name()))
            roles.settle(sociallogin.user, _groups(sociallogin))
        elif company.address_is_taken(sociallogin.user.email):
            raise ImmediateHttpResponse(company.taken(request))

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> Any:
        user = super().save_user(request, sociallogin, form)
        roles.settle(user, _groups(sociallogin))
        return user

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        """Say on a page of ours what went wrong; the reason stands in the log, the token nowhere."""
        raise ImmediateHttpResponse(oidc.failed(request, error, exception))


def _groups(sociallogin: Any) -> list[str]:
    """The groups of whoever signs in: from the ID token of OpenID Connect, or from the attributes of SAML."""
    said = sociallogin.account.extra_data
    return roles.groups_in(said.get("id_token") or said.get("attributes") or {})
