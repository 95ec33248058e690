"""On PostgreSQL the order of reads and answers is drawn from a sequence, which nobody has to wait for."""

from django.db import migrations


def make(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    Counter = apps.get_model("dashboard", "Counter")
    drawn = Counter.objects.filter(name="read").values_list("value", flat=True).first() or 0
    schema_editor.execute(f"CREATE SEQUENCE dashboard_read_no START WITH {int(drawn) + 1}")


def unmake(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT nextval('dashboard_read_no')")
        value = cursor.fetchone()[0]
    apps.get_model("dashboard", "Counter").objects.update_or_create(name="read", defaults={"value": value})
    schema_editor.execute("DROP SEQUENCE dashboard_read_no")


class Migration(migrations.Migration):
    dependencies = [("dashboard", "0020_notice_ways")]
    operations = [migrations.RunPython(make, unmake)]
