"""Messages on their way out: by mail to each person, and to the company's chat. Only the worker waits for these."""

import json
import logging
import smtplib
import urllib.request
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.utils import timezone

from dashboard import access
from dashboard.models import Notice, Preference

log = logging.getLogger(__name__)

# What could not be sent for so long is not sent any more; it still stands on the site.
KEPT = timedelta(days=2)
DAY = timedelta(hours=24)
TIMEOUT = 10
# So many at most go into one message; the others into the next one.
MOST = 200


def send() -> int:
    """Send on what waits, to each person by itself; how many went out, by mail and by chat counted apart.

    What fails is tried again the next minute, by the way that failed alone.
    """
    sent = 0
    if settings.EMAIL_URL:
        sent += _send_by("mailed_at", _mail)
    if settings.SLACK_WEBHOOK_URL:
        sent += _send_by("chatted_at", _chat)
    return sent


def _send_by(noted: str, post: Callable[[User, list[Notice]], None]) -> int:
    """Send on by one way, `post`, what has not gone that way yet; `noted` is the field that says when it has."""
    waiting = Notice.objects.filter(**{f"{noted}__isnull": True}, created_at__gte=timezone.now() - KEPT)
    people = User.objects.filter(is_active=True, pk__in=waiting.order_by().values("user"))
    sent = 0
    for user in people.select_related("preference").order_by("pk"):
        mine = list(waiting.filter(user=user).order_by("pk")[:MOST])
        if mine and _is_time(user, mine[0], noted):
            sent += _send(user, mine, noted, post)
    return sent


def _is_time(user: User, oldest: Notice, noted: str) -> bool:
    """Whether this person's may go now: who wants one mail a day gets the next one a day after the last."""
    if _wish(user) != Preference.Mail.DAILY:
        return True
    since = timezone.now() - DAY
    lately = Notice.objects.filter(user=user, **{f"{noted}__gte": since}).exists()
    return not lately and oldest.created_at <= since


def _wish(user: User) -> str:
    preference = getattr(user, "preference", None)
    return preference.mail if preference else Preference.Mail.EACH


def _send(user: User, mine: list[Notice], noted: str, post: Callable[[User, list[Notice]], None]) -> int:
    these = Notice.objects.filter(pk__in=[notice.pk for notice in mine])
    # Noted first: a message that is lost is better than one that comes every minute.
    if not these.filter(**{f"{noted}__isnull": True}).update(**{noted: timezone.now()}):
        return 0
    try:
        post(user, mine)
    except (OSError, smtplib.SMTPException) as error:
        log.warning("%d messages to %s could not be sent: %s", len(mine), user.pk, type(error).__name__)
        these.update(**{noted: None})
        return 0
    return len(mine)


def _lines(notices: list[Notice]) -> str:
    return "\n\n".join(f"{notice.words}\n{settings.BASE_URL}{notice.url}".strip() for notice in notices)


def _mail(user: User, notices: list[Notice]) -> None:
    if not user.email or _wish(user) == Preference.Mail.NONE:
        return
    subject = notices[0].words if len(notices) == 1 else f"{len(notices)} messages from closephones"
    # What is named in it may come from Close, and a mail with two lines at its head is not sent.
    subject = " ".join(subject.split())[:150]
    footer = f"\n\nWhat comes by mail is chosen at {settings.BASE_URL}/settings/"
    EmailMessage(subject, _lines(notices) + footer, settings.EMAIL_FROM, [user.email]).send()


def _chat(user: User, notices: list[Notice]) -> None:
    """Post to the company's chat, as https://api.slack.com/messaging/webhooks takes it."""
    name = access.name_of(user)
    body = json.dumps({"text": f"{name}:\n{_lines(notices)}"}).encode()
    request = urllib.request.Request(  # noqa: S310 - checked at the start: https, or this machine.
        settings.SLACK_WEBHOOK_URL, body, {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310
        pass
