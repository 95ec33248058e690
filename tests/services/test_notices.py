"""Everyone concerned knows: on the site, and by mail and chat where that is set up and wanted."""

import json
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from dashboard import access
from dashboard.close import NotFoundError
from dashboard.models import Member, Notice, Preference
from dashboard.services import notices, posting, running, sync, telling
from dashboard.templatetags.ui import phone

from ..conftest import make_user
from .planned import approve, draft, some


@pytest.fixture
def mailbox(settings):
    settings.EMAIL_URL = "smtp://mail.example.com"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox.clear()
    return mail.outbox


@pytest.fixture
def chat(settings):
    """A chat's webhook; gives what was posted."""
    posted = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Hook)
    Thread(target=server.serve_forever, daemon=True).start()
    settings.SLACK_WEBHOOK_URL = f"http://127.0.0.1:{server.server_port}/hook"
    yield posted
    server.shutdown()
    server.server_close()


def words(user):
    return list(notices.of(user).values_list("words", flat=True))


def test_the_author_hears_once_how_a_plan_has_ended(synced, ops):
    numbers = some(3)
    synced.fault("400", method="PUT", path=f"/phone_number/{numbers[0].close_id}/", times=1)
    plan = draft(ops, numbers, label="Team")
    approve(plan, ops)
    telling.look()
    assert words(ops) == []
    running.run_due()
    telling.look()
    telling.look()
    assert words(ops)[0].endswith("has ended: 2 numbers changed, 1 could not be.")
    assert notices.unread(ops) == 1
    assert notices.mark_read(ops) == 1
    assert notices.unread(ops) == 0


def test_a_day_before_its_author_hears_what_would_be_left_out(synced, ops, edit):
    one, two = some(2)
    plan = draft(ops, [one, two], label="Holiday")
    approve(plan, ops, run_at=timezone.now() + timedelta(days=3))
    edit(one, label="In between")
    telling.look()
    assert words(ops) == []
    with time_machine.travel(timezone.now() + timedelta(days=2, hours=1)):
        telling.look()
        telling.look()
    assert len(words(ops)) == 1
    assert "1 number holds something else by now and would be left as they are." in words(ops)[0]


def test_whoever_a_number_belongs_to_hears_of_changes_made_in_close(synced, ops):
    member = Member.objects.filter(active=True, numbers__isnull=False).exclude(email="").first()
    user = make_user("Nora Nair")
    user.email = member.email.upper()
    user.save()
    telling.look()
    number = member.numbers.first()
    synced.change_as_somebody_else(number.close_id, forward_to="+4917604069180", forward_to_enabled=True)
    sync.refresh_number(number=number)
    telling.look()
    telling.look()
    assert words(user) == [f"{phone(number.number)} was changed in Close: Forwarding."]
    synced.hide(number.close_id)
    with pytest.raises(NotFoundError):
        sync.refresh_number(number=number)
    telling.look()
    assert words(user)[0] == f"{phone(number.number)} is gone from Close."
    assert words(ops) == []


def test_mail_and_chat_go_out_by_the_way(db, ops, viewer, mailbox, chat):
    notices.tell([ops, ops, None], Notice.Kind.PLAN, "“Christmas” has ended: 38 numbers changed.", "/plans/7/")
    Preference.objects.create(user=viewer, muted=["plan"])
    notices.tell([viewer], Notice.Kind.PLAN, "Not for her.")
    assert posting.send() == 2
    assert posting.send() == 0
    assert [message.to for message in mailbox] == [["marta@example.com"]]
    assert mailbox[0].subject == "“Christmas” has ended: 38 numbers changed."
    assert "http://127.0.0.1:8000/plans/7/" in mailbox[0].body
    assert chat == [
        {"text": "Marta Klein:\n“Christmas” has ended: 38 numbers changed.\nhttp://127.0.0.1:8000/plans/7/"}
    ]


def test_one_mail_a_day_for_who_wants_that_and_none_for_who_wants_none(db, ops, viewer, mailbox):
    Preference.objects.create(user=ops, mail="daily")
    Preference.objects.create(user=viewer, mail="none")
    for number in range(3):
        notices.tell([ops, viewer], Notice.Kind.PLAN, f"Message {number}.")
    posting.send()
    assert mailbox == []
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        posting.send()
        notices.tell([ops], Notice.Kind.PLAN, "Message 4.")
        posting.send()
    assert [message.subject for message in mailbox] == ["3 messages from closephones"]


def test_a_name_of_two_lines_stops_no_mail(db, ops, mailbox):
    notices.tell([ops], Notice.Kind.PLAN, "“Hand-over of Marta\nKlein” has ended.")
    assert posting.send() == 1
    assert [message.subject for message in mailbox] == ["“Hand-over of Marta Klein” has ended."]


def test_a_chat_that_is_down_is_tried_again_and_mails_nothing_twice(db, ops, settings, mailbox, request):
    settings.SLACK_WEBHOOK_URL = "http://127.0.0.1:9/hook"
    notices.tell([ops], Notice.Kind.PLAN, "Hello.")
    posting.send()
    posting.send()
    assert [message.subject for message in mailbox] == ["Hello."]
    chat = request.getfixturevalue("chat")
    posting.send()
    assert [message["text"] for message in chat] == ["Marta Klein:\nHello.\nhttp://127.0.0.1:8000"]
    assert len(mailbox) == 1


def test_whoever_waits_for_the_daily_mail_keeps_nobody_waiting(db, ops, viewer, mailbox):
    Preference.objects.create(user=ops, mail="daily")
    for number in range(posting.MOST + 1):
        notices.tell([ops], Notice.Kind.OUTSIDE, f"Message {number}.")
    notices.tell([viewer], Notice.Kind.PLAN, "Yours.")
    posting.send()
    assert [(message.to, message.subject) for message in mailbox] == [(["lena@example.com"], "Yours.")]


def test_ops_admins_hear_of_what_needs_somebody(db, ops, lead):
    notices.tell_ops_admins(Notice.Kind.SYSTEM, "Somebody is needed.")
    assert list(access.ops_admins()) == [ops]
    assert words(ops) == ["Somebody is needed."]
    assert words(lead) == []
