"""Keeps an organisation in a file, so that what was changed is still there after a restart."""

import json
import os
from pathlib import Path
from threading import Event, Thread

from .organisation import Organisation

VERSION = 1
# Changes come in bursts: one second of them is written at once.
PAUSE = 0.5


class StateError(Exception):
    """The file cannot be read; the text says so to a person."""


def load(path: Path) -> Organisation:
    """Return the organisation that was kept in this file, or raise StateError."""
    try:
        state = json.loads(path.read_bytes())
        if state["version"] != VERSION:
            raise StateError(f"{path} was written by another version of the simulator. Delete it to start over.")
        return Organisation(state["organisation"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StateError(
            f"{path} holds no organisation that can be read ({error}). Delete it to start over."
        ) from error


def save(organisation: Organisation, path: Path) -> None:
    """Write the organisation to this file, which holds at each moment either all of the old or all of the new."""
    new = path.with_name(path.name + ".new")
    with new.open("w") as file:
        json.dump({"version": VERSION, "organisation": organisation.state()}, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


class Keeper:
    """A thread that writes the organisation within a second of a change, and at the end."""

    def __init__(self, organisation: Organisation, path: Path) -> None:
        self._organisation = organisation
        self._path = path
        self._ended = Event()
        self._thread = Thread(target=self._keep, name="simulator-state", daemon=True)

    def start(self) -> None:
        """Write the file as it is now, and begin to watch for changes."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        save(self._organisation, self._path)
        self._organisation.changed.clear()
        self._thread.start()

    def stop(self) -> None:
        """Write what is not written yet, and end."""
        self._ended.set()
        self._organisation.changed.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._ended.is_set():
            self._organisation.changed.wait()
            self._ended.wait(PAUSE)
            # Cleared first: a change that comes while the file is written is written once more.
            self._organisation.changed.clear()
            save(self._organisation, self._path)
