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
from dashboard.models import Connection
from dashboard.services.pacing import SharedPacer

NOTE_EVERY = timedelta(seconds=30)
NO_KEY = "There is no usable key for Close. Set CLOSE_API_KEY and start again."


class NotConnectedError(Exception):
    """Close cannot be used as it is set up now: `words` says what is wrong and what to do."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


def client(*, background: bool = False) -> close.Client:
    """The client of this process: one pool of connections for people, one for background work."""
    return _client(settings.CLOSE_API_URL, settings.CLOSE_API_KEY, settings.CLOSE_TIMEOUT, background)


@functools.lru_cache(maxsize=8)
def _client(url: str, key: str, timeout: float, background: bool) -> close.Client:
    return close.Client(url, api_key=key, timeout=timeout, pacer=SharedPacer(), background=background)


@contextmanager
def watched() -> Iterator[None]:
    """Note how Close fares in what is called here: it answered, refused the key, or did not answer."""
    try:
        yield
    except (close.ConnectionFailedError, close.ServerError) as error:
        now = timezone.now()
        Connection.note(last_error=error.screen, last_error_at=now)
        Connection.objects.filter(pk=1, away_since__isnull=True).update(away_since=now)
        raise
    except close.AuthenticationError as error:
        # On a write Close may say 401 where only a permission is missing; that is the change's outcome.
        if not error.status:
            _problem(Connection.Problem.NO_KEY, NO_KEY)
        elif not error.writing:
            _problem(Connection.Problem.REFUSED, error.screen)
        raise
    except close.RateLimitError:
        raise
    except close.CloseError:
        _answered()
        raise
    else:
        _answered()


def _answered() -> None:
    """Note that Close answered: seldom, since it costs a write, but at once when it had been away."""
    now = timezone.now()
    stale = Q(last_answer_at__isnull=True) | Q(last_answer_at__lt=now - NOTE_EVERY)
    Connection.objects.filter(stale | Q(away_since__isnull=False), pk=1).update(last_answer_at=now, away_since=None)


def _problem(problem: str, text: str) -> None:
    Connection.note(problem=problem, problem_text=text, last_error=text, last_error_at=timezone.now())


def connect(client: close.Client) -> close.OrganizationRecord:
    """Ask Close who we are there, and note it. Raises NotConnectedError for no key or another organisation's key.

    One database holds one organisation: the first one that it was connected to.
    """
    if not settings.CLOSE_API_KEY:
        _problem(Connection.Problem.NO_KEY, NO_KEY)
        raise NotConnectedError(NO_KEY)
    with watched():
        me = close.me(client)
    ids = me.organization_ids
    known = Connection.load()
    if known.organization_id and known.organization_id not in ids:
        name = next((entry.get("name") for entry in me.raw.get("organizations", []) if isinstance(entry, dict)), None)
        text = (
            f"The key belongs to the Close organisation {name or ', '.join(ids) or 'unknown'}, but this database "
            f"holds {known.organization_name}. Nothing is read or written. Use a key of {known.organization_name}, "
            "or an empty database."
        )
        _problem(Connection.Problem.OTHER_ORGANISATION, text)
        raise NotConnectedError(text)
    if not ids:
        _problem(Connection.Problem.REFUSED, text := "The key belongs to no Close organisation. Set another one.")
        raise NotConnectedError(text)
    with watched():
        organization = close.organization(client, known.organization_id or ids[0])
    Connection.note(
        organization_id=organization.id,
        organization_name=organization.name,
        acting_id=me.id,
        acting_name=me.name,
        permissions=sorted(me.permissions(organization.id)),
        problem=Connection.Problem.NONE,
        problem_text="",
    )
    return organization


def foreign(connection: Connection, record: close.PhoneNumberRecord) -> bool:
    """Whether this answer is another organisation's; if so, the connection is marked and nothing more is written."""
    if not record.organization_id or record.organization_id == connection.organization_id:
        return False
    text = (
        f"Close answered with numbers of another organisation ({record.organization_id}) than this database holds "
        f"({connection.organization_name}, {connection.organization_id}). Nothing is read or written."
    )
    _problem(Connection.Problem.OTHER_ORGANISATION, text)
    return True


def held_words(connection: Connection) -> str:
    """Why nothing is written to Close at present: a sentence, or "" (promise P9)."""
    if settings.WRITES == "off":
        return "This installation is set to WRITES=off: it never changes anything in Close."
    if connection.writes_stopped_at:
        who = connection.writes_stopped_by or "An ops admin"
        return f"{who} stopped all writes. Reading works; an ops admin can start them again on the settings page."
    return ""


def why_no_write(connection: Connection) -> str:
    """Why no write may begin now, whoever asks: a sentence, or ""."""
    if held := held_words(connection):
        return held
    if connection.problem:
        return connection.problem_text
    if not connection.organization_id:
        return "Nothing was read from Close yet. Refresh from Close first."
    free = shutil.disk_usage(database_folder()).free // 1_000_000
    if free < settings.MIN_FREE_MB:
        return (
            f"The disk of closephones is nearly full ({free} MB left), and a change that cannot be recorded is not "
            "made. Ask the person who runs closephones to free some space."
        )
    return ""


def database_folder() -> Path:
    """A folder on the disk that fills up first: the database's, where it is a file of ours."""
    database = settings.DATABASES["default"]
    return Path(database["NAME"]).parent if "sqlite3" in database["ENGINE"] else Path(settings.BASE_DIR)


def stop_writes(*, actor: Person) -> None:
    """Hold everything: from now on nothing is written to Close, until `start_writes`."""
    Connection.note(writes_stopped_at=timezone.now(), writes_stopped_by=actor.name)


def start_writes(*, actor: Person) -> None:
    """Let writes begin again. What was refused meanwhile is not made up for."""
    Connection.note(writes_stopped_at=None, writes_stopped_by="")
