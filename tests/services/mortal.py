"""A process of its own that changes a number and is killed at a named step: `python -m tests.services.mortal JSON`.

The JSON has `close` (the simulator's URL), `user`, `number`, `was` and `after`, `intent`, and `dies_at`: the name of
a step of the engine as the debug log has it, "pending" for before the first one, or "" to live.
"""

import json
import logging
import os
import signal
import sys

import django

STEPS = ("claimed", "read", "noted as sent", "no answer that says it was done", "answered", "stored")


class Killer(logging.Handler):
    """Kills this process, as a power cut would, at the step of this name."""

    def __init__(self, step):
        super().__init__(logging.DEBUG)
        self.step = step

    def emit(self, record):
        if record.getMessage().endswith(f": {self.step}"):
            die()


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def live(task):
    django.setup()
    from django.conf import settings

    from dashboard import access
    from dashboard.models import PhoneNumber
    from dashboard.services import plans, writing

    settings.CLOSE_API_URL, settings.CLOSE_IS_LOOPBACK = task["close"], True
    log = logging.getLogger(writing.__name__)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.addHandler(Killer(task["dies_at"]))
    if task["dies_at"] == "pending":
        writing.apply = die
    change = plans.change_number(
        actor=access.person_by_id(task["user"]),
        number=PhoneNumber.objects.get(pk=task["number"]),
        after=task["after"],
        was=task["was"],
        intent=task["intent"],
    )
    print(change.state)


if __name__ == "__main__":
    live(json.loads(sys.argv[1]))
