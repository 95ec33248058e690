"""The key to Close: which one counts, where it comes from, and tokens that are renewed by one process at a time.

A refresh token is good for one use. Whoever renews takes a lease on the row first, asks Close with no transaction
open, and stores the new pair before anybody uses it; all others take what the row holds then.
"""

import logging
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from dashboard import close
from dashboard.access import Person
from dashboard.models import Connection, Credential, Notice
from dashboard.models.credentials import SecretsError
from dashboard.services import notices, pacing

log = logging.getLogger(__name__)

NO_KEY = "There is no usable key for Close. Connect on the page Connection, or set CLOSE_API_KEY and start again."
KEY_REFUSED = "Close refused the key, so nothing can be read or changed until it is replaced. "
NOT_TAKEN = (
    "Close no longer accepts that closephones is connected, so nothing can be read or changed. "
    "An ops admin can reconnect on the page Connection."
)
# A token is renewed so long before it ends: early by what works in the background, so that people need not wait.
AHEAD = {True: timedelta(minutes=15), False: timedelta(minutes=2)}
# A refresh token that nobody uses for long may end; nothing documents when.
RENEW_AFTER = timedelta(days=1)
# After Close refused a refresh token or a key it is asked again, in case it was a mistake, but not at once.
ASK_AGAIN_AFTER = timedelta(minutes=1)
LOOK_AGAIN = 0.05


@dataclass(frozen=True)
class Key:
    """What is sent to Close to say who asks."""

    api_key: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)


def current(*, background: bool = False) -> Key | None:
    """The key that counts now: the environment's where it is set, else what was given on the page; None without one.

    Renews a token that is about to end. Raises CloseError where it has ended and cannot be renewed.
    """
    if settings.CLOSE_API_KEY:
        return Key(api_key=settings.CLOSE_API_KEY)
    stored = stored_credential()
    if stored is None:
        return None
    if stored.kind == Credential.Kind.KEY:
        return Key(api_key=stored.api_key)
    left = _left(stored)
    if left < AHEAD[background]:
        stored = _renew(stored, wait=left <= timedelta(0))
    return Key(access_token=stored.access_token)


def stored_credential() -> Credential | None:
    """What was given on the page and can be read; None where there is nothing, or FIELD_KEYS does not open it."""
    try:
        return Credential.objects.filter(pk=1).first()
    except SecretsError as error:
        log.error("credentials: %s", error)
        return None


def why_none() -> str:
    """Why there is no key for Close, and what to do: a sentence for people."""
    try:
        Credential.objects.filter(pk=1).first()
    except SecretsError as error:
        return f"{error} Put the key back into FIELD_KEYS that it was stored with, or connect anew."
    return NO_KEY


def why_refused() -> str:
    """What is to be done where Close refuses the key that counts now: a sentence for people."""
    if settings.CLOSE_API_KEY:
        return KEY_REFUSED + "Ask the person who runs closephones to set a valid one (CLOSE_API_KEY)."
    stored = stored_credential()
    if stored and stored.kind == Credential.Kind.OAUTH:
        return NOT_TAKEN
    return KEY_REFUSED + "An ops admin can enter another one on the page Connection."


def newer(used: str, writing: bool) -> str | None:
    """The token that counts instead of `used`, which Close has refused; None where there is no other.

    While something is being changed none is fetched: it is not worth the time between reading and writing. Called
    from the threads of the Close client.
    """
    try:
        stored = stored_credential()
        if stored is None or stored.kind != Credential.Kind.OAUTH:
            return None
        if stored.access_token == used:
            recent = stored.renewed_at and timezone.now() - stored.renewed_at < ASK_AGAIN_AFTER
            if writing or recent:
                return None
            stored = _renew(stored, wait=True)
        return str(stored.access_token)
    except close.AuthenticationError:
        return None
    finally:
        pacing.leave_thread()


def renew_daily() -> None:
    """Renew the tokens where nobody has for a day, so that they do not end unused. Due each minute."""
    if settings.CLOSE_API_KEY or Connection.objects.filter(problem=Connection.Problem.REFUSED).exists():
        return
    stored = stored_credential()
    if stored is None or stored.kind != Credential.Kind.OAUTH or stored.renewed_at is None:
        return
    if timezone.now() - stored.renewed_at < RENEW_AFTER:
        return
    try:
        _renew(stored, wait=False)
    except close.CloseError as error:
        log.warning("credentials: the daily renewal failed: %s", error.log)


def store(*, actor: Person, api_key: str = "", grant: close.oauth.Grant | None = None) -> None:
    """Keep this key, or these tokens, in place of what was there. Raises SecretsError where FIELD_KEYS is not set."""
    now = timezone.now()
    facts: dict[str, Any] = {"kind": Credential.Kind.KEY, "api_key": api_key}
    if grant:
        facts = {"kind": Credential.Kind.OAUTH, **_tokens(grant, now)}
    with transaction.atomic():
        # Not an update: what is there may not be readable any more.
        Credential.objects.filter(pk=1).delete()
        Credential.objects.create(pk=1, stamp=uuid4(), given_by=actor.name, given_at=now, **facts)


def forget() -> None:
    """Delete what was given on the page."""
    Credential.objects.filter(pk=1).delete()


def application() -> close.oauth.Application:
    """What Close knows this installation as, by the settings."""
    return close.oauth.Application(
        app_origin=settings.CLOSE_APP_ORIGIN,
        api_url=settings.CLOSE_API_URL,
        redirect_uri=f"{settings.BASE_URL}/connection/callback/",
        client_id=settings.CLOSE_OAUTH_CLIENT_ID,
        client_secret=settings.CLOSE_OAUTH_CLIENT_SECRET,
        timeout=settings.CLOSE_TIMEOUT,
        pacer=pacing.SharedPacer(),
    )


def revoke(refresh_token: str) -> bool:
    """Take back at Close what it gave; False where Close could not be told."""
    try:
        close.oauth.revoke(application(), refresh_token=refresh_token)
    except close.CloseError as error:
        log.warning("access: not revoked at Close: %s", error.log)
        return False
    return True


def note_problem(problem: str, text: str) -> None:
    """Note why Close cannot be used, for every page and every process; ops admins get one message of each problem."""
    noted = {"problem": problem, "problem_text": text, "last_error": text, "last_error_at": timezone.now()}
    if Connection.objects.filter(pk=1).exclude(problem=problem).update(**noted):
        notices.tell_ops_admins(Notice.Kind.SYSTEM, text, "/connection/")
    else:
        Connection.note(**noted)


def _left(stored: Credential) -> timedelta:
    return stored.access_ends_at - timezone.now() if stored.access_ends_at else timedelta(0)


def _tokens(grant: close.oauth.Grant, now: datetime) -> dict[str, Any]:
    return {
        "access_token": grant.access_token,
        "refresh_token": grant.refresh_token,
        "access_ends_at": now + timedelta(seconds=grant.lifetime),
        "renewed_at": now,
    }


def _renew(stored: Credential, *, wait: bool) -> Credential:
    """Get the next pair of tokens, or let another process do it; the row as it is then.

    `wait` until they are there; without it, tokens that another is renewing are used as they are, and so are those
    that cannot be renewed now. Raises CloseError; whatever was to follow has certainly not been sent.
    """
    until = time.monotonic() + 2 * settings.CLOSE_TIMEOUT
    while not _take_lease(stored):
        if not wait:
            return stored
        if time.monotonic() > until:
            raise close.ConnectionFailedError("access: another process did not get a new one in time", sent=False)
        time.sleep(LOOK_AGAIN)
        now = _reread()
        if now.stamp != stored.stamp:
            return now
        stored = now
    try:
        grant = close.oauth.refresh(application(), refresh_token=stored.refresh_token)
    except (close.InvalidRequestError, close.AuthenticationError, close.ForbiddenError) as error:
        return _refused(stored, error)
    except close.CloseError as error:
        _as_read(stored).update(renewing_until=None)
        if not wait:
            log.warning("access: not renewed yet: %s", error.log)
            return stored
        raise _unsent(error) from None
    if _as_read(stored).update(**_tokens(grant, timezone.now()), stamp=uuid4(), renewing_until=None, refused_at=None):
        log.info("access: renewed")
    else:
        # Somebody connected anew, or ended the connection, while Close was asked.
        revoke(grant.refresh_token)
    return _reread()


def _take_lease(stored: Credential) -> bool:
    """Take the right to renew exactly these tokens; no other process has it then until the lease runs out.

    Raises AuthenticationError where Close has refused them a moment ago.
    """
    now = timezone.now()
    rested = now - ASK_AGAIN_AFTER
    if stored.refused_at and stored.refused_at > rested:
        raise close.AuthenticationError("access: not asked, Close has just refused it", status=401, asked=False)
    free = Q(renewing_until__isnull=True) | Q(renewing_until__lt=now)
    unrefused = Q(refused_at__isnull=True) | Q(refused_at__lte=rested)
    # Longer than a request can take: whoever died within one has left a refresh token that may be used up.
    lease = now + timedelta(seconds=4 * settings.CLOSE_TIMEOUT)
    # Inside a transaction that is rolled back later, the new refresh token would be lost with it.
    with transaction.atomic(durable=True):
        return bool(_as_read(stored).filter(free, unrefused).update(renewing_until=lease))


def _as_read(stored: Credential) -> Any:
    return Credential.objects.filter(pk=1, stamp=stored.stamp)


def _reread() -> Credential:
    """The row as it is now; AuthenticationError where there is none any more."""
    stored = stored_credential()
    if stored is None:
        raise close.AuthenticationError("access: the connection was ended meanwhile", unset=True)
    return stored


def _refused(stored: Credential, error: close.CloseError) -> Credential:
    """Close does not take the refresh token: the connection is refused, unless another process had a newer one."""
    now = timezone.now()
    # The access token is not worth a try any more either.
    if not _as_read(stored).update(renewing_until=None, refused_at=now, access_ends_at=now):
        return _reread()
    log.warning("access: refused by Close: %s", error.log)
    note_problem(Connection.Problem.REFUSED, NOT_TAKEN)
    raise close.AuthenticationError(f"access: {error.log}", status=401) from None


def _unsent(error: close.CloseError) -> close.CloseError:
    """The same error, said of a request that was to follow: it has certainly not left."""
    if isinstance(error, close.RateLimitError):
        return error
    kind = type(error) if isinstance(error, close.ConnectionFailedError | close.ServerError) else close.CloseError
    return kind(f"access: {error.log}", sent=False)
