"""What the tests of the services share: an editor without a page, and a look into Close itself."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.db import connection

from dashboard import access
from dashboard.models import PhoneNumber
from dashboard.services import fields, plans


@pytest.fixture
def hasty(sim, settings, monkeypatch):
    """Close has little time to answer, and a read that failed is tried again at once."""
    settings.CLOSE_TIMEOUT = 0.3
    monkeypatch.setattr("dashboard.close.client.BACKOFF", 0.0)


@pytest.fixture
def number(synced):
    """A number that forwards, with a label, a greeting and a ring duration, and not the acting person's own."""
    forwarding = PhoneNumber.objects.filter(type="internal", forward_to_enabled=True).exclude(label="")
    full = forwarding.filter(inbound_ring_duration__gt=0, voicemail_greeting_url__gt="")
    return full.exclude(members__close_id=synced.organisation.me["id"])[0]


@pytest.fixture
def in_close(synced):
    """What Close holds of a number at this moment."""
    return lambda number: synced.organisation.numbers[number.close_id]


def shown(number, *names):
    """The values of a number's fields as an editor that opens now shows them."""
    raw = PhoneNumber.objects.select_related("answer").get(pk=number.pk).raw
    return {name: raw.get(name) for name in names}


@pytest.fixture
def edit(ops):
    """Saves an editor: `edit(number, label="x")`, as an ops admin who sees what the cache holds, if not told else."""

    def save(number, *, by=None, was=None, intent=None, hold="", **after):
        return plans.change_number(
            actor=access.person(by or ops),
            number=number,
            after=after,
            was=shown(number, *after) if was is None else was,
            intent=intent or uuid4(),
            hold=hold,
        )

    return save


@pytest.fixture
def undo(ops):
    """Takes a change back."""
    return lambda change, *, by=None, intent=None: plans.undo(
        actor=access.person(by or ops), change=change, intent=intent or uuid4()
    )


def cached(number):
    """Close's last answer for this number, as the cache has it now."""
    return PhoneNumber.objects.get(pk=number.pk).raw


def columns(number):
    """The editable fields as the table shows them."""
    row = PhoneNumber.objects.get(pk=number.pk)
    return {name: fields.normal(name, getattr(row, name)) for name in fields.EDITABLE}


@contextmanager
def beside(work, *args, **facts):
    """Do some work in a thread, as another request would; gives its future, and waits for it in the end."""

    def do():
        try:
            return work(*args, **facts)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(do)


def eventually(true, seconds=5.0):
    """Look until it is so; fails where it never is."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "It did not come to be so."
        time.sleep(0.01)


def database_url():
    """The address of the test database, for a process of its own."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**found)
