"""The database's rule about the history: lifted for tests, which empty every table, and put back for its own."""

from contextlib import contextmanager
from importlib import import_module

from django.db import connection

migration = import_module("dashboard.migrations.0009_history")


def _statements():
    return {f"dashboard_event_{end}": text for end, text in migration.triggers_of(connection.vendor).items()}


def lift(keeping=("dashboard_event_no_update",)):
    """Take the triggers away that emptying a table would run into."""
    table = " ON dashboard_event" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for name in _statements():
            if name not in keeping:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}{table}")


@contextmanager
def as_installed():
    """The rule as the product has it."""
    lift(keeping=())
    with connection.cursor() as cursor:
        for statement in _statements().values():
            cursor.execute(statement)
    try:
        yield
    finally:
        lift()


@contextmanager
def without():
    """No rule at all: what somebody could do who owns the database."""
    lift(keeping=())
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(_statements()["dashboard_event_no_update"])
