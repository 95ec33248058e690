"""What is put away each night, and what stays."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from dashboard import tasks
from dashboard.models import Change, Event, Import, ImportRow, Kind, Pause, Session, SyncRun
from dashboard.services import tidy

from ..conftest import PASSWORD


def session(key, expires):
    moment = timezone.now()
    Session.objects.create(session_key=key, session_data="", began_at=moment, used_at=moment, expire_date=expires)


def test_what_is_old_goes_and_what_is_asked_for_stays(synced, edit, number, ops_client):
    edit(number, label="Nights")
    now = timezone.now()
    Session.objects.all().delete()
    with time_machine.travel(now - timedelta(days=40)):
        SyncRun.objects.create(began_at=timezone.now(), complete=True)
        Pause.objects.create(group="GET phone_number", until=timezone.now())
        tasks.tidy.enqueue()
        call_command("db_worker", batch=True, interval=0, startup_delay=False, verbosity=0)
        cache.set("old", 1, 60)
        session("old", timezone.now())
    session("new", now + timedelta(hours=1))
    tasks.tidy.enqueue()
    Pause.objects.create(group="PUT phone_number", until=now + timedelta(seconds=30))
    cache.set("new", 2, 3600)
    # The newest walk that reached its end says what is missing, however old it is.
    SyncRun.objects.filter(complete=True).exclude(pk=SyncRun.objects.first().pk).update(began_at=now)

    out = StringIO()
    # One moment for all that follows: what grows old while the test runs is not its subject.
    with time_machine.travel(timezone.now(), tick=False):
        call_command("tidy", stdout=out)
        assert set(tidy.tidy().values()) == {0}
    assert out.getvalue().startswith("Put away: ")
    assert "1 tasks, 1 sessions" in out.getvalue()
    assert list(Session.objects.values_list("session_key", flat=True)) == ["new"]
    assert list(Pause.objects.values_list("group", flat=True)) == ["PUT phone_number"]
    assert DBTaskResult.objects.count() == 1
    assert (cache.get("old"), cache.get("new")) == (None, 2)
    assert SyncRun.objects.exists()
    assert Change.objects.count() == 1


def test_a_table_that_was_brought_is_kept_for_a_week(ops):
    now = timezone.now()
    old, new = (Import.objects.create(author=ops, created_at=now - timedelta(days=days)) for days in (8, 6))
    old.rows.create(place=2, cells=["+4930000001"])
    tidy.tidy()
    assert Import.objects.get() == new
    assert not ImportRow.objects.exists()


def test_the_last_walk_that_reached_its_end_stays_however_old(db):
    now = timezone.now()
    kept = [SyncRun.objects.create(began_at=now - timedelta(days=days), complete=True) for days in (50, 40)]
    failed = SyncRun.objects.create(began_at=now - timedelta(days=35))
    tidy.tidy()
    assert set(SyncRun.objects.values_list("pk", flat=True)) == {kept[1].pk, failed.pk}


def test_a_session_that_ran_out_unused_ends_in_the_history(client, ops):
    with time_machine.travel("2026-11-20T08:15Z", tick=False):
        client.post("/accounts/login/", {"login": "marta", "password": PASSWORD})
        session("of nobody", timezone.now())
    with time_machine.travel("2026-11-21T03:00Z"):
        assert tidy.tidy()["sessions"] == 2
        assert tidy.tidy()["sessions"] == 0
    ended = Event.objects.get(kind=Kind.ENDED)
    assert (ended.who, ended.account, ended.way, ended.address) == ("Marta Klein", ops.pk, "password", "127.0.0.1")
    assert ended.words == "Ran out unused on 2026-11-20 at 16:15 UTC; found when old ones were put away."


@pytest.mark.parametrize(
    ("hour", "last", "due"),
    [
        (3, None, True),
        (2, None, False),
        (4, None, False),
        (3, timedelta(minutes=20), False),
        (3, timedelta(days=1), True),
    ],
)
def test_it_is_done_once_a_night(settings, hour, last, due):
    settings.TIME_ZONE = "UTC"
    night = datetime(2026, 11, 27, hour, 30, tzinfo=UTC)
    with time_machine.travel(night):
        assert tidy.is_due(last and timezone.now() - last) is due


def test_a_cache_that_is_not_the_database_is_left_alone(db, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert tidy.tidy()["cache rows"] == 0
