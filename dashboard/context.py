"""What every page shows around its content: who is here, how old the data is, what holds writes back."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone

from dashboard import access
from dashboard.models import Connection, Holding, Notice, Preference
from dashboard.services import connection as connections
from dashboard.services import health

OLD_AFTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Banner:
    """A sentence above the page. `action` is the address of a form without fields that helps, `link` of a page."""

    level: str
    title: str
    text: str
    action: str = ""
    link: str = ""
    action_label: str = ""


@dataclass(frozen=True)
class Freshness:
    """How old what we show is, in words; `level` is bad where it was not read, warn where it is old, or ""."""

    level: str
    at: Any
    words: str


@dataclass(frozen=True)
class Beside:
    """What a page says beside its subject: how many messages wait, and whether any absence holds something now."""

    unread: int
    something_on: bool


def page(request: HttpRequest) -> dict[str, Any]:
    """The context of every page for a signed-in person; nothing for anybody else."""
    person = getattr(request, "person", None)
    if person is None or not person.user.is_authenticated:
        return {"person": access.Person(request.user) if hasattr(request, "user") else None, "theme": "auto"}
    connection = connection_of(request)
    return {
        "person": person,
        "connection": connection,
        # Called by the pages that show it; a fragment does not ask.
        "unread": lambda: beside_of(request).unread,
        "freshness": freshness(connection),
        # Without a role there is nothing here that these would be about.
        "banners": banners(connection, person) if person.role else [],
        "preference": preference_of(request),
        "theme": preference_of(request).theme,
    }


def connection_of(request: Any) -> Connection:
    """The connection row, read once a request."""
    if not hasattr(request, "connection"):
        request.connection = Connection.load()
    return request.connection  # type: ignore[no-any-return]


def beside_of(request: Any) -> Beside:
    """The messages of this person and whether an absence is on, read once a request, by pages only.

    They ride on the row of the connection: a page that asks for them first has read both in one query.
    """
    if not hasattr(request, "beside"):
        waiting = Notice.objects.filter(user=request.user.pk, read_at__isnull=True).order_by().values("user")
        count = Coalesce(Subquery(waiting.annotate(count=Count("pk")).values("count")), 0)
        on = Exists(Holding.objects.filter(state=Holding.State.HELD))
        rows = Connection.objects.annotate(unread=count, something_on=on)
        request.connection = found = rows.filter(pk=1).first() or Connection.load()
        request.beside = Beside(getattr(found, "unread", 0), getattr(found, "something_on", False))
    return request.beside  # type: ignore[no-any-return]


def preference_of(request: Any) -> Preference:
    """This person's preferences; the defaults where nothing was chosen yet."""
    return getattr(request.user, "preference", None) or Preference(user=request.user)


def freshness(connection: Connection) -> Freshness:
    """How old the data is, in words for the header."""
    now = timezone.now()
    if connection.problem:
        return Freshness("bad", connection.synced_at, "Not connected to Close")
    if connection.away_since:
        return Freshness("bad", connection.synced_at, "Close unreachable")
    if connection.sync_lease_until and connection.sync_lease_until > now:
        return Freshness("", connection.synced_at, "Reading from Close")
    if connection.sync_error:
        words = "Refresh failed; last read" if connection.synced_at else "Refresh failed"
        return Freshness("bad", connection.synced_at, words)
    if connection.synced_at is None:
        return Freshness("warn", None, "Not read from Close yet")
    if now - connection.synced_at > OLD_AFTER:
        return Freshness("warn", connection.synced_at, "Read from Close")
    return Freshness("", connection.synced_at, "In step with Close")


def banners(connection: Connection, person: access.Person) -> list[Banner]:
    """What everybody has to know before anything else on the page, gravest first."""
    found = []
    if connection.problem:
        link = "connection" if person.is_ops_admin else ""
        title = f"{connection.get_problem_display()}."
        # With a key of the environment, nothing can be connected on that page.
        label = "Look at it" if settings.CLOSE_API_KEY else "Reconnect" if connection.organization_id else "Connect"
        found.append(Banner("bad", title, connection.problem_text, link=link, action_label=label))
    elif connection.away_since:
        since = timezone.localtime(connection.away_since)
        found.append(
            Banner(
                "bad",
                f"Close has not answered since {since:%H:%M}.",
                "You see what was read last; changes are refused until Close is back.",
                action="refresh",
                action_label="Try now",
            )
        )
    elif connection.sync_error:
        words = f"{connection.sync_error} You see what was read last."
        found.append(Banner("bad", "Close was not read to the end.", words, action="refresh", action_label="Try now"))
    if connection.doubted:
        found.append(
            Banner(
                "warn",
                f"{connection.doubted:,} numbers were missing in the last refresh.",
                "That is too many to believe, so none is marked as gone."
                + ("" if person.is_ops_admin else " An ops admin has to decide."),
                action="refresh-missing" if person.is_ops_admin else "",
                action_label="They are gone from Close",
            )
        )
    held = connections.held_words(connection)
    if held:
        found.append(Banner("warn", "Writes are stopped.", held))
    if connection.held_since and person.may_change_something:
        words = f"{connection.held_why} Plans and absences wait until an ops admin has looked at them."
        found.append(Banner("warn", "What was due is held.", words, link="plan-list", action_label="Look at it"))
    if lacking := connections.lacking_words(connection):
        found.append(Banner("warn", "Some edits would be refused by Close.", lacking))
    if not health.worker_is_alive(connection):
        words = "Nothing scheduled will run. Ask whoever runs closephones to start it."
        found.append(Banner("warn", "The worker is silent.", words))
    return found


def time_zone(request: HttpRequest) -> str:
    """The zone in which this person reads times."""
    return preference_of(request).zone or settings.TIME_ZONE
