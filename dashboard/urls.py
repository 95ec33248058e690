"""The dashboard's addresses. Each name is noun-verb; each view states who may call it (`access.allow`)."""

from django.urls import path

from dashboard.views import health, refresh

urlpatterns = [
    path("refresh/", refresh.refresh, name="refresh"),
    path("refresh/missing/", refresh.missing, name="refresh-missing"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
