"""The queue on a real Redis, whose address is in REDIS_URL. Collected only where it is named.

The worker and the web server are processes of their own, as in production.
"""

import os
import signal
import subprocess

import pytest
from redis import Redis

from .conftest import eventually
from .test_worker import installation, migrated  # noqa: F401

URL = os.environ["REDIS_URL"]
SYNCED = "SELECT count(*) FROM dashboard_syncrun WHERE complete"


@pytest.fixture
def on_redis(installation):  # noqa: F811
    """An installation whose queue is on Redis, with nothing in it."""
    redis = Redis.from_url(URL)
    if keys := redis.keys("rq:*"):
        redis.delete(*keys)
    installation.env["TASKS_URL"] = URL
    assert installation.run("migrate", "--verbosity", "0").stderr == ""
    return installation


@pytest.fixture
def start(on_redis, tmp_path):
    """Starts a worker; all of them are ended."""
    workers = []

    def do():
        with (tmp_path / "worker.log").open("a") as log:
            workers.append(subprocess.Popen(on_redis.command("worker"), env=on_redis.env, stdout=log, stderr=log))
        return workers[-1]

    yield do
    for worker in workers:
        worker.kill()
        worker.wait()
    print((tmp_path / "worker.log").read_text())


def test_a_worker_reads_close_is_killed_and_the_next_one_goes_on(on_redis, start):
    worker = start()
    eventually(lambda: on_redis.ask(SYNCED) == (1,), 30)
    assert on_redis.ask("SELECT count(*) FROM dashboard_phonenumber") == (40,)
    worker.send_signal(signal.SIGKILL)
    worker.wait()

    # Asked for by another process, and carried out by the worker that comes next.
    on_redis.run("shell", "-c", "from dashboard import tasks; tasks.refresh.enqueue(asked_by='Marta')")
    worker = start()
    eventually(lambda: on_redis.ask(f"{SYNCED} AND asked_by = 'Marta'") == (1,), 30)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=15) == 0


def test_nobody_waits_for_a_redis_that_is_away(on_redis):
    on_redis.env["TASKS_URL"] = "redis://127.0.0.1:9/0"
    asked = on_redis.run("shell", "-c", "from dashboard import tasks; print(tasks.tick.enqueue().status)")
    assert "READY" in asked.stdout
    assert "waits for the worker's clock" in asked.stderr
