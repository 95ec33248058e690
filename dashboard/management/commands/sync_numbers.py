"""Read all numbers, people and groups from Close into the cache."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dashboard.close.errors import CloseError
from dashboard.models import SyncRun
from dashboard.services import sync
from dashboard.services.connection import NotConnectedError

WIDTH = 30


class Command(BaseCommand):
    """One walk over Close, with a bar where somebody watches."""

    help = "Read all numbers, people and groups from Close."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = sync.sync(asked_by="the command line", progress=self.show)
        except sync.AlreadyRunningError:
            raise CommandError("Another walk is under way. Wait until it has ended.") from None
        except CloseError as error:
            raise CommandError(error.screen) from None
        except NotConnectedError as error:
            raise CommandError(error.words) from None
        if self.stdout.isatty():
            self.stdout.write("")
        words = f"Read {run.seen} numbers: {run.new} new, {run.changed} changed, {run.missing} gone."
        if run.doubted:
            words += f" {run.doubted} were missing, which is too many to believe; an ops admin is asked."
        self.stdout.write(words)

    def show(self, run: SyncRun) -> None:
        """Draw the bar: its end is a guess from what was known before, so it never claims to be full too early."""
        if not self.stdout.isatty():
            return
        share = min(0.99, run.seen / max(run.expected, run.seen + 1))
        bar = ("#" * int(share * WIDTH)).ljust(WIDTH)
        sys.stdout.write(f"\r[{bar}] {run.seen} numbers, {run.pages} pages")
        sys.stdout.flush()
