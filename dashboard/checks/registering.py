"""How a check is registered with Django, and how the web server runs them all."""

from collections.abc import Callable, Iterator
from typing import Any

from django.core import checks

TAG = "closephones"
Messages = Iterator[checks.CheckMessage]


def refuse_to_start_broken() -> None:
    """Raise SystemExit with the sentences of all errors; for the web server, which runs no checks by itself."""
    errors = [message for message in checks.run_checks(tags=[TAG]) if message.is_serious()]
    if errors:
        raise SystemExit("\n".join(f"{error.msg} {error.hint or ''}".strip() for error in errors))


def check(code: str, *, deploy: bool = False) -> Callable[[Callable[[], Messages]], Callable[..., Any]]:
    """Register a check that needs nothing but the settings; what it yields gets this code."""

    def register(look: Callable[[], Messages]) -> Callable[..., Any]:
        @checks.register(TAG, deploy=deploy)
        def run(app_configs: object, **kwargs: object) -> list[checks.CheckMessage]:
            found = list(look())
            for message in found:
                message.id = f"closephones.{code}"
            return found

        return run

    return register
