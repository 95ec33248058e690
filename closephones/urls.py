"""The site's addresses: the dashboard, and signing in and out."""

from django.urls import include, path

urlpatterns = [
    path("", include("dashboard.urls")),
    path("", include("dashboard.signin.urls")),
]

handler403 = "dashboard.views.errors.forbidden"
handler404 = "dashboard.views.errors.not_found"
handler500 = "dashboard.views.errors.server_error"
