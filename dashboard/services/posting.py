"""Messages on their way out: by mail to each person, and to the company's chat. Only the worker waits for these."""

import json
import logging
import smtplib
import urllib.request
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import QuerySet
from django.utils import timezone

from dashboard.models import Notice, Preference

log = logging.getLogger(__name__)

# What could not be sent for so long is not sent any more; it still stands on the site.
KEPT = timedelta(days=2)
DAY = timedelta(hours=24)
TIMEOUT = 10
WAITING = 200


def send() -> int:
    """Send on what waits, oldest first; how many messages went out. What fails is tried again the next minute."""
    if not settings.EMAIL_URL and not settings.SLACK_WEBHOOK_URL:
        return 0
    waiting = Notice.objects.filter(sent_at__isnull=True, created_at__gte=timezone.now() - KEPT)
    sent = 0
    by_user: dict[int, list[Notice]] = {}
    for notice in waiting.select_related("user__preference").order_by("pk")[:WAITING]:
        by_user.setdefault(notice.user_id, []).append(notice)
    for notices in by_user.values():
        if _is_time(notices):
            sent += _send(notices)
    return sent


def _is_time(notices: list[Notice]) -> bool:
    """Whether these may go now: who wants one mail a day gets the next one a day after the last."""
    if _wish(notices[0]) != Preference.Mail.DAILY:
        return True
    since = timezone.now() - DAY
    lately = Notice.objects.filter(user=notices[0].user_id, sent_at__gte=since).exists()
    return not lately and notices[0].created_at <= since


def _wish(notice: Notice) -> str:
    preference = getattr(notice.user, "preference", None)
    return preference.mail if preference else Preference.Mail.EACH


def _send(notices: list[Notice]) -> int:
    mine: QuerySet[Notice] = Notice.objects.filter(pk__in=[notice.pk for notice in notices], sent_at__isnull=True)
    # Noted first: a message that is lost is better than one that comes every minute.
    if not mine.update(sent_at=timezone.now()):
        return 0
    try:
        if settings.EMAIL_URL and notices[0].user.email and _wish(notices[0]) != Preference.Mail.NONE:
            _mail(notices)
        if settings.SLACK_WEBHOOK_URL:
            _chat(notices)
    except (OSError, smtplib.SMTPException) as error:
        log.warning("%d messages to %s could not be sent: %s", len(notices), notices[0].user_id, type(error).__name__)
        Notice.objects.filter(pk__in=[notice.pk for notice in notices]).update(sent_at=None)
        return 0
    return len(notices)


def _lines(notices: list[Notice]) -> str:
    return "\n\n".join(f"{notice.words}\n{settings.BASE_URL}{notice.url}".strip() for notice in notices)


def _mail(notices: list[Notice]) -> None:
    subject = notices[0].words if len(notices) == 1 else f"{len(notices)} messages from closephones"
    footer = f"\n\nWhat comes by mail is chosen at {settings.BASE_URL}/settings/"
    EmailMessage(subject[:150], _lines(notices) + footer, settings.EMAIL_FROM, [notices[0].user.email]).send()


def _chat(notices: list[Notice]) -> None:
    """Post to the company's chat, as https://api.slack.com/messaging/webhooks takes it."""
    name = notices[0].user.get_full_name() or notices[0].user.get_username()
    body = json.dumps({"text": f"{name}:\n{_lines(notices)}"}).encode()
    request = urllib.request.Request(  # noqa: S310 - checked at the start: https, or this machine.
        settings.SLACK_WEBHOOK_URL, body, {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310
        pass
