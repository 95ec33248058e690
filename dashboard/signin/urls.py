"""Signing in and out. Of django-allauth's pages only these are mounted."""

from allauth.account.views import logout
from django.urls import path

from dashboard.access import ANYONE, allow
from dashboard.signin import embed, local, oidc, saml_settings, two_step

urlpatterns = [
    path("accounts/login/", allow(ANYONE)(local.SignInView.as_view()), name="account_login"),
    path("accounts/logout/", allow(ANYONE)(logout), name="account_logout"),
    path("accounts/code/", allow(ANYONE)(two_step.CodeView.as_view()), name="mfa_authenticate"),
    path("accounts/code/set-up/", two_step.set_up, name="two-step-set-up"),
    path("accounts/code/recovery/", two_step.codes, name="two-step-codes"),
    path("accounts/code/renew/", two_step.renew, name="two-step-renew"),
    path("accounts/oidc/login/", oidc.login, name="oidc-login"),
    path("accounts/oidc/callback/", oidc.callback, name="oidc-callback"),
    path("embed/", embed.entrance, name="embed"),
    path("embed/offer/", embed.offer, name="embed-offer"),
    path("embed/claim/", embed.claim, name="embed-claim"),
    path("embed/start/", embed.start, name="embed-start"),
    path("embed/carry/", embed.carry, name="embed-carry"),
    path("embed/done/", embed.done, name="embed-done"),
]

if not saml_settings.missing():
    from dashboard.signin import saml

    urlpatterns += [
        path("accounts/saml/login/", saml.login, name="saml-login"),
        path("accounts/saml/answer/", saml.answer, name="saml-answer"),
        path("accounts/saml/finish/", saml.finish, name="saml-finish"),
        path("accounts/saml/metadata/", saml.metadata, name="saml-metadata"),
    ]
