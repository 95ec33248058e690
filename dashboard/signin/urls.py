"""Signing in and out. Of django-allauth's pages only these two are mounted."""

from allauth.account.views import login, logout
from django.urls import path

from dashboard.access import ANYONE, allow

urlpatterns = [
    path("accounts/login/", allow(ANYONE)(login), name="account_login"),
    path("accounts/logout/", allow(ANYONE)(logout), name="account_logout"),
]
