"""What numbers are found by, without accents, also for the numbers that are stored already.

SQLite's trigrams follow by the trigger of 0002.
"""

import unicodedata

from django.db import migrations


def fold(apps, schema_editor):
    numbers = apps.get_model("dashboard", "PhoneNumber").objects
    for pk, text in list(numbers.values_list("pk", "search_text")):
        if not text.isascii():
            parts = unicodedata.normalize("NFKD", text)
            folded = "".join(sign for sign in parts if not unicodedata.combining(sign)).casefold()
            numbers.filter(pk=pk).update(search_text=folded)


class Migration(migrations.Migration):
    dependencies = [("dashboard", "0018_environment_key")]
    operations = [migrations.RunPython(fold, migrations.RunPython.noop)]
