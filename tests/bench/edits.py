"""What an inline edit takes on top of what Close takes."""

import re
import time
from contextlib import contextmanager
from html import unescape
from unittest.mock import patch
from urllib.parse import urlencode
from uuid import uuid4

import requests
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.models import PhoneNumber
from dashboard.services import sync
from tests.bench.lists import client_of
from tests.bench.report import Row, median, p95

EDITS = 150
WARM = 5
INPUT = re.compile(r'<input[^>]*\bname="([^"]+)"[^>]*\bvalue="([^"]*)"')
HTMX = {"HX-Request": "true"}
FORM = "application/x-www-form-urlencoded"


@contextmanager
def clock():
    """Counts the seconds that requests to Close take, in `spent[0]`."""
    spent, send = [0.0], requests.Session.send

    def timed(*args, **kwargs):
        began = time.perf_counter()
        try:
            return send(*args, **kwargs)
        finally:
            spent[0] += time.perf_counter() - began

    with patch.object(requests.Session, "send", timed):
        yield spent


def measure(user) -> list[Row]:
    """Change the labels of numbers, each by its editor, and take the time of Close off."""
    client = client_of(user)
    # Without those that `data.fill` has moved away from what the simulator holds.
    numbers = PhoneNumber.objects.exclude(label__endswith=" moved").order_by("pk")
    overheads, opened = [], []
    with clock() as spent:
        for count, number in enumerate(numbers[: WARM + EDITS]):
            url = f"/numbers/{number.close_id}/edit/label/"
            # As an editor opens, its number is read from Close.
            sync.refresh_number(number=number)
            began = time.perf_counter()
            editor = client.get(url, headers=HTMX).content.decode()
            opened.append((time.perf_counter() - began) * 1000)
            fields = {name: unescape(value) for name, value in INPUT.findall(editor)} | {"label": f"Bench {count}"}
            spent[0] = 0.0
            began = time.perf_counter()
            response = client.post(url, urlencode(fields), content_type=FORM, headers=HTMX)
            whole = time.perf_counter() - began
            assert response.status_code == 200, f"{url}: {response.status_code} {response.content.decode()[:300]}"
            overheads.append((whole - spent[0]) * 1000)
    with CaptureQueriesContext(connection) as queries:
        fields |= {"intent": str(uuid4()), "was_label": fields["label"], "label": "x"}
        client.post(url, urlencode(fields), content_type=FORM, headers=HTMX)
    return [
        Row(
            f"inline edit, without the time of Close: p95 of {EDITS}",
            p95(overheads[WARM:]),
            15,
            "ms",
            note=f"(p50 {median(overheads[WARM:]):.1f} ms; {len(queries)} queries; opens in {median(opened):.1f} ms)",
        )
    ]
