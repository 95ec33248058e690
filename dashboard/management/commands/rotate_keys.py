"""Encrypt what is stored anew, with the first key of FIELD_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dashboard.models.credentials import SecretsError
from dashboard.services import rotation


class Command(BaseCommand):
    """Run it after a new key was put in front of FIELD_KEYS; then the others can go."""

    help = "Encrypt everything secret in the database with the first key of FIELD_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = rotation.rotate_keys()
        except SecretsError as error:
            raise CommandError(f"{error} Nothing was changed.") from None
        texts = "1 secret is" if count == 1 else f"{count} secrets are"
        self.stdout.write(f"{texts} encrypted with the first key of FIELD_KEYS. The other keys can be taken out.")
