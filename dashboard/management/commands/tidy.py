"""Put old records of work away, as the worker does each night."""

from typing import Any

from django.core.management.base import BaseCommand

from dashboard.services import tidy


class Command(BaseCommand):
    """Says how many of each."""

    help = "Delete old walks, task results, sessions, cache rows, imports and pauses, as the worker does each night."

    def handle(self, *args: Any, **options: Any) -> None:
        put_away = ", ".join(f"{count} {name}" for name, count in tidy.tidy().items())
        self.stdout.write(f"Put away: {put_away}.")
