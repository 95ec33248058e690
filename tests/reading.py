"""What a person reads of an answer, and whom a browser is signed in as."""

import re
from html import unescape

from django.contrib.auth import get_user_model

from dashboard import access


def text_of(response):
    """What a person reads of an answer: its words, without markup."""
    html = re.sub(r"<(script|style)\b.*?</\1>", " ", response.content.decode(), flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def html_of(response):
    """The markup of an answer, on one line."""
    return " ".join(response.content.decode().split())


def who(client):
    """The person whom this browser is signed in as, or None."""
    key = client.session.get("_auth_user_id")
    return access.person(get_user_model().objects.get(pk=key)) if key else None
