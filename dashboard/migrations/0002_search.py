"""The search index over numbers, and the table of the cache that all processes share.

SQLite keeps trigrams in an FTS5 table of its own, held in step by triggers so that it cannot drift;
PostgreSQL has them in pg_trgm.
"""

from django.core.management import call_command
from django.db import migrations

SQLITE = [
    "CREATE VIRTUAL TABLE dashboard_number_search USING fts5(search_text, tokenize='trigram')",
    """CREATE TRIGGER dashboard_number_search_insert AFTER INSERT ON dashboard_phonenumber BEGIN
        INSERT INTO dashboard_number_search(rowid, search_text) VALUES (new.id, new.search_text);
    END""",
    """CREATE TRIGGER dashboard_number_search_update AFTER UPDATE OF search_text ON dashboard_phonenumber
    WHEN old.search_text <> new.search_text BEGIN
        UPDATE dashboard_number_search SET search_text = new.search_text WHERE rowid = new.id;
    END""",
    """CREATE TRIGGER dashboard_number_search_delete AFTER DELETE ON dashboard_phonenumber BEGIN
        DELETE FROM dashboard_number_search WHERE rowid = old.id;
    END""",
]
POSTGRESQL = [
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX dashboard_number_search ON dashboard_phonenumber USING gin (search_text gin_trgm_ops)",
]


def make_search(apps, schema_editor):
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement)


def make_cache(apps, schema_editor):
    call_command("createcachetable", database=schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [("dashboard", "0001_start")]
    operations = [
        migrations.RunPython(make_search, migrations.RunPython.noop),
        migrations.RunPython(make_cache, migrations.RunPython.noop),
    ]
