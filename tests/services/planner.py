"""A process of its own that makes and approves a plan of one number: `python -m tests.services.planner JSON`.

The JSON has `user`, `number` and `after`.
"""

import json
import sys
from uuid import uuid4

import django


def make(task):
    django.setup()
    from dashboard import access
    from dashboard.models import PhoneNumber, Source
    from dashboard.services import approving, planning

    person = access.person_by_id(task["user"])
    rows = [planning.Row(PhoneNumber.objects.get(pk=task["number"]), task["after"])]
    plan = planning.propose(actor=person, source=Source.BULK, rows=rows, intent=uuid4())
    approving.approve(plan, person, digest=approving.digest(plan))


if __name__ == "__main__":
    make(json.loads(sys.argv[1]))
