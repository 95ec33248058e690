from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('dashboard', '0005_credentials'),
    ]

    operations = [
        migrations.AddField(
            model_name='plan',
            name='asked',
            field=models.JSONField(default=dict),
        ),
    ]
