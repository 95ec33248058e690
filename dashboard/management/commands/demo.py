"""The demo: everything that closephones needs, on this machine, with a made-up Close organisation."""

import ctypes
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from dashboard.management.commands._demo_folder import (
    HOST,
    digest_of,
    environment,
    forget,
    free_port,
    keep,
    lock,
    shown,
    write,
)
from dashboard.models import Access, Group, Role

WEB_PORT = 8000
READY_WITHIN = 60.0
STOP_WITHIN = 10.0
MADE = ("closephones.sqlite3*", "organisation.json*", "kept.json", "static", "log")
PR_SET_PDEATHSIG = 1

ACCOUNTS = (
    ("ops@demo.test", "Marta", "Klein", Role.OPS_ADMIN, "ops admin: sees and changes everything"),
    ("lead@demo.test", "Tom", "Berger", Role.TEAM_LEAD, "team lead: changes the numbers of {team}"),
    ("viewer@demo.test", "Lena", "Fischer", Role.VIEWER, "viewer: looks at everything, changes nothing"),
)


class Stop(BaseException):
    """Somebody wants the demo to end."""


class Command(BaseCommand):
    """`make demo` calls it. It uses no database itself: each step is a process with an environment of its own."""

    help = "Run everything on this machine beside a simulated Close organisation. Ctrl-C stops all of it."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options; all have a default."""
        parser.add_argument(
            "--port", type=int, default=WEB_PORT, help="where to serve; the next free one from here on"
        )
        parser.add_argument("--fresh", action="store_true", help="start over: forget what was changed")
        parser.add_argument("--folder", type=Path, default=settings.VAR_DIR / "demo", help="where everything is kept")
        parser.add_argument("--end-with-parent", action="store_true", help="end when the process that began it ends")
        parser.add_argument(
            "--accounts", action="store_true", help="only make the three accounts (a step of the demo)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGINT, SIGTERM or SIGHUP; nothing that was started is left when this returns."""
        folder = options["folder"].resolve()
        if options["accounts"]:
            self.make_accounts(json.loads((folder / "kept.json").read_text())["passwords"])
            return
        if options["end_with_parent"]:
            end_with_parent()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        try:
            with lock(folder):
                if options["fresh"]:
                    forget(folder, *MADE)
                self.serve(folder, options["port"])
        except OSError as error:
            raise CommandError(f"The demo cannot use {error.filename or folder}: {error.strerror}.") from error
        except Stop:
            self.say("\nStopped. The next start keeps what was changed.")
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            self.end_all()

    def serve(self, folder: Path, wanted: int) -> None:
        """Prepare what is missing, start the three programs, say where to go, and watch over them."""
        self.folder = folder
        kept = keep(folder, (email for email, *_ in ACCOUNTS))
        port = free_port(wanted)
        self.say(
            "closephones with a made-up Close organisation. It reads no .env and none of CLOSE_*, DATABASE_URL and\n"
            f"the sign-in settings; everything stays on this machine, in {shown(folder)}."
        )
        if port != wanted:
            self.say(f"Port {wanted} is taken, so the demo is on port {port}.")
        self.environment = environment(folder, kept, port)
        self.start(
            "close",
            *("manage.py", "simulate_close", "--port", str(kept["close_port"]), "--seed", "1"),
            *("--state", str(folder / "organisation.json")),
        )
        new = not kept["filled"]
        if new:
            # What an interrupted first start has left is not worth going on with.
            forget(folder, "closephones.sqlite3*")
            self.say("Making the database and the files of the pages (the first start takes longer) ...")
        self.step("migrate", "--verbosity", "0")
        if kept["static"] != (static := digest_of(settings.BASE_DIR / "static")):
            # To compress the files takes longer than all the rest.
            self.step("collectstatic", "--no-input", "--clear", "--verbosity", "0")
        self.wait_for("close", kept["close_port"], "/_control/faults/")
        if new:
            self.say("Reading the numbers from the made-up Close ...")
            self.step("sync_numbers", shown=True)
        accounts = self.step("demo", "--accounts", "--folder", str(folder))
        write(folder, kept | {"filled": True, "static": static})
        self.start(
            "web",
            *("-m", "gunicorn", "closephones.wsgi", "--bind", f"{HOST}:{port}", "--no-control-socket"),
            *("--worker-class", "gthread", "--workers", "2", "--threads", "8"),
        )
        self.start("worker", "manage.py", "worker")
        self.wait_for("web", port, "/healthz")
        self.say(f"\nOpen http://{HOST}:{port}/ and sign in as one of\n\n{accounts}")
        self.say(f"\nWhat the programs write is in {shown(folder / 'log')}. Ctrl-C stops everything.")
        while True:
            for name in self.processes:
                self.check_alive(name)
            time.sleep(0.5)

    def say(self, words: str) -> None:
        """Write this at once: what the steps write comes after it, and may go to a file."""
        self.stdout.write(words)
        self.stdout.flush()

    def start(self, name: str, *command: str) -> None:
        """Start a program that goes on; what it writes goes to a file."""
        (self.folder / "log").mkdir(exist_ok=True)
        with (self.folder / "log" / f"{name}.log").open("ab") as log:
            self.processes[name] = self.popen(command, log)

    def step(self, *command: str, shown: bool = False) -> str:
        """Run one management command to its end; what it has written, unless that is `shown` as it comes."""
        process = self.popen(("manage.py", *command), None if shown else subprocess.PIPE)
        self.processes["step"] = process
        output = process.communicate()[0] or b""
        del self.processes["step"]
        if process.returncode:
            last = (output.decode().strip().splitlines() or ["its words are above."])[-1]
            raise CommandError(f"The demo could not run {command[0]}: {last}")
        return output.decode()

    def popen(self, command: tuple[str, ...], output: int | IO[bytes] | None) -> subprocess.Popen[bytes]:
        """Start Python in a session of its own, so that Ctrl-C reaches only this process, which ends the others."""
        return subprocess.Popen(  # noqa: S603 (the commands are written in this file)
            [sys.executable, *command],
            cwd=settings.BASE_DIR,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )

    def wait_for(self, name: str, port: int, path: str) -> None:
        """Return once this program answers."""
        end = time.monotonic() + READY_WITHIN
        while time.monotonic() < end:
            self.check_alive(name)
            connection = http.client.HTTPConnection(HOST, port, timeout=READY_WITHIN)
            try:
                connection.request("GET", path)
                if connection.getresponse().status == 200:
                    return
            except OSError:
                time.sleep(0.05)
            finally:
                connection.close()
        raise CommandError(f"The demo's program “{name}” did not answer. See {self.log_of(name)}.")

    def check_alive(self, name: str) -> None:
        """Raise CommandError with the last line of what it wrote, where a program has ended by itself."""
        if self.processes[name].poll() is not None:
            lines = self.log_of(name).read_text().strip().splitlines() or ["It wrote nothing."]
            raise CommandError(f"The demo's program “{name}” has ended: {lines[-1]} See {self.log_of(name)}.")

    def log_of(self, name: str) -> Path:
        """Where a program's words are."""
        return self.folder / "log" / f"{name}.log"

    def end_all(self) -> None:
        """Ask every process to end, the simulated Close last; then end what is left of them."""
        close = [process for name, process in self.processes.items() if name == "close"]
        for group in ([process for process in self.processes.values() if process not in close], close):
            for process in group:
                process.terminate()
            for process in group:
                try:
                    process.wait(STOP_WITHIN)
                except subprocess.TimeoutExpired:
                    # Its session holds its own children too.
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    def make_accounts(self, passwords: dict[str, str]) -> None:
        """Make the accounts that are not there, and print a line for each. A role given on the pages stays."""
        if not settings.CLOSE_IS_LOOPBACK:
            raise CommandError("The accounts of the demo are made beside a simulated Close only.")
        team = Group.objects.filter(gone=False).first()
        for email, first, last, role, words in ACCOUNTS:
            user, _ = get_user_model().objects.get_or_create(
                username=email, defaults={"email": email, "first_name": first, "last_name": last}
            )
            if not user.check_password(passwords[email]):
                user.set_password(passwords[email])
                user.save(update_fields=["password"])
            given, new = Access.objects.get_or_create(
                user=user,
                defaults={"role": role, "all_numbers": role == Role.VIEWER, "given_at": timezone.now()},
            )
            if new and role == Role.TEAM_LEAD and team:
                given.teams.set([team])
            teams = ", ".join(given.teams.values_list("name", flat=True)) or "no team"
            self.stdout.write(f"  {email:<18} {passwords[email]}   {words.format(team=teams)}")


def stop(number: int, frame: object) -> None:
    """Leave whatever is being done."""
    raise Stop


def end_with_parent() -> None:
    """Get SIGTERM when the process that started this one is gone, however it went (prctl(2); Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
