"""Encrypting everything secret anew, after FIELD_KEYS was given another first key."""

from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.apps import apps
from django.db import transaction

from dashboard.models.credentials import WRONG_FIELD_KEYS, EncryptedTextField, SecretsError, code_cipher


def rotate_keys() -> int:
    """Encrypt everything secret with the first key of FIELD_KEYS; how many texts there were.

    Raises SecretsError where something cannot be read; then nothing is changed.
    """
    count = 0
    with transaction.atomic():
        for model in apps.get_models():
            names = [one.name for one in model._meta.concrete_fields if isinstance(one, EncryptedTextField)]
            if not names:
                continue
            # The lock keeps a renewal from being overwritten with the tokens before it.
            for row in model._default_manager.select_for_update():
                row.save(update_fields=names)
                count += sum(bool(getattr(row, name)) for name in names)
        return count + _rotate_codes()


def _rotate_codes() -> int:
    """The same for the keys of two-step codes, which django-allauth keeps in JSON."""
    count = 0
    for row in Authenticator.objects.select_for_update():
        for name in {"secret", "seed"} & set(row.data):
            try:
                row.data[name] = code_cipher().rotate(row.data[name]).decode()
            except InvalidToken:
                raise SecretsError(WRONG_FIELD_KEYS) from None
            count += 1
        row.save(update_fields=["data"])
    return count
