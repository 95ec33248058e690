"""Serves a simulated Close organisation on this machine, until it is told to stop."""

import signal
from argparse import ArgumentParser
from pathlib import Path
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dashboard.simulator import Organisation, Simulator
from dashboard.simulator.faults import FAULTS
from dashboard.simulator.state import StateError, load

DEFAULT_PORT = 8765


class Command(BaseCommand):
    """`manage.py simulate_close`: the first line that it prints says where the API is."""

    help = "Serves a made-up Close organisation on 127.0.0.1, with the API key api_demo. Faults: " + " ".join(
        f"{fault.name} ({fault.says})" for fault in FAULTS.values()
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options; all have a default that makes a good demo."""
        parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0: any free one (default %(default)s)")
        parser.add_argument("--numbers", type=int, default=240, help="phone numbers (default %(default)s)")
        parser.add_argument("--members", type=int, default=60, help="people, one in ten of them gone (%(default)s)")
        parser.add_argument("--groups", type=int, default=6, help="groups (default %(default)s)")
        parser.add_argument("--seed", type=int, default=1, help="another seed, another organisation")
        parser.add_argument("--latency-ms", type=float, default=0, help="how long each answer takes")
        parser.add_argument(
            "--rate-limit", type=int, default=20, help="requests a second, endpoint group and key (%(default)s)"
        )
        parser.add_argument(
            "--fault", action="append", default=[], metavar="NAME[:RATE]", help="may be given several times"
        )
        parser.add_argument(
            "--state",
            type=Path,
            metavar="FILE",
            help="keeps the organisation in this file; one that is there is used",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGTERM or SIGINT; the organisation is in the state file by the time this returns."""
        state: Path | None = options["state"]
        try:
            organisation = (
                load(state)
                if state and state.exists()
                else Organisation.make(
                    numbers=options["numbers"],
                    members=options["members"],
                    groups=options["groups"],
                    seed=options["seed"],
                )
            )
            simulator = Simulator(
                organisation,
                port=options["port"],
                rate_limit=options["rate_limit"],
                latency_ms=options["latency_ms"],
                state=state,
            )
            for fault in options["fault"]:
                name, _, rate = fault.partition(":")
                simulator.fault(name, rate=float(rate or 1))
        except (StateError, ValueError) as problem:
            raise CommandError(str(problem)) from problem
        ended = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        try:
            simulator.start()
        except OSError as problem:
            raise CommandError(
                f"Port {options['port']} cannot be used ({problem.strerror}). Choose another with --port."
            ) from problem
        self.stdout.write(f"Simulated Close organisation on {simulator.url}")
        self.stdout.flush()
        ended.wait()
        simulator.stop()
