"""What is put away each night: records of work that nobody asks for any more. Changes are never among them."""

from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.db import DatabaseCache
from django.db import connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from dashboard.models import Import, Pause, SyncRun

# What a task has done is in its rows; that it has run is of interest for a few days.
TASKS_KEPT = timedelta(days=3)
WALKS_KEPT = timedelta(days=30)
# What was made of a table is in its plan; the table itself holds numbers that were never to be kept.
IMPORTS_KEPT = timedelta(days=7)
# At this hour of TIME_ZONE the worker begins; few people are at work then.
HOUR = 3


def is_due(last: datetime | None) -> bool:
    """Whether it is night, and the last time was not in this one."""
    now = timezone.localtime()
    return now.hour == HOUR and (last is None or now - last > timedelta(hours=1))


def tidy() -> dict[str, int]:
    """Put everything old away; how many of each."""
    now = timezone.now()
    newest = SyncRun.objects.filter(complete=True).values_list("pk", flat=True).first() or 0
    return {
        "walks": _delete(SyncRun.objects.filter(began_at__lt=now - WALKS_KEPT, pk__lt=newest)),
        "tasks": _delete(DBTaskResult.objects.finished().filter(finished_at__lt=now - TASKS_KEPT)),
        "sessions": import_module(settings.SESSION_ENGINE).put_away(now),
        "cache rows": _cache_rows(now),
        "imports": _delete(Import.objects.filter(created_at__lt=now - IMPORTS_KEPT)),
        "pauses": _delete(Pause.objects.filter(until__lt=now - timedelta(days=1))),
    }


def _delete(rows: Any) -> int:
    return int(rows.delete()[0])


def _cache_rows(now: datetime) -> int:
    """Django's cache in the database drops what has expired only when it is full or asked for."""
    if not isinstance(caches["default"], DatabaseCache):
        return 0
    cache: Any = caches["default"]
    table = connection.ops.quote_name(cache._table)
    # As that cache stores it: in UTC, to the second.
    moment = connection.ops.adapt_datetimefield_value(now.replace(microsecond=0))
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE expires < %s", [moment])  # noqa: S608
        return int(cursor.rowcount)
