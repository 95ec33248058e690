"""manage.py in a process that ends with the tests, however they end: `python tests/services/child.py worker`.

A worker that outlived a run which was broken off would go on at its work in the database of the next one.
"""

import ctypes
import runpy
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PR_SET_PDEATHSIG = 1


def command(*words):
    """What to start for this command of the product."""
    return [sys.executable, __file__, *words]


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    sys.path[0] = str(ROOT)
    runpy.run_path(str(ROOT / "manage.py"), run_name="__main__")
