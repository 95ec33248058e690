"""The organisation behind the simulator: its people and groups, and its numbers as the JSON text that is sent.

A number is kept as text and only taken apart where somebody asks for a part of it: a page of a list is then a join,
and a hundred thousand numbers fit in some 150 MB.
"""

import json
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from threading import Event, RLock
from typing import Any, Self

from .blocks import Pool, formatted
from .numbers import NumberMaker, mess
from .people import as_date, make_groups, make_people, new_id
from .web import Json, dump

NAME = "Meridian Supply"
# Where greetings lie until a simulator is started and puts its own origin in place of this.
NOWHERE = "http://127.0.0.1:0"
MANAGE = "manage_group_numbers"


class Numbers(Mapping[str, Json]):
    """The numbers by id, as they are now. Each look gives a fresh copy: change them with `Organisation.change`."""

    def __init__(self, organisation: "Organisation") -> None:
        self._organisation = organisation

    def __getitem__(self, number_id: str) -> Json:
        number: Json = json.loads(self._organisation.texts[number_id])
        return number

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._organisation.order))

    def __len__(self) -> int:
        return len(self._organisation.order)


class Organisation:
    """Everything that Close would say of one organisation.

    `me` is the user that every key acts as; `users` are all people by id, `memberships` those who work here and
    `inactive_memberships` those who left; `groups` are by id, with members; `texts` the numbers' JSON by id, in the
    `order` in which they are listed. `changed` is set after each change, for whoever saves it.
    """

    def __init__(self, state: Json) -> None:
        """Take an organisation out of what `state` gave."""
        self.id: str = state["id"]
        self.name: str = state["name"]
        self.origin: str = state["origin"]
        self.me: Json = state["me"]
        self.users: dict[str, Json] = {user["id"]: user for user in state["users"]}
        self.memberships: list[Json] = state["memberships"]
        self.inactive_memberships: list[Json] = state["inactive_memberships"]
        self.groups: dict[str, Json] = {group["id"]: group for group in state["groups"]}
        self.date_created: str = state["date_created"]
        self.order: list[str] = [number_id for number_id, _ in state["numbers"]]
        self.texts: dict[str, bytes] = {number_id: text.encode() for number_id, text in state["numbers"]}
        self.numbers = Numbers(self)
        self.hidden: dict[str, tuple[int, bytes]] = {}
        self.lock = RLock()
        self.changed = Event()
        self._first = (list(self.order), dict(self.texts), self.origin)

    @classmethod
    def make(cls, *, numbers: int = 240, members: int = 60, groups: int = 6, seed: int = 1) -> Self:
        """Make an organisation up: the same for the same seed, but for its dates, which lie before now."""
        if members < 1 or min(numbers, groups) < 0:
            raise ValueError("An organisation has at least one member, and no fewer than no numbers and groups.")
        chance = random.Random(seed)
        now = datetime.now(UTC)
        organisation_id = new_id("orga", chance)
        pool = Pool(chance)
        teams = make_groups(groups, organisation_id, chance)
        people = make_people(members, organisation_id, teams, pool, chance, now)
        maker = NumberMaker(organisation_id, NOWHERE, people, teams, pool, chance, now)
        made = cls(
            {
                "id": organisation_id,
                "name": NAME,
                "origin": NOWHERE,
                "me": people[0].user,
                "users": [person.user for person in people],
                "memberships": [person.membership for person in people if person.active],
                "inactive_memberships": [person.membership for person in people if not person.active],
                "groups": list(teams.values()),
                "date_created": people[0].user["date_created"],
                "numbers": [],
            }
        )
        some: list[Json] = []
        for number in maker.make(numbers):
            # The first two are the admin's own, and stay as they are.
            if 2 <= len(made.order) < 1000:
                some.append(number)
            made.order.append(number["id"])
            made._put(number["id"], number)
        leavers = [person for person in people if not person.active]
        for number, fields in islice(mess(some, leavers, NOWHERE, chance), numbers // 8):
            made._put(number["id"], {**number, **with_formatted(fields)})
        made._first = (list(made.order), dict(made.texts), made.origin)
        return made

    def state(self) -> Json:
        """Return all of it as JSON can carry it; hidden numbers are gone for good."""
        with self.lock:
            return {
                "id": self.id,
                "name": self.name,
                "origin": self.origin,
                "me": self.me,
                "users": list(self.users.values()),
                "memberships": self.memberships,
                "inactive_memberships": self.inactive_memberships,
                "groups": list(self.groups.values()),
                "date_created": self.date_created,
                "numbers": [(number_id, self.texts[number_id].decode()) for number_id in self.order],
            }

    def change(self, number_id: str, fields: Json) -> Json:
        """Change fields of a number, unchecked, with all that follows from them; return the number."""
        with self.lock:
            number = {**self.numbers[number_id], **with_formatted(fields)}
            if "participants" in fields or "participant_groups" in fields:
                members = number.get("participants") or []
                sole = len(members) == 1 and not number.get("participant_groups")
                number["user_id"] = members[0] if sole else None
                number["is_group_number"] = not sole
            number["date_updated"] = as_date(datetime.now(UTC))
            self._put(number_id, number)
            self.changed.set()
            return number

    def hide(self, number_id: str) -> None:
        """Release a number: it is neither listed nor found any more."""
        with self.lock:
            self.hidden[number_id] = (self.order.index(number_id), self.texts[number_id])
            self.order = [other for other in self.order if other != number_id]
            del self.texts[number_id]
            self.changed.set()

    def show(self, number_id: str) -> None:
        """Bring a hidden number back, where it was in the list."""
        with self.lock:
            place, text = self.hidden.pop(number_id)
            self.texts[number_id] = text
            self.order = [*self.order[:place], number_id, *self.order[place:]]
            self.changed.set()

    def move_to_front(self, place: int) -> None:
        """Let the number at this place of the list be the first."""
        with self.lock:
            self.order = [self.order[place], *self.order[:place], *self.order[place + 1 :]]

    def move_to(self, origin: str) -> None:
        """Let greetings be served from this origin (`http://127.0.0.1:8765`), wherever they were before."""
        with self.lock:
            old, new = (f'"voicemail_greeting_url":"{place}/' for place in (self.origin, origin))
            if old != new:
                for number_id, text in self.texts.items():
                    self.texts[number_id] = text.replace(old.encode(), new.encode())
                self.origin = origin
                self.changed.set()

    def reset(self) -> None:
        """Be again as after it was made or loaded, but for the origin."""
        with self.lock:
            origin = self.origin
            order, texts, self.origin = self._first
            self.order, self.texts = list(order), dict(texts)
            self.hidden.clear()
            self.permit(manage=True)
            self.move_to(origin)
            self.changed.set()

    def permit(self, *, manage: bool) -> None:
        """Give the caller the permission to manage phone numbers, or take it."""
        with self.lock:
            granted = self.my_membership["permissions_granted"]
            if manage and MANAGE not in granted:
                granted.append(MANAGE)
            elif not manage and MANAGE in granted:
                granted.remove(MANAGE)

    @property
    def may_manage(self) -> bool:
        """Whether the caller may manage phone numbers that are not theirs alone."""
        return MANAGE in self.my_membership["permissions_granted"]

    @property
    def my_membership(self) -> Json:
        """The caller's membership."""
        return next(one for one in self.memberships if one["user_id"] == self.me["id"])

    def find(self, *needles: str) -> Iterator[Json]:
        """Yield the numbers whose JSON text holds all of these texts, in the order of the list."""
        encoded = [needle.encode() for needle in needles]
        for number_id in self.order:
            text = self.texts.get(number_id, b"")
            if text and all(needle in text for needle in encoded):
                yield json.loads(text)

    def _put(self, number_id: str, number: Json) -> None:
        self.texts[number_id] = dump(number)


def members_of(number: Json) -> set[str]:
    """Return the ids of a number's members, in either style: its participants, and the user it belongs to."""
    return {*(number.get("participants") or []), *filter(None, [number.get("user_id")])}


def with_formatted(fields: Json) -> Json:
    """Return the fields together with the `_formatted` ones that follow from them."""
    shown: dict[str, Any] = {}
    if "forward_to" in fields:
        target = fields["forward_to"]
        shown["forward_to_formatted"] = formatted(target) if target else target
    if "phone_numbers" in fields:
        shown["phone_numbers_formatted"] = [formatted(number) for number in fields["phone_numbers"]]
    return {**fields, **shown}
