"""How records are written."""

import json
import logging
import time

from dashboard.logs import JSONFormatter


def test_a_line_of_json_tells_the_time_in_utc_wherever_the_server_stands(monkeypatch):
    record = logging.LogRecord("closephones", logging.INFO, "f", 1, "Hello.", (), None)
    record.created = 1_790_000_000
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Europe/Berlin")
        time.tzset()
        line = json.loads(JSONFormatter().format(record))
    time.tzset()
    assert line == {"at": "2026-09-21T14:13:20Z", "level": "INFO", "logger": "closephones", "message": "Hello."}
