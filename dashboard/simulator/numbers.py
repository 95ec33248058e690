"""Made-up phone numbers: who rings, where calls go, and the mess that real organisations have."""

import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from .blocks import COUNTRIES, Block, Country, Pool, formatted, formatted_in
from .names import HOME_GROUPS, ODD_LABELS, PURPOSES, PURPOSES_ENGLISH
from .people import Person, as_date, new_id
from .web import Json

GREETINGS = ("main-line", "support", "nach-feierabend")
PRICES = {"local": 1.15, "national": 2.0, "mobile": 3.5, "tollfree": 2.3}
NORTH_AMERICA = ("US", "CA")


class NumberMaker:
    """Makes the numbers of one organisation, one at a time, so that a hundred thousand need no more room than ten."""

    def __init__(
        self,
        organisation_id: str,
        origin: str,
        people: list[Person],
        groups: dict[str, Json],
        pool: Pool,
        chance: random.Random,
        now: datetime,
    ) -> None:
        self._organisation_id = organisation_id
        self._origin = origin
        self._people = people
        self._groups = groups
        self._pool = pool
        self._chance = chance
        self._now = now
        self._active = [person for person in people if person.active]
        self._leavers = [person for person in people if not person.active]
        self._at_home: dict[str, list[Person]] = {}
        for person in self._active:
            self._at_home.setdefault(person.country, []).append(person)
        self._in_group = {name: [person for person in self._active if name in person.groups] for name in groups}

    def make(self, count: int) -> Iterator[Json]:
        """Yield so many numbers. The first two belong to the admin alone, one in each style of personal numbers."""
        me = self._people[0]
        weights = [country.share for country in COUNTRIES]
        for place in range(count):
            # The first ten are one of each country, so that a small organisation has ten countries too.
            country = COUNTRIES[place] if place < len(COUNTRIES) else self._chance.choices(COUNTRIES, weights)[0]
            if place < 2:
                yield self._number(country, "internal", [me], [], personal=True, old_style=place == 0)
                continue
            yield self._any_number(country, place)

    def _any_number(self, country: Country, place: int) -> Json:
        dice = self._chance.random()
        near = self._at_home.get(country.code) or self._active
        if dice < 0.03 and self._leavers:
            leaver = self._chance.choice(self._leavers)
            with_others = [leaver, self._chance.choice(near)] if self._chance.random() < 0.4 else [leaver]
            return self._number(country, "internal", with_others, [], personal=len(with_others) == 1)
        if dice < 0.05:
            return self._number(country, "internal", [], [])
        if dice < 0.09:
            return self._number(country, "external", [self._chance.choice(near)], [], personal=True)
        if dice < 0.13:
            return self._number(country, "virtual", self._chance.sample(near, min(2, len(near))), [])
        if dice < 0.6 or not self._groups:
            # People take turns, so that everybody has a number of their own before some have many.
            return self._number(
                country, "internal", [near[place % len(near)]], [], personal=True, old_style=bool(place % 2)
            )
        name = self._chance.choice(
            [name for name in HOME_GROUPS[country.code] if name in self._groups] or list(self._groups)
        )
        team = self._in_group[name] or near
        some = self._chance.sample(team, min(self._chance.randint(1, 6), len(team)))
        groups = [name] if self._chance.random() < 0.55 else []
        if groups and self._chance.random() < 0.2:
            groups = sorted({name, self._chance.choice(list(self._groups))})
        if groups and self._chance.random() < 0.3:
            some = []
        return self._number(country, "internal", some, groups)

    def _number(
        self,
        country: Country,
        kind: str,
        members: list[Person],
        groups: list[str],
        *,
        personal: bool = False,
        old_style: bool = False,
    ) -> Json:
        """Return one number. In the old style of personal numbers the owner stands in `user_id` only."""
        chance = self._chance
        tollfree = not personal and kind == "internal" and chance.random() < 0.12
        if tollfree:
            number, block = self._pool.draw((country.tollfree,), country.wide)
        else:
            number, block = self._pool.draw(country.fiction, country.wide)
        created = self._now - timedelta(days=chance.uniform(10, 1100))
        # Some were changed hours ago, some not since they were rented.
        updated = created + (self._now - created) * max(0.0, 1 - chance.expovariate(4))
        price = PRICES[block.kind] if kind == "internal" and chance.random() > 0.1 else None
        texts = country.code in NORTH_AMERICA and not tollfree and kind != "external"
        sole = members[0].id if len(members) == 1 and not groups else None
        made: Json = {
            "id": new_id("phon", chance),
            "organization_id": self._organisation_id,
            "number": number,
            "number_formatted": formatted_in(block, number),
            "label": self._label(country, block, members, personal),
            "type": kind,
            "country": country.code,
            "user_id": sole,
            "is_group_number": not personal,
            "participants": [] if old_style else [person.id for person in members],
            "participant_groups": [self._groups[name]["id"] for name in groups],
            "phone_numbers": [],
            "phone_numbers_formatted": [],
            **self._forwarding(country, members or self._active, kind),
            "voicemail_greeting_url": self._greeting(country, kind),
            "sms_enabled": texts,
            "mms_enabled": texts,
            "supports_sms_to_countries": ["CA", "US"] if texts else [],
            "supports_mms_to_countries": ["CA", "US"] if texts else [],
            "carrier": None if kind == "external" else chance.choice(["twilio", "twilio", "plivo"]),
            "carrier_type": block.kind,
            "address_id": None,
            "bundle_id": None,
            "is_premium": False,
            "is_verified": True,
            "was_ported": chance.random() < 0.1,
            "last_billed_price": price,
            "next_billing_on": None if price is None else self._next_billing(),
            "date_created": as_date(created),
            "date_updated": as_date(updated),
        }
        if kind == "external":
            del made["inbound_ring_duration"]
        if old_style and chance.random() < 0.15:
            # Some samples of Close lack the key altogether.
            del made["participants"]
        if not personal and chance.random() < 0.08:
            outside = country.mobile.draw(chance)
            made["phone_numbers"] = [outside]
            made["phone_numbers_formatted"] = [formatted_in(country.mobile, outside)]
        return made

    def _label(self, country: Country, block: Block, members: list[Person], personal: bool) -> str:
        chance = self._chance
        if personal and members and chance.random() < 0.75:
            user = members[0].user
            style = chance.choice(["{first_name} direct", "{first_name} {last_name}", "Direct line"])
            return style.format(**user)
        return f"{block.place} {chance.choice(PURPOSES.get(country.code, PURPOSES_ENGLISH))}"

    def _forwarding(self, country: Country, near: list[Person], kind: str) -> Json:
        chance = self._chance
        target: str | None = None
        shown: str | None = None
        if kind == "internal" and chance.random() < 0.5:
            if chance.random() < 0.8:
                target = chance.choice(near).mobile
                shown = formatted(target)
            else:
                target = country.mobile.draw(chance)
                shown = formatted_in(country.mobile, target)
        return {
            "forward_to": target,
            "forward_to_formatted": shown,
            "forward_to_enabled": target is not None and chance.random() < 0.65,
            "press_1_to_accept": target is not None and chance.random() < 0.5,
            "inbound_ring_duration": chance.choice([None, None, None, 15, 20, 30, 30, 45, 60]),
        }

    def _greeting(self, country: Country, kind: str) -> str | None:
        if kind == "external" or self._chance.random() < 0.6:
            return None
        name = GREETINGS[2] if country.code == "DE" else self._chance.choice(GREETINGS[:2])
        return f"{self._origin}/greetings/{name}.mp3"

    def _next_billing(self) -> str:
        midnight = self._now.replace(hour=0, minute=0, second=0, microsecond=0)
        return as_date(midnight + timedelta(days=self._chance.randint(1, 30)))


def mess(
    numbers: list[Json], leavers: Iterable[Person], origin: str, chance: random.Random
) -> Iterator[tuple[Json, Json]]:
    """Yield what is odd about these numbers: each with the fields to change, the most telling first.

    Odd labels; targets that are set while forwarding is off; targets that are phones and numbers of people who left;
    two numbers that forward to each other, and one to itself; a greeting that is nowhere; the odd unpaid bill.
    """
    numbers = [number for number in numbers if number["type"] == "internal"]
    gone = {person.id: person.mobile for person in leavers}
    theirs = [number["number"] for number in numbers if number["user_id"] in gone]
    rest = iter(chance.sample(numbers, len(numbers)))

    def forwarding(target: str, enabled: bool) -> Json:
        return {"forward_to": target, "forward_to_enabled": enabled}

    odd: list[Any] = [{"label": label} for label in ODD_LABELS]
    odd += [forwarding(mobile, True) for mobile in list(gone.values())[:3]]
    odd += [forwarding(number, chance.random() < 0.5) for number in theirs[:3]]
    odd += [forwarding(number["number"], False) for number in numbers[:2]]
    odd += [
        {"voicemail_greeting_url": f"{origin}/greetings/deleted.mp3"},
        {"next_billing_on": None, "last_billed_price": None},
    ]
    for fields in odd:
        if (number := next(rest, None)) is not None:
            yield number, fields
    for one, other in zip(rest, rest, strict=False):
        yield one, forwarding(other["number"], True)
        yield other, forwarding(one["number"], True)
        break
    if (number := next(rest, None)) is not None:
        yield number, forwarding(number["number"], True)
