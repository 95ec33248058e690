"""Signing in and out. Of django-allauth's pages only these are mounted."""

from allauth.account.views import logout
from django.urls import path

from dashboard.access import ANYONE, allow
from dashboard.signin import local, oidc

urlpatterns = [
    path("accounts/login/", allow(ANYONE)(local.SignInView.as_view()), name="account_login"),
    path("accounts/logout/", allow(ANYONE)(logout), name="account_logout"),
    path("accounts/oidc/login/", oidc.login, name="oidc-login"),
    path("accounts/oidc/callback/", oidc.callback, name="oidc-callback"),
]
