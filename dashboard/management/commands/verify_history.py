"""`manage.py verify_history`: does the history stand there as it was written?"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dashboard.services import events


class Command(BaseCommand):
    """Names the first entry that was altered, deleted, put in or moved, and with --head an end that was cut off."""

    help = "Check that the history of changes and sign-ins is as it was written."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options; all have a default."""
        parser.add_argument("--head", default="", help="the mac of an entry, as standard output had it once")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many entries there are, or fail with what is wrong."""
        try:
            verified = events.verify(head=options["head"])
        except events.BrokenError as error:
            raise CommandError(error.words) from None
        if not verified.entries:
            self.stdout.write("The history is empty.")
            return
        self.stdout.write(f"All {verified.entries:,} entries are as they were written. Head: {verified.head}")
