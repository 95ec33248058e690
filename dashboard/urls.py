"""The dashboard's addresses. Each name is noun-verb; each view states who may call it (`access.allow`)."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
