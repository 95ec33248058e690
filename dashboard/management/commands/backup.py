"""Copy the database while everything runs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dashboard.services import backup


class Command(BaseCommand):
    """Says where the copy is, and what has to be kept apart from it."""

    help = "Copy the database while everything runs. deploy/upgrading.md says how to restore it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--folder", type=Path, default=settings.VAR_DIR / "backups", help="where copies are kept")
        parser.add_argument("--keep", type=int, default=0, help="remove all but this many copies (default: none)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["keep"] < 0:
            raise CommandError("--keep is a number of copies; 0 removes none.")
        try:
            made = backup.back_up(options["folder"], keep=options["keep"])
        except backup.BackupError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Copied the database to {made.file}.")
        self.stdout.write("Not in it, and needed beside it; keep these elsewhere:")
        for name, where in made.secrets.items():
            self.stdout.write(f"  {name}, from {where}")
