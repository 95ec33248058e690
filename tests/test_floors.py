"""Imports go down only, floor by floor (design: the house). What a room may import stands here, and nowhere else."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A room (a module and all below it; the longest name that fits counts): what of ours it may import beside itself.
MAY_IMPORT = {
    # Floor 5 and the wiring around the floors.
    "closephones": {"closephones", "dashboard.urls", "dashboard.signin.urls", "dashboard.checks"},
    "dashboard.urls": {"dashboard.views", "dashboard.access"},
    "dashboard.signin.urls": {"dashboard.signin", "dashboard.views", "dashboard.access"},
    "dashboard.apps": {"dashboard.checks"},
    "dashboard.checks": {"dashboard.signin", "dashboard.models", "dashboard.validators"},
    "dashboard.middleware": {
        "dashboard.access",
        "dashboard.context",
        "dashboard.close.errors",
        "dashboard.models",
        "dashboard.signin",
        "dashboard.views.answers",
        "dashboard.views.fragments",
    },
    "dashboard.compression": set(),
    "dashboard.context": {"dashboard.access", "dashboard.models", "dashboard.services"},
    # Floor 4.
    "dashboard.views": {
        "dashboard.services",
        "dashboard.tasks",
        "dashboard.access",
        "dashboard.forms",
        "dashboard.filters",
        "dashboard.signin",
        "dashboard.models",
        "dashboard.close.errors",
        "dashboard.context",
        "dashboard.templatetags",
        "dashboard.validators",
        "dashboard.uploads",
    },
    "dashboard.templatetags": {"dashboard.templatetags.ui", "dashboard.services", "dashboard.models"},
    "dashboard.tasks": {"dashboard.services", "dashboard.close.errors", "dashboard.signin"},
    "dashboard.management": {
        "dashboard.services",
        "dashboard.tasks",
        "dashboard.models",
        "dashboard.close.errors",
    },
    "dashboard.management.commands.demo": {
        "dashboard.management.commands._demo_folder",
        "dashboard.services",
        "dashboard.models",
        "dashboard.simulator",
    },
    "dashboard.management.commands._demo_folder": set(),
    "dashboard.management.commands.simulate_close": {"dashboard.simulator"},
    # Floor 3.
    "dashboard.services": {
        "dashboard.close",
        "dashboard.models",
        "dashboard.access",
        "dashboard.forms",
        "dashboard.validators",
        "dashboard.templatetags.ui",
    },
    # Floor 2. The filters of templates that know nothing of ours serve from here up: how a number is written.
    "dashboard.access": {"dashboard.models", "dashboard.validators"},
    "dashboard.filters": {"dashboard.models", "dashboard.validators"},
    "dashboard.forms": {"dashboard.models", "dashboard.validators", "dashboard.templatetags.ui"},
    "dashboard.signin": {"dashboard.models", "dashboard.validators", "dashboard.access"},
    # Floor 1, and apart.
    "dashboard.close": set(),
    "dashboard.models": set(),
    "dashboard.validators": set(),
    "dashboard.templatetags.ui": set(),
    "dashboard.storage": set(),
    "dashboard.uploads": set(),
    "dashboard.logs": set(),
    "dashboard.redis_queue": set(),
    # A field of our own makes itself.
    "dashboard.migrations": {"dashboard.models"},
    "dashboard.simulator": set(),
}

# Within the services: what stands on what. Everything that changes numbers stands on plans.
SERVICES_UPWARDS = [
    "events",
    "fields",
    "holdings",
    "outcomes",
    "pacing",
    "bulk",
    "members",
    "store",
    "notices",
    "credentials",
    "connection",
    "connecting",
    "settling",
    "writing",
    "plans",
    "judging",
    "planning",
    "approving",
    "handover",
    "holding",
    "running",
    "absence_days",
    "absences",
    "calendars",
    "absence_editing",
    "absence_holds",
    "absence_adjusting",
    "absence_clock",
    "replanning",
    "telling",
    "posting",
    "deciding",
    "forecast",
    "sync",
    "comparing",
]

WITHOUT_DJANGO = ("dashboard.close", "dashboard.simulator")


def modules():
    for top in ("dashboard", "closephones"):
        for file in sorted((ROOT / top).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


MODULES = dict(modules())


@cache
def imported(name):
    """Every module that this one imports, wherever in it the import stands."""
    return tuple(_imported(name))


def _imported(name):
    file = MODULES[name]
    package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                # "from dashboard.services import plans" imports the module plans.
                yield f"{module}.{alias.name}" if f"{module}.{alias.name}" in MODULES else module


def within(name, room):
    return name == room or name.startswith(f"{room}.")


def room_of(name):
    return max((room for room in MAY_IMPORT if within(name, room)), key=len, default=None)


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_down_only(name):
    room = room_of(name)
    if room is None:
        assert name in ("dashboard",), f"{name} is on no floor yet: say in MAY_IMPORT what it may import."
        return
    for other in imported(name):
        if not other.startswith(("dashboard", "closephones")) or room_of(other) == room:
            continue
        assert any(within(other, allowed) for allowed in MAY_IMPORT[room]), f"{name} imports {other}"


@pytest.mark.parametrize("name", [name for name in MODULES if any(within(name, room) for room in WITHOUT_DJANGO)])
def test_close_and_the_simulator_know_no_django(name):
    assert not [other for other in imported(name) if within(other, "django")]


@pytest.mark.parametrize("name", MODULES)
def test_only_the_close_client_speaks_http(name):
    if not within(name, "dashboard.close"):
        assert not [other for other in imported(name) if within(other, "requests")]


@pytest.mark.parametrize("name", SERVICES_UPWARDS)
def test_services_import_each_other_downwards(name):
    below = SERVICES_UPWARDS[: SERVICES_UPWARDS.index(name)]
    of_ours = {
        other.split(".")[2]
        for other in imported(f"dashboard.services.{name}")
        if within(other, "dashboard.services") and other.count(".") > 1
    }
    assert of_ours <= set(below)


def test_only_the_engine_writes_to_close():
    """One place in the product calls the function that changes a number."""
    callers = {name for name, file in MODULES.items() if "update_phone_number(" in file.read_text()}
    assert {name for name in callers if not within(name, "dashboard.simulator")} == {
        "dashboard.close.api",
        "dashboard.services.writing",
    }
