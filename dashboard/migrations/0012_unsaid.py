from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dashboard", "0011_notices")]
    operations = [migrations.AddField("answer", "unsaid", models.JSONField(default=dict))]
