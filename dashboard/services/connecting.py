"""Connecting to Close on the page: a key or a grant is tried first, and stored if it opens the right organisation."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q

from dashboard import close
from dashboard.access import Person
from dashboard.models import Connection, Credential, Kind, Plan
from dashboard.models.credentials import SecretsError
from dashboard.models.plans import OPEN
from dashboard.services import connection as connections
from dashboard.services import credentials, events, pacing

FROM_ENVIRONMENT = (
    "The key of the environment (CLOSE_API_KEY) goes first, so nothing is connected here. "
    "Ask the person who runs closephones to take it out."
)
NO_APPLICATION = "This installation is no application of Close’s: CLOSE_OAUTH_CLIENT_ID is not set."
NOTHING_STORED = " Nothing was stored."


class RefusedError(Exception):
    """It was not done: `words` says why."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True)
class Waiting:
    """A plan with changes that are not decided yet: so many of them."""

    plan: Plan
    count: int


def why_not() -> str:
    """Why nothing can be connected on the page now: a sentence, or ""."""
    if settings.CLOSE_API_KEY:
        return FROM_ENVIRONMENT
    if not settings.FIELD_KEYS:
        return (
            "FIELD_KEYS is not set, so a key or a token could not be stored encrypted, and is not stored at all. "
            "Ask the person who runs closephones to set it."
        )
    return ""


def has_application() -> bool:
    """Whether Close knows this installation, so that a person can allow it there."""
    return bool(settings.CLOSE_OAUTH_CLIENT_ID)


def ask_for_leave(*, state: str) -> str:
    """The page of Close's on which a person allows closephones to act for them. Raises RefusedError."""
    if words := why_not() or ("" if has_application() else NO_APPLICATION):
        raise RefusedError(words)
    return close.oauth.authorize_url(credentials.application(), state=state)


def by_oauth(*, actor: Person, code: str) -> None:
    """Connect with the code that Close sent a person back with. Raises RefusedError; then nothing has changed."""
    if words := why_not():
        raise RefusedError(words)
    try:
        grant = close.oauth.exchange(credentials.application(), code=code)
    except close.AuthenticationError:
        raise RefusedError(
            "Close does not know this application. Ask the person who runs closephones to look at "
            "CLOSE_OAUTH_CLIENT_ID and CLOSE_OAUTH_CLIENT_SECRET." + NOTHING_STORED
        ) from None
    except close.InvalidRequestError:
        raise RefusedError("Close does not take this answer any more. Connect once more.") from None
    except close.CloseError as error:
        raise RefusedError(error.screen + NOTHING_STORED) from None
    try:
        _connect(actor, credentials.Key(access_token=grant.access_token), chosen=grant.organization_id, grant=grant)
    except RefusedError:
        credentials.revoke(grant.refresh_token)
        raise


def by_key(*, actor: Person, api_key: str) -> None:
    """Connect with an API key that somebody typed. Raises RefusedError; then nothing has changed."""
    if words := why_not():
        raise RefusedError(words)
    before = credentials.stored_credential()
    _connect(actor, credentials.Key(api_key=api_key), api_key=api_key)
    if before and before.kind == Credential.Kind.OAUTH:
        # What is no longer used should open nothing any more.
        credentials.revoke(before.refresh_token)


def disconnect(*, actor: Person) -> bool:
    """Take the access back at Close and delete what is stored here; False where Close could not be told."""
    before = credentials.stored_credential()
    credentials.forget()
    told = not before or before.kind != Credential.Kind.OAUTH or credentials.revoke(before.refresh_token)
    if not settings.CLOSE_API_KEY:
        words = f"{actor.name} disconnected closephones from Close. {credentials.NO_KEY}"
        credentials.note_problem(Connection.Problem.NO_KEY, words)
    words = "disconnected" if told else "disconnected, and Close could not be told"
    events.note(Kind.CONNECTION, actor=actor, about=Connection.load().organization_name, words=words)
    return told


def waiting() -> list[Waiting]:
    """The plans that have changes on their way, which go on once Close can be asked; the oldest first."""
    is_open = Q(changes__state__in=OPEN)
    plans = Plan.objects.filter(is_open).annotate(count=Count("changes", filter=is_open)).order_by("pk")
    return [Waiting(plan, plan.count) for plan in plans]


def _connect(actor: Person, key: credentials.Key, *, chosen: str = "", **given: Any) -> None:
    """Ask Close who this is; where it is the right organisation, store what was given and note who we act as."""
    client = close.Client(
        settings.CLOSE_API_URL,
        api_key=key.api_key,
        access_token=key.access_token,
        timeout=settings.CLOSE_TIMEOUT,
        pacer=pacing.SharedPacer(),
        pool=1,
    )
    try:
        me = close.me(client)
        organization = close.organization(client, connections.organization_of(me, chosen=chosen))
        with transaction.atomic():
            credentials.store(actor=actor, **given)
            connections.note_who(me, organization)
            words = f"by {'OAuth' if 'grant' in given else 'API key'}, as {me.name}"
            events.note(Kind.CONNECTION, actor=actor, about=organization.name, words=f"connected {words}")
    except close.AuthenticationError:
        raise RefusedError("Close does not accept this key. Copy it once more from Close." + NOTHING_STORED) from None
    except close.CloseError as error:
        raise RefusedError(error.screen + NOTHING_STORED) from None
    except connections.NotConnectedError as error:
        raise RefusedError(error.words + NOTHING_STORED) from None
    except SecretsError as error:
        raise RefusedError(str(error)) from None
    finally:
        client.close()
