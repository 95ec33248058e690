"""The numbers to measure with: a made-up organisation, and copies of it for the hundred thousand."""

import json

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from dashboard.close import PhoneNumberRecord
from dashboard.models import Connection, PhoneNumber
from dashboard.services import connection as connections
from dashboard.services import store, sync

PASSWORD = "correct horse battery"
BATCH = 2000
MANY = PhoneNumber._meta.many_to_many


def admin_user():
    """Somebody who may do everything, in our pages and in Django's admin."""
    return get_user_model().objects.create_superuser("bench", "bench@example.com", PASSWORD)


def fill(records: list[PhoneNumberRecord]) -> None:
    """Put records into the cache as a walk does; one in fifty is changed in Close right after."""
    for at in range(0, len(records), BATCH):
        store.store(records[at : at + BATCH], read_no=store.draw())
    changed = [PhoneNumberRecord.parse({**record.raw, "label": f"{record.label} moved"}) for record in records[::50]]
    store.store(changed, read_no=store.draw())


def records_of(organisation, origin: str) -> list[PhoneNumberRecord]:
    """The numbers of an organisation as a simulator at this origin sends them."""
    organisation.move_to(origin)
    return [PhoneNumberRecord.parse(json.loads(organisation.texts[number_id])) for number_id in organisation.order]


def connect() -> None:
    """Read who we are and the people from Close, without the numbers."""
    client = connections.client()
    organization = connections.connect(client)
    groups = [sync.close.group(client, group.id) for group in sync.close.groups(client)]
    sync.members.store_people(organization, groups)
    Connection.note(synced_at=timezone.now(), worker_seen_at=timezone.now())


def multiply(copies: int) -> None:
    """Copy every number so many times, with digits of its own; members and groups come along."""
    originals = list(PhoneNumber.objects.order_by("pk"))
    relations = [(field.remote_field.through, f"{field.m2m_reverse_field_name()}_id") for field in MANY]
    pairs = [
        (through, column, list(through.objects.values_list("phonenumber_id", column)))
        for through, column in relations
    ]
    for copy in range(1, copies + 1):
        ids = {}
        made = []
        for number in originals:
            ids[number.pk] = f"{number.close_id}-{copy}"
            digits = number.number[:-6] + f"{(int(number.number[-6:]) + copy * 100_003) % 1_000_000:06d}"
            text = number.search_text.replace(number.number[1:], digits[1:])
            made.append(copy_of(number, close_id=ids[number.pk], number=digits, search_text=f"{text} {copy}"))
        PhoneNumber.objects.bulk_create(made, batch_size=500)
        keys = dict(PhoneNumber.objects.filter(close_id__endswith=f"-{copy}").values_list("close_id", "pk"))
        for through, column, known in pairs:
            rows = [through(phonenumber_id=keys[ids[number]], **{column: other}) for number, other in known]
            through.objects.bulk_create(rows, batch_size=500)


def settle() -> None:
    """Let SQLite put its log into the database, as it does by itself in the pauses that a bench does not leave."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def copy_of(original: PhoneNumber, /, **different) -> PhoneNumber:
    """Another number like this one."""
    concrete = (field.attname for field in PhoneNumber._meta.concrete_fields if not field.generated)
    values = {name: getattr(original, name) for name in concrete if name != "id"}
    return PhoneNumber(**values | different)
