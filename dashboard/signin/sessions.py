"""Sessions: how one begins, what it says of itself, and when it is over.

A session has a new key from the sign-in on, so that one that somebody saw or planted before is worth nothing. It
ends after `SESSION_HOURS` however busy it is, and an ops admin's after `SESSION_IDLE_MINUTES` in which nobody did
anything. Behind a proxy each request is a sign-in, and the proxy decides how
long one lasts.
"""

import hashlib
import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth import SESSION_KEY, login, logout
from django.contrib.sessions.backends import db
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.utils import timezone

from dashboard.access import Person, name_of
from dashboard.models import Event, Kind, Session

log = logging.getLogger(__name__)

FACTS = "sign_in"
# Noting that a session is used costs a write, so that is done once a minute.
NOTE_EVERY = timedelta(minutes=1)
# The same refusal from the same address stands in the history once in so many seconds: strangers must not fill it.
REFUSED_EVERY = 60
# What static/js/csrf.js sets on requests that no person made: polling, and what a page asks for as it loads.
BACKGROUND = "X-Background"


class SessionStore(db.SessionStore):
    """Django's sessions in the database, in rows that also say whose they are and when they were used."""

    began_at: datetime | None = None
    used_at: datetime | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def load(self) -> dict[str, Any]:
        row = self._get_session_from_db()  # type: ignore[attr-defined]
        if row is None:
            return {}
        self.began_at, self.used_at = row.began_at, row.used_at
        return dict(self.decode(row.session_data))

    def create(self) -> None:
        self.began_at = self.used_at = timezone.now()
        super().create()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row: Any = super().create_model_instance(data)
        row.account_id = data.get(SESSION_KEY)
        row.began_at, row.used_at = self.began_at, self.used_at
        return row  # type: ignore[no-any-return]

    def note_use(self) -> None:
        """Note that a person is using this session now."""
        now = timezone.now()
        if self.used_at and now - self.used_at < NOTE_EVERY:
            return
        try:
            Session.objects.filter(pk=self.session_key).update(used_at=now)
        except DatabaseError:
            # With a full disk everything stays readable.
            log.warning("That a session is used could not be noted.", exc_info=True)
        self.used_at = now


def begin(request: Any, user: Any, *, way: str) -> None:
    """Sign this person in, under a new key. `way` is how, in words: "password", "company account"."""
    login(request, user)
    request.session[FACTS] = {
        "way": way,
        "address": address_of(request),
        "browser": browser_in_words(request.headers.get("User-Agent", "")),
    }
    note(request, Kind.SIGNED_IN)


def end(request: Any, kind: str, words: str = "") -> None:
    """Sign whoever is here out, and note it."""
    if request.user.is_authenticated:
        note(request, kind, words=words)
    logout(request)


def note(request: Any, kind: str, *, about: str = "", words: str = "") -> None:
    """Put into the history what the person of this request did."""
    facts = request.session.get(FACTS, {})
    Event.objects.note(
        kind,
        who=name_of(request.user),
        account=request.user.pk,
        way=facts.get("way", ""),
        address=address_of(request),
        about=about,
        words=words,
    )


def refused(request: Any, *, way: str, words: str, about: str = "") -> None:
    """Note that somebody was not let in, once a minute for the same refusal from the same address.

    `about` is whom they said to be, where there is such a person: what a stranger types may be a password.
    """
    address = address_of(request)
    mark = hashlib.sha256("\n".join((address, way, words, about)).encode()).hexdigest()
    if cache.add(f"refused:{mark}", 1, REFUSED_EVERY):
        Event.objects.note(Kind.REFUSED, way=way, address=address, about=about, words=words)


def why_over(request: Any, person: Person) -> str:
    """Why the session of this signed-in person is over: a few words, or ""."""
    if settings.PROXY_AUTH != "off":
        return ""
    now, session = timezone.now(), request.session
    if now - session.began_at > timedelta(hours=settings.SESSION_HOURS):
        return f"Signed in over {settings.SESSION_HOURS} h ago."
    idle = timedelta(minutes=settings.SESSION_IDLE_MINUTES)
    if idle and person.is_ops_admin and now - session.used_at > idle:
        return f"Not used for {settings.SESSION_IDLE_MINUTES} minutes."
    return ""


def put_away(now: datetime) -> int:
    """Delete the sessions that ran out unused, and note whose they were; how many. Nobody was there as they ended."""
    gone = 0
    for row in Session.objects.filter(expire_date__lt=now).select_related("account"):
        if Session.objects.filter(pk=row.pk, expire_date__lt=now).delete()[0] and row.account:
            facts = SessionStore().decode(row.session_data).get(FACTS, {})
            words = f"Ran out unused on {row.expire_date:%Y-%m-%d at %H:%M} UTC; found when old ones were put away."
            Event.objects.note(
                Kind.ENDED,
                who=name_of(row.account),
                account=row.account.pk,
                way=facts.get("way", ""),
                address=facts.get("address", ""),
                words=words,
            )
        gone += 1
    return gone


@dataclass(frozen=True)
class Place:
    """One session of a person, as the page Settings shows it."""

    way: str
    address: str
    browser: str
    began_at: datetime
    used_at: datetime
    here: bool


def places_of(user: Any, *, here: str) -> list[Place]:
    """The sessions of this person that last, the one used last first; `here` is the key of the present one."""
    now = timezone.now()
    rows = Session.objects.filter(account=user, expire_date__gt=now).order_by("-used_at")
    if settings.PROXY_AUTH == "off":
        rows = rows.filter(began_at__gt=now - timedelta(hours=settings.SESSION_HOURS))
    return [
        Place(
            way=facts.get("way", ""),
            address=facts.get("address", ""),
            browser=facts.get("browser", ""),
            began_at=row.began_at,
            used_at=row.used_at,
            here=row.pk == here,
        )
        for row in rows
        for facts in [SessionStore().decode(row.session_data).get(FACTS, {})]
    ]


def address_of(request: Any) -> str:
    """The address of the browser, as far as the proxies in front are trusted; "" where there is none."""
    try:
        return str(get_adapter(request).get_client_ip(request))
    except PermissionDenied:
        return ""


# Looked for in this order: most browsers also carry the names of others.
BROWSERS = {
    "Edge": r"\bEdg\w*/",
    "Opera": r"\bOPR/",
    "Firefox": r"\b(Firefox|FxiOS)/",
    "Chrome": r"\b(Chrome|CriOS|HeadlessChrome)/",
    "Safari": r"\bSafari/",
}
SYSTEMS = {
    "iPhone": r"\biPhone\b",
    "iPad": r"\biPad\b",
    "Android": r"\bAndroid\b",
    "Windows": r"\bWindows\b",
    "Mac": r"\bMac OS X\b",
    "ChromeOS": r"\bCrOS\b",
    "Linux": r"\bLinux\b",
}


def browser_in_words(agent: str) -> str:
    """ "Firefox on Windows", as well as a User-Agent says it."""
    browser, system = (
        next((name for name, pattern in names.items() if re.search(pattern, agent)), "")
        for names in (BROWSERS, SYSTEMS)
    )
    if not browser:
        return "A program"
    return f"{browser} on {system}" if system else browser
