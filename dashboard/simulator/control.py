"""The control endpoint: what `Simulator` can do, for tests and tools in other processes.

`POST /_control/<verb>/` with a JSON object of the arguments calls the method of that name, with `-` for `_`:
`fault`, `clear-faults`, `do-later`, `change` (as somebody else: `{"number_id": …, "label": …}`), `hide`, `show`,
`permissions`, `end-access-tokens`, `forget-grants`, `limit`, `latency`, `hold`, `release`, `wait-until-held`,
`reset`. It answers 200 `{"result": …}`, 400 `{"error": …}` for arguments that do not fit, and 408 where a wait was in
vain.

`GET /_control/journal/` and `/_control/puts/` say what was asked, `/_control/faults/` what is on and what there is,
`/_control/numbers/<id>/` how a number is now. None of these calls is in the journal, counted, or met by a fault.
"""

import json
from typing import TYPE_CHECKING, Any

from .faults import FAULTS
from .web import Answer, Call, error, says

if TYPE_CHECKING:
    from .simulator import Simulator

VERBS = {
    "fault": "fault",
    "clear-faults": "clear_faults",
    "do-later": "do_later",
    "change": "change_as_somebody_else",
    "hide": "hide",
    "show": "show",
    "permissions": "permissions",
    "end-access-tokens": "end_access_tokens",
    "forget-grants": "forget_grants",
    "limit": "limit",
    "latency": "latency",
    "hold": "hold",
    "release": "release",
    "wait-until-held": "wait_until_held",
    "reset": "reset",
}


def control(simulator: "Simulator", call: Call) -> Answer:
    """Answer one call of the control endpoint."""
    what, _, rest = call.path.removeprefix("/_control/").strip("/").partition("/")
    if call.method == "POST" and what in VERBS:
        return _do(simulator, VERBS[what], call.body)
    if call.method == "GET":
        if what == "journal":
            return says(200, {"result": simulator.journal_as_json()})
        if what == "puts":
            return says(200, {"result": simulator.puts()})
        if what == "faults":
            return says(200, {"result": simulator.faults(), "known": {one.name: one.says for one in FAULTS.values()}})
        if what == "numbers" and rest in simulator.organisation.numbers:
            return says(200, {"result": simulator.organisation.numbers[rest]})
    return error(404, "There is no such control.")


def _do(simulator: "Simulator", name: str, body: bytes) -> Answer:
    try:
        arguments: dict[str, Any] = json.loads(body or b"{}")
        return says(200, {"result": getattr(simulator, name)(**arguments)})
    except TimeoutError as problem:
        return error(408, str(problem))
    except KeyError as problem:
        return error(400, f"There is no number {problem}.")
    except (TypeError, ValueError) as problem:
        return error(400, str(problem))
