import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("dashboard", "0009_history"),
    ]

    operations = [
        migrations.CreateModel(
            name="Import",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("file_name", models.CharField(max_length=255)),
                ("kind", models.CharField(max_length=64)),
                ("note", models.TextField(blank=True)),
                ("headings", models.JSONField(default=list)),
                ("mapping", models.JSONField(default=list)),
                ("count", models.IntegerField(null=True)),
                ("created_at", models.DateTimeField()),
                ("checked_at", models.DateTimeField(null=True)),
                ("wrong", models.IntegerField(default=0)),
                ("nowhere", models.IntegerField(default=0)),
                ("changing", models.IntegerField(default=0)),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="imports",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="dashboard.plan",
                    ),
                ),
            ],
            options={"ordering": ("-id",)},
        ),
        migrations.CreateModel(
            name="ImportRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("place", models.IntegerField()),
                ("cells", models.JSONField()),
                ("errors", models.JSONField(default=list)),
                ("is_wrong", models.BooleanField(default=False)),
                (
                    "imported",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="rows", to="dashboard.import"
                    ),
                ),
            ],
            options={
                "ordering": ("place",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_wrong", True)),
                        fields=["imported", "place"],
                        name="import_row_wrong",
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("imported", "place"), name="import_row_once")],
            },
        ),
    ]
