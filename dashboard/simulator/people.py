"""Made-up people: users, their memberships, and the groups they are in."""

import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .blocks import COUNTRIES, Pool
from .names import GROUPS, HOME_GROUPS, PEOPLE
from .web import Json

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

MEMBER_PERMISSIONS = ["calling", "delete_own_activities", "delete_own_opportunities", "delete_own_tasks", "export"]
ADMIN_PERMISSIONS = sorted(
    [
        *MEMBER_PERMISSIONS,
        "bulk_delete",
        "bulk_edit",
        "bulk_email",
        "bulk_import",
        "manage_customizations",
        "manage_group_numbers",
        "manage_organization",
        "view_all_leads",
    ]
)


@dataclass(frozen=True)
class Person:
    """One person: what Close says of them, and what decides which numbers they get."""

    user: Json
    membership: Json
    country: str
    groups: tuple[str, ...]
    active: bool

    @property
    def id(self) -> str:
        """The user's id."""
        return str(self.user["id"])

    @property
    def mobile(self) -> str:
        """Their own phone, in E.164."""
        return "+" + str(self.membership["user_phone"])


def new_id(prefix: str, chance: random.Random, length: int = 43) -> str:
    """Return an id as Close makes them: a prefix and base62 characters."""
    return f"{prefix}_" + "".join(chance.choices(LETTERS, k=length))


def as_date(moment: datetime) -> str:
    """Return a moment (UTC) as Close writes it, with microseconds and offset."""
    return moment.isoformat(timespec="microseconds")


def make_groups(count: int, organisation_id: str, chance: random.Random) -> dict[str, Json]:
    """Return so many groups by name, still without members."""
    names = [*GROUPS[:count], *(f"Team {number}" for number in range(len(GROUPS) + 1, count + 1))]
    return {
        name: {
            "id": new_id("group", chance, 22),
            "name": name,
            "organization_id": organisation_id,
            "members": [],
        }
        for name in names
    }


def make_people(
    count: int, organisation_id: str, groups: dict[str, Json], pool: Pool, chance: random.Random, now: datetime
) -> list[Person]:
    """Return so many people, the first of them the admin; one in ten has left. Groups get their members."""
    people = []
    leavers = set(chance.sample(range(1, count), count // 10)) if count > 1 else set()
    names = _names(chance)
    for place in range(count):
        first, last, email, country = next(names)
        if place == 0:
            first, last, email, country = "Marta", "Klein", "marta.klein@example.com", COUNTRIES[0]
        active = place not in leavers
        homes = [name for name in HOME_GROUPS[country.code] if name in groups] or list(groups)
        mine = {chance.choice(homes)} if homes and chance.random() > 0.06 else set()
        if mine and chance.random() < 0.15:
            mine.add(chance.choice(list(groups)))
        user_id = new_id("user", chance)
        created = now - timedelta(days=chance.uniform(40, 1400))
        for name in sorted(mine) if active else ():
            groups[name]["members"].append({"user_id": user_id})
        user = {
            "id": user_id,
            "email": email,
            "first_name": first,
            "last_name": last,
            "image": f"https://avatars.example.com/{user_id}.png",
            "organizations": [organisation_id],
            "date_created": as_date(created),
            "date_updated": as_date(created + (now - created) * chance.random()),
        }
        mobile, _ = pool.draw((country.mobile,), country.wide)
        people.append(
            Person(user, _membership(user, mobile, place == 0, chance), country.code, tuple(sorted(mine)), active)
        )
    return people


def _names(chance: random.Random) -> Iterator[tuple[str, str, str, Any]]:
    """Yield first name, last name, e-mail address and country of ever new people; no name comes twice while some are
    left, no address ever does."""
    taken: set[str] = {"marta.klein"}
    weights = [country.share for country in COUNTRIES]
    while True:
        country = chance.choices(COUNTRIES, weights)[0]
        for attempt in range(20):
            # One in five has a name from elsewhere, as people do.
            source = country.code if chance.random() > 0.2 else chance.choice(list(PEOPLE))
            firsts, lasts = PEOPLE[source]
            first, last = chance.choice(firsts.split()), chance.choice(lasts.split("|"))
            address = _ascii(f"{first}.{last}")
            if address not in taken:
                break
            if attempt == 19:
                address += str(len(taken))
        taken.add(address)
        yield first, last, f"{address}@example.com", country


def _ascii(name: str) -> str:
    """Return a name as it stands in an e-mail address."""
    plain = unicodedata.normalize("NFKD", name.lower().replace("ß", "ss").replace("ı", "i"))
    return "".join(letter for letter in plain if letter.isascii() and (letter.isalnum() or letter in ".-"))


def _membership(user: Json, mobile: str, admin: bool, chance: random.Random) -> Json:
    return {
        "id": new_id("memb", chance),
        "user_id": user["id"],
        "user_email": user["email"],
        "user_first_name": user["first_name"],
        "user_last_name": user["last_name"],
        "user_full_name": f"{user['first_name']} {user['last_name']}",
        "user_phone": mobile.removeprefix("+"),
        "role_id": "admin" if admin else chance.choice(["user", "user", "user", "superuser", "restricteduser"]),
        "permissions_granted": list(ADMIN_PERMISSIONS if admin else MEMBER_PERMISSIONS),
        "auto_record_calls": chance.choice(["enabled", "disabled", "unset"]),
        "track_email_opens": "enabled",
    }
