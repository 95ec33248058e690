from django.db import migrations, models
from django.db.models import F


def both(apps, schema_editor):
    """What was sent has gone by mail and by chat."""
    apps.get_model("dashboard", "Notice").objects.update(chatted_at=F("mailed_at"))


class Migration(migrations.Migration):

    dependencies = [
        ('dashboard', '0019_search_without_accents'),
    ]

    operations = [
        migrations.RenameField(
            model_name='notice',
            old_name='sent_at',
            new_name='mailed_at',
        ),
        migrations.AddField(
            model_name='notice',
            name='chatted_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.RunPython(both, migrations.RunPython.noop),
    ]
