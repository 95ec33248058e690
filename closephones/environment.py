"""Reading the environment: how a setting's text becomes a value, and what a person reads where it cannot."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

# DOTENV names the file to read; empty means none, which the demo and the tests rely on.
_dotenv = os.environ.get("DOTENV", str(BASE_DIR / ".env"))
if _dotenv:
    environ.Env.read_env(_dotenv)


class Environment(environ.Env):  # type: ignore[misc]
    """Reads settings. An empty value counts as not set, so that a line of `.env.example` may stay as it is."""

    def get_value(
        self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, parse_default: bool = False
    ) -> Any:
        """The value of `var`, or `default`; ImproperlyConfigured, in a sentence, where it cannot be read."""
        text = text_of(var)
        if cast is bool and text.lower() not in {"", "on", "off", "true", "false", "yes", "no", "1", "0"}:
            raise ImproperlyConfigured(f'{var} is "on" or "off", not "{text}".')
        # Only this one variable: what came from a file must not reach the environment of other processes.
        self.ENVIRON = {var: text} if text else {}
        try:
            return super().get_value(var, cast, default, parse_default)
        except ValueError as error:
            raise ImproperlyConfigured(f'{var} has to be a number, not "{text}".') from error


def text_of(name: str) -> str:
    """What the environment says for a setting, or the file that NAME_FILE names; "" where it is not set."""
    value, path = os.environ.get(name, "").strip(), os.environ.get(f"{name}_FILE", "").strip()
    if not path:
        return value
    if value:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set. Keep one of them.")
    try:
        return Path(path).read_text().strip()
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error}.") from error


def words(name: str) -> list[str]:
    """A setting that is a list, separated by commas."""
    return [word.strip() for word in text_of(name).split(",") if word.strip()]


def one_of(name: str, choices: tuple[str, ...]) -> str:
    """A setting that is one of a few words, the first where it is not set."""
    value = str(env.str(name, default=choices[0]))
    if value not in choices:
        raise ImproperlyConfigured(f'{name} is one of {", ".join(choices)}, not "{value}".')
    return value


env = Environment()


def is_loopback(url: str) -> bool:
    """Whether `url` points at this machine and nowhere else."""
    return (urlsplit(url).hostname or "") in {"127.0.0.1", "localhost", "::1"}
