"""Plans: working one out, its page, carrying it out beside people, and a loop over Close's own client beside it."""

import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen
from uuid import uuid4

import closeio_api
from django.conf import settings

from dashboard import access
from dashboard.models import PhoneNumber, Plan, Source
from dashboard.services import approving, planning
from dashboard.services.bulk_edit import BulkEdit
from tests.bench.lists import client_of
from tests.bench.report import Row, median, p95, times
from tests.bench.servers import free_port, simulator

APPLIED, RATE = 1_000, 50
LOOPED, LATENCY = 120, 0.1
# Several people at their usual pace. Without a pause the pages themselves would take a processor from the worker.
BETWEEN_PAGES = 0.25
WHOLE = BulkEdit(label="set", label_text="{country} desk", forwarding="to", target="+4917604069180", ring=45)
# Each in a process that does nothing else, so that its memory and its time are its own.
PLANNING = """
import json, re, time
from pathlib import Path
from uuid import uuid4
import django
django.setup()
from django.contrib.auth import get_user_model
from dashboard import access
from dashboard.models import PhoneNumber
from dashboard.services import approving, planning
from tests.bench.plans import WHOLE
numbers = PhoneNumber.objects.here().order_by("pk").defer("search_text", "people_sort", "teams_sort")
person = access.person(get_user_model().objects.get(username="bench"))
began = time.perf_counter()
plan = planning.propose(
    actor=person, source="bulk", rows=WHOLE.rows(numbers.iterator(chunk_size=1000)), intent=uuid4(), name="All",
    asked=WHOLE.stored(),
)
seconds = time.perf_counter() - began
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
print(json.dumps([seconds, peak / 1024, plan.pk]))
"""
# As deploy/closephones-worker.service starts it: whoever waits for a page comes first.
RUNNING = """
import os, time
import django
django.setup()
from dashboard.services import running
os.nice(5)
began = time.perf_counter()
running.run_due()
print(time.perf_counter() - began)
"""
# A new installation that reads Close, plans, runs, finds out what is unknown and tries again what failed.
ALL_OF_IT = """
import time
from uuid import uuid4
import django
django.setup()
from django.contrib.auth import get_user_model
from django.utils import timezone
from dashboard import access
from dashboard.models import Change, Connection, PhoneNumber, Plan
from dashboard.services import approving, planning, plans, replanning, running, sync
from dashboard.services.bulk_edit import BulkEdit
sync.sync()
Connection.note(worker_seen_at=timezone.now())
person = access.person(get_user_model().objects.create_superuser("bench", "bench@example.com", "x"))
edit = BulkEdit(label="set", label_text="Looped")
began = time.perf_counter()
plan = planning.propose(actor=person, source="bulk", rows=edit.rows(PhoneNumber.objects.here()), intent=uuid4())
while True:
    count = approving.to_change(plan).count()
    approving.approve(plan, person, digest=approving.digest(plan), typed=str(count))
    while Plan.objects.filter(pk=plan.pk).exclude(state="done").exists():
        Plan.objects.filter(pk=plan.pk, state="waiting").update(waits_until=timezone.now())
        running.run_due()
        plans.sweep()
        time.sleep(0.1)
    plan.refresh_from_db()
    if not plan.changes.filter(state__in=replanning.NOT_MADE).exists():
        break
    plan = replanning.try_again(plan, person, intent=uuid4())
print(time.perf_counter() - began)
"""


class Process:
    """A script of ours in a process of its own. What it prints last is its result; before it stands the history."""

    def __init__(self, script: str, **variables: str) -> None:
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - it lasts as long as the process.
        self._process = subprocess.Popen(
            [sys.executable, "-c", script], cwd=settings.BASE_DIR, env=os.environ | variables, stdout=self._said
        )

    def runs(self) -> bool:
        return self._process.poll() is None

    def result(self) -> Any:
        if self._process.wait():
            raise RuntimeError("A script of the bench failed.")
        self._said.seek(0)
        return json.loads(self._said.read().splitlines()[-1])


def ask(close_url: str, verb: str, **arguments: object) -> Any:
    """Use the control of a simulated Close."""
    address = f"{close_url.replace('/api/v1', '')}/_control/{verb}/"
    request = Request(address, json.dumps(arguments).encode() if arguments else None)
    with urlopen(request) as answer:
        return json.load(answer)["result"]


def measure(user, close_url: str, folder: Path) -> list[Row]:
    """Everything, beside the Close at this address that the cache was filled from."""
    seconds, peak, pk = Process(PLANNING).result()
    # What the bench itself holds in memory, a hundred times what a server does, is not for the collector to look at.
    gc.collect()
    gc.freeze()
    client = client_of(user)
    page = f"/plans/{pk}/"
    shown = {part: times(lambda part=part: _ok(client, page + part), 20) for part in ("", "?page=150", "?q=49")}
    slowest = max(shown, key=lambda part: p95(shown[part]))
    return [
        Row("planning 10,000 changes", seconds, 5, "s"),
        Row("… memory of a process that does it", peak, 200, "MB"),
        Row("page of a plan of 10,000 rows: p95", p95(shown[slowest]), 150, "ms", note=f"(at “{slowest}”)"),
        *_applying(user, client, close_url),
        *_against_a_loop(folder),
    ]


def _ok(client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200, f"{address}: {response.status_code}"


def _applying(user, client, close_url: str) -> list[Row]:
    """A plan of 1,000 at a limit of 50 requests a second, while somebody reads the list and the plan's page."""
    person = access.person(user)
    # Without those that `data.fill` has moved away from what the simulator holds.
    numbers = PhoneNumber.objects.here().exclude(label__endswith=" moved").order_by("-pk")[:APPLIED]
    edit = BulkEdit(ring=47)
    plan = planning.propose(actor=person, source=Source.BULK, rows=edit.rows(numbers), intent=uuid4())
    pages = ("/numbers/?forwarding=on", f"/plans/{plan.pk}/", "/changes/")
    alone = [taken for page in pages for taken in times(lambda page=page: _ok(client, page), 40)]
    approving.approve(plan, person, digest=approving.digest(plan), typed=str(APPLIED))
    ask(close_url, "limit", rate=RATE)
    before = len(ask(close_url, "journal"))
    process, beside = Process(RUNNING), []
    while process.runs():
        for page in pages:
            beside += times(lambda page=page: _ok(client, page), 1, warm=0)
            time.sleep(BETWEEN_PAGES)
    seconds = process.result()
    asked = ask(close_url, "journal")[before:]
    ask(close_url, "limit", rate=100_000)
    refused = sum(entry["status"] == 429 for entry in asked)
    applied = Plan.objects.get(pk=plan.pk).changes.filter(state="applied").count()
    assert applied == APPLIED, f"{applied} of {APPLIED} were applied."
    # One GET and one PUT for each, each kind with a limit of its own, a fifth of which is left to people.
    floor = APPLIED / (0.8 * RATE)
    note = f"({seconds:.1f} s; floor {floor:.1f} s; {len(asked)} requests)"
    return [
        Row(f"plan of {APPLIED:,}, {RATE} requests a second: times its floor", seconds / floor, 1.1, "×", note=note),
        Row("… requests refused for the limit", refused, 0.5, ""),
        Row(
            "… pages during it: p95 beside p95 without it",
            p95(beside) / p95(alone),
            1.2,
            "×",
            note=f"({p95(alone):.0f} → {p95(beside):.0f} ms; median {median(alone):.0f} → {median(beside):.0f} ms)",
        ),
    ]


def _against_a_loop(folder: Path) -> list[Row]:
    """The same 120 numbers by us and by a loop over Close's client: undisturbed for time, with faults for losses.

    A loop is what people write: each number once, an error is printed and the next one comes.
    """
    ours, theirs = _ours(folder, "calm"), _loop()
    faults = ("502", "no-answer", "done-before-answer")
    our_faults, their_faults = _ours(folder, "storm", faults), _loop(faults)
    lost, doubled = their_faults[1:]
    return [
        Row("120 numbers, 100 ms an answer: beside a loop over Close's client", ours[0] / theirs[0], 1, "×"),
        Row("… with faults: numbers not changed", our_faults[1], 0.5, "", note=f"(the loop: {lost})"),
        Row("… with faults: numbers changed twice", our_faults[2], 0.5, "", note=f"(the loop: {doubled})"),
    ]


def _told(close_url: str) -> tuple[int, int]:
    """How many numbers do not hold what was wanted, and how many were told it more than once."""
    done: Counter[str] = Counter()
    for entry in ask(close_url, "journal"):
        if entry["method"] == "PUT" and (entry["committed"] or entry["status"] == 200):
            done[entry["path"].split("/")[2]] += 1
    return LOOPED - len(done), sum(count > 1 for count in done.values())


def _turn_on(close_url: str, faults: tuple[str, ...]) -> None:
    """Each four times, here and there among the first calls: what is unknown after one takes a minute to settle."""
    for name in faults:
        ask(close_url, "fault", name=name, rate=0.15, times=4, method="PUT")


def _close(port: int):
    return simulator(
        port, numbers=LOOPED, members=20, groups=4, seed=7, latency_ms=int(LATENCY * 1000), rate_limit=1000
    )


def _ours(folder: Path, name: str, faults: tuple[str, ...] = ()) -> tuple[float, int, int]:
    """Seconds, numbers lost, numbers told twice."""
    with _close(free_port()) as url:
        variables = {
            "DATABASE_URL": f"sqlite:///{folder / f'plans-{name}.sqlite3'}",
            "CLOSE_API_URL": url,
            "DJANGO_SETTINGS_MODULE": "closephones.settings",
        }
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=settings.BASE_DIR,
            env=os.environ | variables,
            check=True,
        )
        _turn_on(url, faults)
        return Process(ALL_OF_IT, **variables).result(), *_told(url)


def _loop(faults: tuple[str, ...] = ()) -> tuple[float, int, int]:
    """The same by a loop over Close's own client."""
    with _close(free_port()) as url:
        client = closeio_api.Client("api_demo")
        client.base_url = f"{url}/"
        ids, more = [], True
        while more:
            page = client.get("phone_number", params={"_skip": len(ids), "_limit": 100})
            ids += [number["id"] for number in page["data"]]
            more = page["has_more"]
        _turn_on(url, faults)
        began = time.perf_counter()
        for number_id in ids:
            try:
                client.put(f"phone_number/{number_id}", data={"label": "Looped"})
            except Exception as error:  # A loop that people write goes on with the next number.
                print(f"  the loop: {type(error).__name__}", file=sys.stderr)
        seconds = time.perf_counter() - began
        client.session.close()
        return seconds, *_told(url)
