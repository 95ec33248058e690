"""Faults: what can go wrong with Close and on the way to it, as switches.

`FAULTS` is the table. A fault acts at one or two of three points: `before` anything is done (it may answer in
Close's place, or hang up), on each phone `number` that is shown, or `after` the work is done, on the answer. To add
one, write a small function and a line of the table.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

from .organisation import Organisation
from .web import Answer, Call, HangUp, Json, dump, error, says

# The keys that are not always there: https://developer.close.com/api/resources/phone-numbers/get
OPTIONAL_KEYS = (
    "participants",
    "participant_groups",
    "phone_numbers",
    "phone_numbers_formatted",
    "forward_to",
    "forward_to_formatted",
    "forward_to_enabled",
    "press_1_to_accept",
    "inbound_ring_duration",
    "voicemail_greeting_url",
    "was_ported",
)
OTHER_ORGANISATION = ("orga_AnotherOrganisationThatThisKeyBelongsToNow0", "Another Company")
PAGE_OF_A_GATEWAY = (
    b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1><hr>nginx</body></html>\n"
)


@dataclass
class Case:
    """A call that a fault meets. `wait` and `later` take seconds: `later` does the call's work after them."""

    call: Call
    organisation: Organisation
    delay: float
    wait: Callable[[float], None]
    later: Callable[[float], None]


@dataclass(frozen=True)
class Fault:
    """One line of the table. Without a `method` of its own a fault meets every call; `delay` is in seconds."""

    name: str
    says: str
    before: Callable[[Case], Answer | None] | None = None
    number: Callable[[Json], None] | None = None
    after: Callable[[Case, Answer], Answer] | None = None
    method: str | None = None
    delay: float = 0.0


def _answers(answer: Answer) -> Callable[[Case], Answer]:
    return lambda case: Answer(answer.status, answer.body, dict(answer.headers), answer.content_type)


def _too_many(case: Case) -> Answer:
    answer = error(429, "Rate limit was hit.")
    answer.headers = {"RateLimit": f"limit=20, remaining=0, reset={case.delay:g}", "retry-after": "1"}
    return answer


def _too_many_html(case: Case) -> Answer:
    return Answer(429, b"<html><body>Too Many Requests</body></html>", _too_many(case).headers, "text/html")


def _too_many_decimal(case: Case) -> Answer:
    return Answer(429, error(429, "Rate limit was hit.").body, {"retry-after": f"{case.delay:g}"})


def _bad_request(case: Case) -> Answer:
    try:
        field_name = next(iter(json.loads(case.call.body)))
    except (ValueError, TypeError, StopIteration):
        return error(400, "The request could not be processed.")
    words = f"This {field_name.replace('_', ' ')} cannot be used right now."
    return says(400, {"errors": [], "field-errors": {field_name: words}})


def _no_answer(case: Case) -> Answer:
    raise HangUp


def _answer_lost(case: Case, answer: Answer) -> Answer:
    raise HangUp


def _after_timeout(case: Case) -> None:
    case.call.hung_up(case.delay)


def _done_later(case: Case) -> Answer:
    case.later(case.delay)
    return error(504, "Gateway Time-out")


def _slow(case: Case, answer: Answer) -> Answer:
    case.wait(case.delay)
    return answer


def _half(case: Case, answer: Answer) -> Answer:
    answer.cut = len(answer.body) // 2
    return answer


def _bad_json(case: Case, answer: Answer) -> Answer:
    answer.body = answer.body[: len(answer.body) // 2]
    return answer


def _capitals(case: Case) -> None:
    try:
        patch = json.loads(case.call.body)
        patch["label"] = patch["label"].upper()
        case.call.body = dump(patch)
    except (ValueError, TypeError, KeyError, AttributeError):
        return


def _shuffle(case: Case) -> None:
    count = len(case.organisation.order)
    skip = case.call.query.get("_skip", "0")
    if case.call.path == "/phone_number/" and skip.isdigit() and 0 < int(skip) < count:
        case.organisation.move_to_front((int(skip) + count) // 2)


def _drop(*keys: str) -> Callable[[Json], None]:
    def drop(number: Json) -> None:
        for key in keys:
            number.pop(key, None)

    return drop


def _set(**values: object) -> Callable[[Json], None]:
    return lambda number: number.update({key: value for key, value in values.items() if key in number})


def _no_offsets(number: Json) -> None:
    for key in ("date_created", "date_updated", "next_billing_on"):
        if number.get(key):
            number[key] = number[key].removesuffix("+00:00")


def _other_path(case: Case) -> None:
    case.call.path = case.call.path.replace(OTHER_ORGANISATION[0], case.organisation.id)


def _other_organisation(case: Case, answer: Answer) -> Answer:
    for old, new in zip((case.organisation.id, case.organisation.name), OTHER_ORGANISATION, strict=True):
        answer.body = answer.body.replace(dump(old), dump(new))
    return answer


FAULTS = {
    fault.name: fault
    for fault in (
        Fault(
            "429", "Too many requests, with JSON, RateLimit (reset: the delay) and retry-after.", _too_many, delay=0.4
        ),
        Fault("429-html", "The same with a page in place of JSON.", _too_many_html, delay=0.4),
        Fault(
            "retry-after-decimal", "429 with a decimal retry-after and no RateLimit.", _too_many_decimal, delay=0.4
        ),
        Fault("400", "Refused in Close's own words, for the first field that was sent.", _bad_request),
        Fault("401", "The key is not known any more.", _answers(error(401, "Unauthorized"))),
        Fault("402", "The plan's limit is reached.", _answers(error(402, "Your plan does not include this."))),
        Fault("403", "The caller may not do this.", _answers(error(403, "You don't have permission to do this."))),
        Fault(
            "404",
            "There is no such thing.",
            _answers(error(404, "Empty query: PhoneNumber matching query does not exist.")),
        ),
        Fault("500", "Close fails before it does anything.", _answers(error(500, "Internal Server Error"))),
        Fault("502", "A gateway finds nobody behind it.", _answers(error(502, "Bad Gateway"))),
        Fault("503", "Close is away for maintenance.", _answers(error(503, "Service Unavailable"))),
        Fault("504", "A gateway gave up before anything was done.", _answers(error(504, "Gateway Time-out"))),
        Fault(
            "html-error", "502 with the page of a gateway.", _answers(Answer(502, PAGE_OF_A_GATEWAY, {}, "text/html"))
        ),
        Fault("half-answer", "The work is done; the connection is cut in the middle of the body.", after=_half),
        Fault("no-answer", "Nothing is done; the connection is closed with no byte sent.", _no_answer),
        Fault("done-before-answer", "The work is done; no answer is sent.", after=_answer_lost, method="PUT"),
        Fault(
            "done-after-timeout",
            "The work is done once the caller has given up and hung up, or after the delay.",
            _after_timeout,
            method="PUT",
            delay=120.0,
        ),
        Fault("done-later", "504 at once; the work is done after the delay.", _done_later, method="PUT", delay=30.0),
        Fault("slow", "The work is done at once; the answer comes after the delay.", after=_slow, delay=2.0),
        Fault("bad-json", "The work is done; the JSON stops in the middle.", after=_bad_json),
        Fault(
            "saves-capitals",
            "Close saves a label in capitals: the answer is not what was sent.",
            _capitals,
            method="PUT",
        ),
        Fault("missing-keys", "Numbers lack the keys that are not always there.", number=_drop(*OPTIONAL_KEYS)),
        Fault("no-user-id", "user_id and is_group_number were removed.", number=_drop("user_id", "is_group_number")),
        Fault("null-label", "Every label is null.", number=_set(label=None)),
        Fault("no-offset-dates", "Dates lack their offset.", number=_no_offsets),
        Fault(
            "new-enum",
            "Types and carriers have values that nobody knows yet.",
            number=_set(type="satellite-desk", carrier="pigeon", carrier_type="universal"),
        ),
        Fault(
            "dangling-ids",
            "Members and groups have ids that nothing else mentions.",
            number=_set(participants=["user_NobodyKnowsThisPerson"], participant_groups=["group_NobodyKnowsThis"]),
        ),
        Fault(
            "other-organisation", "The key belongs to another organisation.", _other_path, after=_other_organisation
        ),
        Fault("shuffled-pages", "With every page a row moves from further down to the top.", _shuffle, method="GET"),
    )
}


@dataclass
class Switch:
    """A fault that is on: for calls of `method` (None: any) whose path begins with `path`, at a `rate` of 0 to 1, and
    for so many `times` more (None: always)."""

    fault: Fault
    rate: float
    times: int | None
    method: str | None
    path: str
    delay: float

    def fits(self, call: Call) -> bool:
        """Say whether this fault is meant for this call."""
        return self.method in (None, call.method) and call.path.startswith(self.path)


@dataclass
class Switchboard:
    """The faults that are on."""

    switches: list[Switch] = field(default_factory=list)
    _chance: random.Random = field(default_factory=lambda: random.Random(1))
    _lock: Lock = field(default_factory=Lock)

    def switch_on(
        self, name: str, rate: float, times: int | None, method: str | None, path: str, delay: float | None
    ) -> None:
        """Switch the fault of this name on; ValueError, in words, where there is none or the rate is not 0 to 1."""
        if name not in FAULTS:
            raise ValueError(f"There is no fault “{name}”. There are: {', '.join(FAULTS)}.")
        if not 0 <= rate <= 1:
            raise ValueError(f"The rate of a fault is between 0 and 1, not {rate:g}.")
        fault = FAULTS[name]
        with self._lock:
            self.switches.append(
                Switch(fault, rate, times, method or fault.method, path, fault.delay if delay is None else delay)
            )

    def switch_off(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self.switches.clear()

    def for_call(self, call: Call) -> list[Switch]:
        """Return the faults that this call meets, and count them."""
        if not self.switches:
            return []
        met = []
        with self._lock:
            for switch in self.switches:
                if not switch.fits(call) or switch.times == 0 or self._chance.random() >= switch.rate:
                    continue
                if switch.times is not None:
                    switch.times -= 1
                met.append(switch)
        return met


def spoil_numbers(call: Call, answer: Answer, faults: Sequence[Fault]) -> None:
    """Let these faults act on each phone number that an answer shows."""
    spoilers = [fault.number for fault in faults if fault.number]
    if not spoilers or answer.status != 200 or not call.path.startswith("/phone_number/"):
        return
    value = json.loads(answer.body)
    for number in value.get("data", [value]):
        for spoil in spoilers:
            spoil(number)
    answer.body = dump(value)
