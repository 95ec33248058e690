"""Run every measurement, or those that are named: lists, edits, assertions, sync, browser, imports, plans."""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import servers
from tests.bench.report import tell

ROOT = Path(__file__).resolve().parent.parent.parent
PARTS = ("lists", "edits", "assertions", "browser", "imports", "plans", "sync")
SIZES = (100, 10_000, 100_000)


def prepare(folder: Path, port: int) -> None:
    """Django with the settings of production, in a database of its own, beside a Close at this port."""
    outside = [name for name in os.environ if name.startswith("CLOSE_")]
    for name in outside:
        del os.environ[name]
    os.environ |= {
        "DOTENV": "",
        "DJANGO_SETTINGS_MODULE": "tests.bench.settings",
        "SECRET_KEY": "only-for-the-bench-" + "x" * 40,
        "DEBUG": "off",
        "DATABASE_URL": f"sqlite:///{folder / 'bench.sqlite3'}",
        "STATIC_ROOT": str(folder / "static"),
        "CLOSE_API_URL": f"http://127.0.0.1:{port}/api/v1",
        "CLOSE_API_KEY": "api_demo",
        "ALLOWED_HOSTS": "testserver",
        "BASE_URL": "http://testserver",
        "LOG_LEVEL": "ERROR",
        "WRITES": "on",
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def run(folder: Path, parts: list[str]) -> list:
    """Measure these parts; the rows that have a bar."""
    port = servers.free_port()
    prepare(folder, port)
    # These need models, so they come in once Django is set up.
    from dashboard.simulator import Organisation
    from tests.bench import assertions, browser, data, edits, imports, lists, plans, syncs

    found = []

    def add(title: str, rows: list) -> None:
        tell(title, rows)
        found.extend(rows)

    if "assertions" in parts:
        add("What a proxy in front says, in process", assertions.measure())
    user = data.admin_user()
    many = {"numbers": SIZES[1], "members": 600, "groups": 20, "seed": 7}
    records = data.records_of(Organisation.make(**many), f"http://127.0.0.1:{port}")
    if set(parts) - {"sync", "assertions"}:
        with servers.simulator(port, **many, rate_limit=100_000) as here:
            data.connect()
            found_at = {}
            data.fill(records[: SIZES[0]])
            if "lists" in parts:
                found_at[SIZES[0]] = lists.measure(user)
            data.fill(records[SIZES[0] :])
            if "lists" in parts:
                found_at[SIZES[1]] = lists.measure(user)
                rows = [lists.against_admin(user, 40)]
            if "edits" in parts:
                add("Edits, in process", edits.measure(user))
            if "plans" in parts:
                add("Plans", plans.measure(user, here, folder))
        if "browser" in parts:
            slow, site = servers.free_port(), servers.free_port()
            with (
                servers.simulator(slow, **many, latency_ms=150, rate_limit=1000) as close,
                servers.web(site, close) as url,
            ):
                add("In Chromium, with Close at 150 ms a call", browser.measure(url))
        if "lists" in parts:
            data.multiply(SIZES[2] // SIZES[1] - 1)
            found_at[SIZES[2]] = lists.measure(user)
            rows = [*lists.tell_growth(found_at), lists.search(user), *rows, lists.against_admin(user, 25)]
            add("The list, in process", rows)
        if "imports" in parts:
            if "lists" not in parts:
                data.multiply(1)
            add("Imports", imports.measure(user))
    if "sync" in parts:
        add("Walks", syncs.measure(folder))
    return found


def main() -> int:
    """Measure, print, clean up; 0 where every bar was met."""
    parts = sys.argv[1:] or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"There is no measurement {', '.join(sorted(unknown))}. There are: {', '.join(PARTS)}.")
    (ROOT / "var").mkdir(exist_ok=True)
    # Beside the real database, so that both are on the same kind of disk.
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=ROOT / "var"))
    began, load = time.monotonic(), os.getloadavg()
    print(
        f"Load of the machine before: {load[0]:.2f} (1 min), {load[1]:.2f} (5 min), on {os.cpu_count()} processors."
    )
    try:
        found = run(folder, parts)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    missed = [row for row in found if row.ratio > 1]
    print(f"\n{len(found) - len(missed)} of {len(found)} met, in {time.monotonic() - began:.0f} s.")
    print(f"Load of the machine after: {os.getloadavg()[0]:.2f} (1 min).")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
