"""The application, as Django knows it."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """Registers what has to hold before it starts."""

    name = "dashboard"

    def ready(self) -> None:
        """Register the checks: they need the settings, so this is the moment."""
        from dashboard import checks  # noqa: F401
