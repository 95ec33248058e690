from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dashboard", "0012_unsaid"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="phonenumber",
            name="number_by_number",
        ),
        migrations.RemoveIndex(
            model_name="phonenumber",
            name="number_by_label",
        ),
        migrations.RemoveIndex(
            model_name="phonenumber",
            name="number_by_team",
        ),
        migrations.RemoveIndex(
            model_name="phonenumber",
            name="number_by_members",
        ),
        migrations.RemoveIndex(
            model_name="phonenumber",
            name="number_by_forwarding",
        ),
        migrations.RemoveIndex(
            model_name="phonenumber",
            name="number_by_press_1",
        ),
        migrations.RemoveIndex(
            model_name="phonenumber",
            name="number_by_greeting",
        ),
        migrations.RemoveIndex(
            model_name="phonenumber",
            name="number_by_changed",
        ),
        migrations.AddIndex(
            model_name="phonenumber",
            index=models.Index(
                models.F("number"),
                models.F("id"),
                models.F("team_keys"),
                models.F("country"),
                models.F("type"),
                models.F("forwarding"),
                models.F("has_greeting"),
                models.F("missing_since"),
                condition=models.Q(("missing_since__isnull", True)),
                name="number_by_number",
            ),
        ),
        migrations.AddIndex(
            model_name="phonenumber",
            index=models.Index(
                models.F("label_sort"),
                models.F("id"),
                models.F("team_keys"),
                models.F("country"),
                models.F("type"),
                models.F("forwarding"),
                models.F("has_greeting"),
                models.F("missing_since"),
                condition=models.Q(("missing_since__isnull", True)),
                name="number_by_label",
            ),
        ),
        migrations.AddIndex(
            model_name="phonenumber",
            index=models.Index(
                models.F("teams_sort"),
                models.F("id"),
                models.F("team_keys"),
                models.F("country"),
                models.F("type"),
                models.F("forwarding"),
                models.F("has_greeting"),
                models.F("missing_since"),
                condition=models.Q(("missing_since__isnull", True)),
                name="number_by_team",
            ),
        ),
        migrations.AddIndex(
            model_name="phonenumber",
            index=models.Index(
                models.F("people_sort"),
                models.F("id"),
                models.F("team_keys"),
                models.F("country"),
                models.F("type"),
                models.F("forwarding"),
                models.F("has_greeting"),
                models.F("missing_since"),
                condition=models.Q(("missing_since__isnull", True)),
                name="number_by_members",
            ),
        ),
        migrations.AddIndex(
            model_name="phonenumber",
            index=models.Index(
                models.F("forward_to_enabled"),
                models.F("forward_to"),
                models.F("id"),
                models.F("team_keys"),
                models.F("country"),
                models.F("type"),
                models.F("forwarding"),
                models.F("has_greeting"),
                models.F("missing_since"),
                condition=models.Q(("missing_since__isnull", True)),
                name="number_by_forwarding",
            ),
        ),
        migrations.AddIndex(
            model_name="phonenumber",
            index=models.Index(
                models.F("press_1_to_accept"),
                models.F("id"),
                models.F("team_keys"),
                models.F("country"),
                models.F("type"),
                models.F("forwarding"),
                models.F("has_greeting"),
                models.F("missing_since"),
                condition=models.Q(("missing_since__isnull", True)),
                name="number_by_press_1",
            ),
        ),
        migrations.AddIndex(
            model_name="phonenumber",
            index=models.Index(
                models.F("has_greeting"),
                models.F("id"),
                models.F("team_keys"),
                models.F("country"),
                models.F("type"),
                models.F("forwarding"),
                models.F("has_greeting"),
                models.F("missing_since"),
                condition=models.Q(("missing_since__isnull", True)),
                name="number_by_greeting",
            ),
        ),
        migrations.AddIndex(
            model_name="phonenumber",
            index=models.Index(
                models.F("updated_in_close"),
                models.F("id"),
                models.F("team_keys"),
                models.F("country"),
                models.F("type"),
                models.F("forwarding"),
                models.F("has_greeting"),
                models.F("missing_since"),
                condition=models.Q(("missing_since__isnull", True)),
                name="number_by_changed",
            ),
        ),
        migrations.AddIndex(
            model_name="phonenumber",
            index=models.Index(
                models.F("team_keys"),
                models.F("country"),
                models.F("type"),
                models.F("forwarding"),
                models.F("has_greeting"),
                models.F("missing_since"),
                condition=models.Q(("missing_since__isnull", True)),
                name="number_filtered",
            ),
        ),
        migrations.AddIndex(
            model_name="phonenumber",
            index=models.Index(
                models.F("missing_since"),
                condition=models.Q(("missing_since__isnull", False)),
                name="number_gone",
            ),
        ),
    ]
