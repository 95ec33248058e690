"""The history: its entries, and the rule that they are only added to.

What changes had an outcome before has no entry; the first entry says up to which one, where there are any. On SQLite a
later migration that alters this table makes it anew without its triggers, and has to call `make_rule` again.
"""

import django.db.models.deletion
from django.db import migrations, models

WORDS = "The history is only added to."
SQLITE = {
    "no_update": f"""CREATE TRIGGER dashboard_event_no_update BEFORE UPDATE ON dashboard_event
        BEGIN SELECT RAISE(ABORT, '{WORDS}'); END""",
    "no_delete": f"""CREATE TRIGGER dashboard_event_no_delete BEFORE DELETE ON dashboard_event
        BEGIN SELECT RAISE(ABORT, '{WORDS}'); END""",
}
POSTGRESQL = {
    "no_update": """CREATE TRIGGER dashboard_event_no_update BEFORE UPDATE ON dashboard_event
        FOR EACH ROW EXECUTE FUNCTION dashboard_event_refuse()""",
    "no_delete": """CREATE TRIGGER dashboard_event_no_delete BEFORE DELETE ON dashboard_event
        FOR EACH ROW EXECUTE FUNCTION dashboard_event_refuse()""",
    "no_truncate": """CREATE TRIGGER dashboard_event_no_truncate BEFORE TRUNCATE ON dashboard_event
        FOR EACH STATEMENT EXECUTE FUNCTION dashboard_event_refuse()""",
}
REFUSE = f"""CREATE OR REPLACE FUNCTION dashboard_event_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{WORDS}' USING ERRCODE = 'restrict_violation'; END $$"""


def triggers_of(vendor):
    """The statements that make the rule on this kind of database, by the end of their names."""
    return SQLITE if vendor == "sqlite" else POSTGRESQL


def make_rule(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    if vendor == "postgresql":
        schema_editor.execute(REFUSE)
    for statement in triggers_of(vendor).values():
        schema_editor.execute(statement)


def begin(apps, schema_editor):
    from dashboard.models.events import BEGINNING, Kind
    from dashboard.models.events import Event as Entry

    from django.utils import timezone

    last = apps.get_model("dashboard", "Change").objects.order_by("-pk").values_list("pk", flat=True).first()
    if last is None:
        return
    words = "What was changed before has no entry here."
    entry = Entry(kind=Kind.BEGUN, at=timezone.now(), words=words, facts=str(last))
    entry.link(1, BEGINNING)
    names = ("position", "at", "kind", "words", "facts", "previous", "mac")
    apps.get_model("dashboard", "Event").objects.create(**{name: getattr(entry, name) for name in names})
    apps.get_model("dashboard", "Counter").objects.create(name="history", value=1)


class Migration(migrations.Migration):
    dependencies = [
        ("dashboard", "0008_sessions"),
    ]

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                ("position", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("signed_in", "Signed in"),
                            ("refused", "Refused"),
                            ("signed_out", "Signed out"),
                            ("ended", "Session ended"),
                            ("role_given", "Role given"),
                            ("role_taken", "Role taken"),
                            ("account", "Account"),
                            ("two_step", "Two-step codes"),
                            ("connection", "Connection to Close"),
                            ("writes_stopped", "Writes stopped"),
                            ("writes_allowed", "Writes allowed"),
                            ("exported", "Exported"),
                            ("change", "Change"),
                            ("begun", "History begun"),
                        ],
                        max_length=16,
                    ),
                ),
                ("who", models.CharField(blank=True, max_length=255)),
                ("account", models.BigIntegerField(null=True)),
                ("way", models.CharField(blank=True, max_length=64)),
                ("address", models.CharField(blank=True, max_length=64)),
                ("about", models.CharField(blank=True, max_length=255)),
                ("words", models.TextField(blank=True)),
                ("facts", models.TextField(blank=True)),
                ("previous", models.CharField(max_length=64)),
                ("mac", models.CharField(max_length=64)),
                (
                    "change",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="dashboard.change",
                    ),
                ),
            ],
            options={
                "ordering": ("-position",),
                "indexes": [
                    models.Index(
                        models.F("position"),
                        condition=models.Q(("kind", "change"), _negated=True),
                        name="event_access",
                    )
                ],
            },
        ),
        migrations.RunPython(make_rule, migrations.RunPython.noop),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
