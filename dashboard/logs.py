"""How records are written: as text or as JSON lines, and never with a secret in them."""

import json
import logging
import re
import time

# Keys and tokens by their shape; values of headers and parameters by the name before them.
_SECRET = re.compile(
    r"(?i)\b(api_[A-Za-z0-9._-]{4,})|"
    r"((?:authorization|cookie|set-cookie|password|token|code|secret|samlresponse)[\"']?\s*[:=]\s*)"
    r"(?:(?:basic|bearer)\s+)?[^\s\"',;&]+"
)


def without_secrets(text: str) -> str:
    """`text` with everything that looks like a key, a token, a cookie or a password replaced."""
    return _SECRET.sub(lambda found: f"{found.group(2) or ''}[hidden]", text)


class NoSecrets(logging.Filter):
    """Takes secrets out of each record before any handler writes it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = without_secrets(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = without_secrets(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


class JSONFormatter(logging.Formatter):
    """One JSON object a line: at (UTC), level, logger, message, and the traceback where there is one."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_text:
            line["traceback"] = record.exc_text
        return json.dumps(line)
