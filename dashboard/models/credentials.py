"""What opens Close, kept so that whoever has the database alone cannot use it."""

import base64
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.utils.crypto import salted_hmac

NO_FIELD_KEYS = "FIELD_KEYS is not set, so nothing secret can be stored here."
WRONG_FIELD_KEYS = "What is stored cannot be read: none of the keys in FIELD_KEYS is the one it was stored with."


class SecretsError(Exception):
    """Secrets cannot be stored or read as FIELD_KEYS is now; the text says why."""


def cipher() -> MultiFernet:
    """The keys of FIELD_KEYS: the first encrypts, all of them decrypt. Raises SecretsError where there is none."""
    if not settings.FIELD_KEYS:
        raise SecretsError(NO_FIELD_KEYS)
    return _cipher(tuple(settings.FIELD_KEYS))


def code_cipher() -> MultiFernet:
    """As `cipher`, for the keys of two-step codes, which work without FIELD_KEYS too: SECRET_KEY stands in then."""
    drawn = salted_hmac("dashboard.two_step", "", algorithm="sha256").digest()
    return _cipher((*settings.FIELD_KEYS, base64.urlsafe_b64encode(drawn).decode()))


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


class EncryptedTextField(models.TextField[str, str]):
    """A text that only ciphertext is stored of. It is for reading and writing: nothing can be looked up by it.

    Raises SecretsError where FIELD_KEYS does not fit.
    """

    def get_prep_value(self, value: Any) -> Any:
        text = super().get_prep_value(value)
        return cipher().encrypt(text.encode()).decode() if text else text

    def from_db_value(self, value: Any, *args: Any) -> Any:
        if not value:
            return value
        try:
            return cipher().decrypt(value).decode()
        except InvalidToken:
            raise SecretsError(WRONG_FIELD_KEYS) from None

    def get_lookup(self, lookup_name: str) -> Any:
        # The same text is encrypted differently each time.
        return None


class Credential(models.Model):
    """The key to Close that was given on the page Connection: an API key, or the tokens of OAuth. There is one row.

    `stamp` is another one after each change of what is stored, so that whoever renews the tokens can see whether they
    are still those that it read. `renewing_until` is the lease of the process that renews them at this moment.
    """

    class Kind(models.TextChoices):
        KEY = "key", "API key"
        OAUTH = "oauth", "OAuth"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    api_key = EncryptedTextField(blank=True)
    access_token = EncryptedTextField(blank=True)
    refresh_token = EncryptedTextField(blank=True)
    access_ends_at = models.DateTimeField(null=True)
    renewed_at = models.DateTimeField(null=True)
    renewing_until = models.DateTimeField(null=True)
    # When Close last refused the refresh token: it is not asked again at once.
    refused_at = models.DateTimeField(null=True)
    stamp = models.UUIDField()
    given_by = models.CharField(max_length=255)
    given_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.get_kind_display()} given by {self.given_by}"


class Standing(models.Model):
    """How we stand with Close: the rate limit that it last told us of, for which endpoint group. There is one row."""

    group = models.CharField(max_length=64, blank=True)
    limit = models.IntegerField(null=True)
    remaining = models.IntegerField(null=True)
    seen_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.group}: {self.remaining} of {self.limit}"
