"""Look whether everything works, and tell the ops admins where it does not. For a timer of its own."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dashboard.services import watch


class Command(BaseCommand):
    """Ends with an error where something should wake somebody up, so that whatever called it knows as well."""

    help = "Say whether the worker is silent, the data old, the disk nearly full; e-mail ops admins (EMAIL_URL)."
    # What a check would refuse is a trouble like others here: it must not keep the rest from being told.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        found = watch.troubles()
        try:
            told = watch.tell(found, memory=settings.VAR_DIR / "watch.json")
        except watch.MAIL_ERRORS as error:
            raise CommandError("\n".join([*found, f"The ops admins could not be told: {error}"])) from None
        if told:
            self.stdout.write(f"Told {', '.join(told)}.")
        if found:
            raise CommandError("\n".join(found))
        self.stdout.write("All is well.")
