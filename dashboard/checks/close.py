"""Close: how it is reached, what is stored of its keys, where its calls may go."""

import phonenumbers
from cryptography.fernet import Fernet
from django.conf import settings
from django.core import checks
from django.db import DatabaseError

from dashboard.checks.registering import Messages, check
from dashboard.models import Credential
from dashboard.models.credentials import SecretsError


@check("E005")
def countries_exist() -> Messages:
    """A country that does not exist would silently allow nothing."""
    unknown = [code for code in settings.FORWARD_COUNTRIES if code not in phonenumbers.SUPPORTED_REGIONS]
    if unknown:
        yield checks.Error(
            f"FORWARD_COUNTRIES names no country with {', '.join(unknown)}.",
            hint="Use two-letter codes: DE for Germany, GB for the United Kingdom.",
        )


@check("E012")
def close_can_be_connected() -> Messages:
    """Half of OAuth would show a button that cannot work; without keys of our own nothing could be stored."""
    names = ("CLOSE_OAUTH_CLIENT_ID", "CLOSE_OAUTH_CLIENT_SECRET", "FIELD_KEYS")
    missing = [name for name in names if not getattr(settings, name)]
    if missing not in (list(names), list(names[:2]), []):
        yield checks.Error(
            f"Connecting to Close by OAuth lacks {' and '.join(missing)}.",
            hint=f"Set {', '.join(names)}, or only the last one to enter keys on the page Connection.",
        )
    for place, key in enumerate(settings.FIELD_KEYS, 1):
        try:
            Fernet(key)
        except ValueError:
            yield checks.Error(
                f"Key {place} of FIELD_KEYS is none: it has to be 32 random bytes in URL-safe base64.",
                hint="The line above FIELD_KEYS in .env.example makes one.",
            )


@check("W001", deploy=True)
def close_is_connected() -> Messages:
    """It starts without a key, and says on every page that there is none; whoever deploys it wants to know now."""
    if not settings.CLOSE_API_KEY and not settings.FIELD_KEYS:
        yield checks.Warning(
            "CLOSE_API_KEY is not set: nothing can be read from Close.",
            hint="Make a key in Close (Settings, Developer, API keys) and set CLOSE_API_KEY or CLOSE_API_KEY_FILE, "
            "or set FIELD_KEYS and connect on the page Connection.",
        )


@check("W003", deploy=True)
def stored_secrets_can_be_read() -> Messages:
    """Without the key that they were stored with, tokens and keys in the database open nothing."""
    try:
        list(Credential.objects.all())
    except SecretsError as error:
        yield checks.Warning(
            f"{error} Close cannot be asked.",
            hint="Put the key back into FIELD_KEYS that was there before, or connect anew on the page Connection.",
        )
    except (DatabaseError, ValueError):
        return
