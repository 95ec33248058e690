"""An absence planned in the form, as the tests of its pages plan it."""

from uuid import uuid4

import pytest
import time_machine

from dashboard.models import PhoneNumber
from dashboard.services import absence_clock, running

TARGET = "+49 176 04069180"
FACTS = {
    "forwarding": "to",
    "target": TARGET,
    "name": "Trade fair",
    "reason": "Everybody is in Munich",
    "from_day": "2026-12-04",
    "from_time": "18:00",
    "until_day": "2026-12-07",
    "until_time": "09:00",
    "zone": "Europe/Berlin",
    "repeats": "once",
}


@pytest.fixture
def clock():
    with time_machine.travel("2026-12-04T12:00:00+01:00", tick=True) as traveller:
        yield traveller


@pytest.fixture
def number(clock, synced):
    return PhoneNumber.objects.filter(type="internal", forward_to_enabled=True).order_by("pk")[0]


@pytest.fixture
def plan_it(number, ops_client):
    def do(client=ops_client, numbers=(number,), **facts):
        data = FACTS | {"intent": str(uuid4()), "numbers": " ".join(one.close_id for one in numbers)} | facts
        return client.post("/absences/new/", data)

    return do


def at(clock, moment):
    """Move on to this moment, and let the worker do what is due."""
    clock.move_to(moment)
    absence_clock.tick()
    running.run_due()
    absence_clock.tick()
