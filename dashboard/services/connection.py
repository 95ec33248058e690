"""The way to Close: the client everybody uses, and what is known of how it fares."""

from django.conf import settings

from dashboard.models import Connection


def held_words(connection: Connection) -> str:
    """Why nothing is written to Close at present: a sentence, or "" (promise P9)."""
    if settings.WRITES == "off":
        return "This installation is set to WRITES=off: it never changes anything in Close."
    if connection.writes_stopped_at:
        who = connection.writes_stopped_by or "An ops admin"
        return f"{who} stopped all writes. Reading works; an ops admin can start them again on the settings page."
    return ""
