"""A walk over the whole organisation: its time beside the least it could take, and its memory."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from django.conf import settings

from tests.bench.report import Row
from tests.bench.servers import free_port, simulator

CONNECTIONS = 4
# As many as fit into the time that the whole bench has.
LARGE = 50_000
# What a walk takes, and how much memory at most in kB, in a process that does nothing else. The kernel's ru_maxrss
# would begin with what the process that started it had.
WALK = """
import json, re, time
from pathlib import Path
import django
django.setup()
from dashboard.services import sync
began = time.perf_counter()
run = sync.sync()
seconds = time.perf_counter() - began
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
print(json.dumps([seconds, peak, run.seen]))
"""


@dataclass(frozen=True)
class Walk:
    """One walk: seconds, peak of memory in MB, requests that were sent and refused, the least seconds."""

    seconds: float
    peak: float
    requests: int
    refused: int
    floor: float


def walks(folder: Path, numbers: int, *, rate: int, latency_ms: int, times: int = 1) -> list[Walk]:
    """Fill an empty database, and walk again over what it holds, so many times in all."""
    database = folder / f"walk-{numbers}-{rate}-{latency_ms}.sqlite3"
    port = free_port()
    found: list[Walk] = []
    with simulator(port, numbers=numbers, members=600, groups=20, rate_limit=rate, latency_ms=latency_ms) as url:
        environment = os.environ | {
            "DATABASE_URL": f"sqlite:///{database}",
            "CLOSE_API_URL": url,
            "DJANGO_SETTINGS_MODULE": "closephones.settings",
        }
        run(environment, "manage.py", "migrate", "--verbosity", "0")
        for _ in range(times):
            seconds, peak, seen = json.loads(run(environment, "-c", WALK))
            assert seen == numbers, f"{seen} of {numbers} numbers were read."
            with urlopen(url.replace("/api/v1", "/_control/journal/")) as answer:
                asked = json.load(answer)["result"]
            refused = sum(entry["status"] == 429 for entry in asked) - sum(walk.refused for walk in found)
            requests = len(asked) - refused - sum(walk.requests + walk.refused for walk in found)
            by_limit = requests / (0.8 * rate)
            by_latency = requests / (CONNECTIONS / (latency_ms / 1000)) if latency_ms else 0.0
            found.append(Walk(seconds, peak / 1024, requests, refused, max(by_limit, by_latency)))
    for file in folder.glob(f"{database.name}*"):
        file.unlink()
    return found


def run(environment: dict[str, str], *command: str) -> str:
    """What a program of ours printed last."""
    done = subprocess.run(
        [sys.executable, *command], cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.strip().rpartition("\n")[2]


def measure(folder: Path) -> list[Row]:
    """Where the rate limit is the bound, and where the way to Close is; and memory from small to large."""
    rows, peaks = [], {}
    for words, rate, latency in (("20 requests a second", 20, 50), ("150 ms an answer", 1000, 150)):
        both = walks(folder, 10_000, rate=rate, latency_ms=latency, times=2)
        for which, walk in zip(("first", "later"), both, strict=True):
            note = (
                f"({walk.seconds:.1f} s; floor {walk.floor:.1f} s; {walk.requests} requests, {walk.refused} refused)"
            )
            what = f"{which} sync of 10,000, {words}: times its floor"
            rows.append(Row(what, walk.seconds / walk.floor, 1.3, "×", note=note))
        peaks[10_000] = both[0].peak
    for numbers in (1_000, LARGE):
        (last,) = walks(folder, numbers, rate=100_000, latency_ms=0)
        peaks[numbers] = last.peak
    note = (
        f"({', '.join(f'{count:,}: {peaks[count]:.0f} MB' for count in sorted(peaks))}; "
        f"the last in {last.seconds:.0f} s)"
    )
    rows.append(Row(f"sync: memory at {LARGE:,} beside 1,000", peaks[LARGE] / peaks[1_000], 1.2, "×", note=note))
    return rows
