"""Between tests that commit, the database is emptied: only the tables that hold something, which are few.

Django's own `flush` empties all of them and then works out content types and permissions anew, which takes longer
than most tests do.
"""

from django.apps import apps
from django.db import connection, transaction

# What migrations have written stays: no test writes there.
KEPT = {"django_content_type", "auth_permission", "django_migrations"}


def empty():
    """Delete every row of every model."""
    tables = sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)} - KEPT)
    quoted = [connection.ops.quote_name(table) for table in tables]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT {place} WHERE EXISTS (SELECT 1 FROM {table})" for place, table in enumerate(quoted)
            )
        )
        for (place,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {quoted[place]}")
