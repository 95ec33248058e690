"""Many rows at once.

Django's bulk_create makes an object and an expression of every value, which takes longer than the database does; a
walk over Close stores a hundred numbers at a time while its next pages are being read by the same processor.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from django.db import connection, models


def insert(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows whose values stand in the order of these field names; a row that is there already is left alone."""
    fields, adapted = _adapted(model, names, rows)
    quoted = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    places = ", ".join("%s" for _ in fields)
    # All that goes into the statement are names of tables and columns, as the models have them.
    table = connection.ops.quote_name(model._meta.db_table)
    statement = f"INSERT INTO {table} ({quoted}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608
    if adapted:
        with connection.cursor() as cursor:
            cursor.executemany(statement, adapted)


def update(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Give rows new values, which stand in the order of these field names; the last one is the row's key."""
    fields, adapted = _adapted(model, [*names, model._meta.pk.name], rows)
    *changed, key = (f"{connection.ops.quote_name(field.column)} = %s" for field in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    if adapted:
        with connection.cursor() as cursor:
            cursor.executemany(f"UPDATE {table} SET {', '.join(changed)} WHERE {key}", adapted)  # noqa: S608


def _adapted(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> tuple[list[Any], list[list[Any]]]:
    """The fields of these names, and the rows with every value as the database takes it."""
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    adapt = {place: adapter for place, field in enumerate(fields) if (adapter := _adapter(field))}
    return fields, [[adapt[place](v) if place in adapt else v for place, v in enumerate(row)] for row in rows]


def _adapter(field: models.Field[Any, Any]) -> Callable[[Any], Any] | None:
    """What makes a value of this field one of the database's; texts, numbers and truth values go as they are."""
    if isinstance(field, models.JSONField):
        return partial(connection.ops.adapt_json_value, encoder=field.encoder)
    if isinstance(field, models.DateTimeField):
        return connection.ops.adapt_datetimefield_value
    return None
