"""The way to Close: the client that everybody uses, and what is known of how it fares."""

import functools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from dashboard import close
from dashboard.access import Person
from dashboard.models import Connection, Event, Kind
from dashboard.services import credentials, events, pacing

NOTE_EVERY = timedelta(seconds=30)


class NotConnectedError(Exception):
    """Close cannot be used as it is set up now: `words` says what is wrong and what to do, `problem` names it."""

    def __init__(self, words: str, problem: str = "") -> None:
        super().__init__(words)
        self.words = words
        self.problem = problem


def client(*, background: bool = False) -> close.Client:
    """The client of this process: one pool of connections for people, one for background work.

    Raises CloseError where the token has ended and cannot be renewed.
    """
    key = credentials.current(background=background) or credentials.Key()
    return _client(settings.CLOSE_API_URL, key, settings.CLOSE_TIMEOUT, background)


@functools.lru_cache(maxsize=8)
def _client(url: str, key: credentials.Key, timeout: float, background: bool) -> close.Client:
    return close.Client(
        url,
        api_key=key.api_key,
        access_token=key.access_token,
        renew=credentials.newer,
        timeout=timeout,
        pacer=pacing.SharedPacer(),
        background=background,
    )


@contextmanager
def watched(known: Connection | None = None, *, again: bool = False) -> Iterator[None]:
    """Note how Close fares in what is called here: it answered, refused the key, or did not answer.

    While Close refuses the key nothing is called and AuthenticationError raised, unless this is to ask `again`.
    `known`: the connection as it was loaded a moment ago; where it says all that would be noted, nothing is written.
    """
    _leave_alone_while_refused(known, again)
    try:
        yield
    except (close.ConnectionFailedError, close.ServerError) as error:
        now = timezone.now()
        Connection.note(last_error=error.screen, last_error_at=now)
        Connection.objects.filter(pk=1, away_since__isnull=True).update(away_since=now)
        raise
    except close.AuthenticationError as error:
        # On a write Close may say 401 where only a permission is missing; that is the change's outcome.
        if error.unset:
            credentials.note_problem(Connection.Problem.NO_KEY, credentials.why_none())
        elif not error.writing:
            credentials.note_problem(Connection.Problem.REFUSED, credentials.why_refused())
        raise
    except close.RateLimitError:
        raise
    except close.CloseError:
        _answered(known)
        raise
    else:
        _answered(known)


def _answered(known: Connection | None) -> None:
    """Note that Close answered: seldom, since it costs a write, but at once when it had been away."""
    now = timezone.now()
    if known and not known.away_since and known.last_answer_at and known.last_answer_at > now - NOTE_EVERY:
        return
    stale = Q(last_answer_at__isnull=True) | Q(last_answer_at__lt=now - NOTE_EVERY)
    due = Connection.objects.filter(stale | Q(away_since__isnull=False), pk=1)
    if due.update(last_answer_at=now, away_since=None):
        pacing.note_limit()


def _leave_alone_while_refused(known: Connection | None, again: bool) -> None:
    """Raise AuthenticationError while Close refuses the key; one process a minute may ask `again`."""
    refused = Connection.objects.filter(pk=1, problem=Connection.Problem.REFUSED)
    if known.problem != Connection.Problem.REFUSED if known else not refused.exists():
        return
    now = timezone.now()
    rested = Q(last_error_at__isnull=True) | Q(last_error_at__lt=now - credentials.ASK_AGAIN_AFTER)
    if not (again and refused.filter(rested).update(last_error_at=now)):
        raise close.AuthenticationError("not asked: Close refuses the key", status=401, asked=False)


def connect(client: close.Client) -> close.OrganizationRecord:
    """Ask Close who we are there, and note it. Raises NotConnectedError for no key or another organisation's key.

    One database holds one organisation: the first one that it was connected to.
    """
    _note_environment_key()
    if not client.has_key:
        credentials.note_problem(Connection.Problem.NO_KEY, words := credentials.why_none())
        raise NotConnectedError(words)
    with watched(again=True):
        me = close.me(client)
        try:
            organization_id = organization_of(me)
        except NotConnectedError as error:
            credentials.note_problem(error.problem, error.words)
            raise
        organization = close.organization(client, organization_id)
    note_who(me, organization)
    return organization


def _note_environment_key() -> None:
    """Put into the history that the environment's key is another one than last time, or gone; no more than its end.

    Whoever sets it has no account here, so no name stands there. The first key of all changes nothing.
    """
    known = Connection.load()
    now, before = settings.CLOSE_API_KEY[-4:], known.environment_key
    if now == before or not Connection.objects.filter(pk=1, environment_key=before).update(environment_key=now):
        return
    if before and now:
        words = f"was changed: it ended in {before}, and ends in {now} now."
    elif before:
        words = f"was taken out; it ended in {before}."
    elif known.organization_id:
        words = f"counts now; it ends in {now}."
    else:
        return
    words = f"The key of the environment (CLOSE_API_KEY) {words}"
    Event.objects.note(Kind.CONNECTION, about=known.organization_name, words=words)


def organization_of(me: close.MeRecord, *, chosen: str = "") -> str:
    """The organisation (its id) that a key of this person opens; `chosen` is what they said where they had a choice.

    Raises NotConnectedError where it is not the one that this database holds.
    """
    ids = (chosen,) if chosen else me.organization_ids
    known = Connection.load()
    if known.organization_id and known.organization_id not in ids:
        entries = [entry for entry in me.raw.get("organizations", []) if isinstance(entry, dict)]
        name = next((entry.get("name") for entry in entries if not chosen or entry.get("id") == chosen), None)
        raise NotConnectedError(
            f"The key belongs to the Close organisation {name or ', '.join(ids) or 'unknown'}, but this database "
            f"holds {known.organization_name}. Nothing is read or written. Use a key of {known.organization_name}, "
            "or an empty database.",
            Connection.Problem.OTHER_ORGANISATION,
        )
    if not ids:
        words = "The key belongs to no Close organisation. Set another one."
        raise NotConnectedError(words, Connection.Problem.REFUSED)
    return known.organization_id or ids[0]


def note_who(me: close.MeRecord, organization: close.OrganizationRecord) -> None:
    """Note whose organisation it is and who we act as; nothing is wrong with the connection any more."""
    Connection.note(
        organization_id=organization.id,
        organization_name=organization.name,
        acting_id=me.id,
        acting_name=me.name,
        permissions=sorted(me.permissions(organization.id)),
        problem=Connection.Problem.NONE,
        problem_text="",
        last_answer_at=timezone.now(),
        away_since=None,
        # Of a walk with what was wrong until now; the next one says how it fares.
        sync_error="",
    )
    pacing.note_limit()


def foreign(connection: Connection, record: close.PhoneNumberRecord) -> bool:
    """Whether this answer is another organisation's; if so, the connection is marked and nothing more is written."""
    if not record.organization_id or record.organization_id == connection.organization_id:
        return False
    text = (
        f"Close answered with numbers of another organisation ({record.organization_id}) than this database holds "
        f"({connection.organization_name}, {connection.organization_id}). Nothing is read or written."
    )
    credentials.note_problem(Connection.Problem.OTHER_ORGANISATION, text)
    return True


def held_words(connection: Connection) -> str:
    """Why nothing is written to Close at present: a sentence, or "" (promise P9)."""
    if settings.WRITES == "off":
        return "This installation is set to WRITES=off: it never changes anything in Close."
    if connection.writes_stopped_at:
        who = connection.writes_stopped_by or "An ops admin"
        return f"{who} stopped all writes. Reading works; an ops admin can start them again on the settings page."
    return ""


def lacking_words(connection: Connection) -> str:
    """Which permission the connected user lacks in Close: a sentence, or "" (also while nobody is connected)."""
    if not connection.organization_id or connection.problem or connection.may_change_team_numbers:
        return ""
    who = connection.acting_name or "The connected Close user"
    return f"{who} lacks the permission “Manage Team Phone Numbers” in Close."


def why_no_write(connection: Connection) -> str:
    """Why no write may begin now, whoever asks: a sentence, or ""."""
    if held := held_words(connection):
        return held
    if connection.problem:
        return connection.problem_text
    if not connection.organization_id:
        return "Nothing was read from Close yet. Refresh from Close first."
    free = free_mb()
    if free < settings.MIN_FREE_MB:
        return (
            f"The disk of closephones is nearly full ({free} MB left), and a change that cannot be recorded is not "
            "made. Ask the person who runs closephones to free some space."
        )
    return ""


def free_mb() -> int:
    """Megabytes left on the disk that fills up first: the database's, where it is a file of ours."""
    database = settings.DATABASES["default"]
    folder = Path(database["NAME"]).parent if "sqlite3" in database["ENGINE"] else Path(settings.BASE_DIR)
    return shutil.disk_usage(folder).free // 1_000_000


def stop_writes(*, actor: Person) -> None:
    """Hold everything: from now on nothing is written to Close, until `start_writes`."""
    Connection.note(writes_stopped_at=timezone.now(), writes_stopped_by=actor.name)
    events.note(Kind.WRITES_STOPPED, actor=actor)


def start_writes(*, actor: Person) -> None:
    """Let writes begin again. What was refused meanwhile is not made up for."""
    Connection.note(writes_stopped_at=None, writes_stopped_by="")
    events.note(Kind.WRITES_ALLOWED, actor=actor)
