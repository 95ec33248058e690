"""Roles from the company account: which group gives which role, worked out anew each time somebody signs in, and by
the worker once the map is another one.

`SSO_ROLE_MAP` says `{group: "ops_admin" | "team_lead:EMEA,DACH" | "viewer:*"}`. Groups are compared exactly, capital
letters included. The highest role wins, and the teams of all groups that give just that role are joined. What does
not name a role gives none: there is no role for everybody.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from dashboard.access import name_of
from dashboard.models import ClaimedRole, Event, Group, Kind, Role

log = logging.getLogger(__name__)
HEIGHT = {Role.VIEWER.value: 1, Role.TEAM_LEAD.value: 2, Role.OPS_ADMIN.value: 3}


@dataclass(frozen=True)
class Rule:
    """One line of the map: who is in `group` has `role` over these teams (by name), or over all numbers."""

    group: str
    role: str
    all_numbers: bool
    teams: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return Role(self.role).label


def rules() -> list[Rule]:
    """The map of the settings; ValueError, in a sentence, where a line of it cannot be."""
    return [rule_of(group, text) for group, text in settings.SSO_ROLE_MAP.items()]


@lru_cache(maxsize=512)
def rule_of(group: str, text: str) -> Rule:
    """Read one line of the map; ValueError, in a sentence, where it cannot be."""
    role, colon, scope = (part.strip() for part in text.partition(":"))
    if not group.strip():
        raise ValueError("SSO_ROLE_MAP has a line without the name of a group.")
    if role not in HEIGHT:
        raise ValueError(f"SSO_ROLE_MAP gives “{group}” the role “{role}”; the roles are {', '.join(HEIGHT)}.")
    if role == Role.OPS_ADMIN:
        if colon:
            raise ValueError(f"SSO_ROLE_MAP gives “{group}” teams; an ops admin has all numbers. Write ops_admin.")
        return Rule(group, role, True)
    teams = tuple(name.strip() for name in scope.split(",") if name.strip())
    if not teams:
        raise ValueError(f"SSO_ROLE_MAP names no team for “{group}”. Write {role}:* for all, or {role}:EMEA,DACH.")
    if "*" in teams:
        return Rule(group, role, True)
    return Rule(group, role, False, teams)


def groups_in(claims: Mapping[str, Any]) -> list[str]:
    """The groups that the claims of `SSO_ROLE_CLAIM` hold: from lists, or from a text without a comma.

    A text with one may be several values that somebody joined, perhaps with a forged one: it holds nothing.
    """
    found: list[str] = []
    for name in settings.SSO_ROLE_CLAIM:
        value = _claim(claims, name)
        if isinstance(value, str) and "," not in value:
            found.append(value)
        elif isinstance(value, list | tuple):
            found += [entry for entry in value if isinstance(entry, str)]
    return list(dict.fromkeys(group for group in found if group))


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, else by a path: realm_access.roles is `roles` inside `realm_access`."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def settle(user: Any, groups: Iterable[str]) -> None:
    """Store what these groups give `user` now. Nothing is written where it is what is stored already."""
    if not settings.SSO_ROLE_MAP:
        return
    groups = sorted(groups)
    giving = [rule for rule in rules() if rule.group in groups]
    teams = _teams(giving)
    # A rule whose teams are all unknown to Close gives nothing, and must not win over a lower one that does.
    giving = [rule for rule in giving if rule.all_numbers or any(name in teams for name in rule.teams)]
    highest = max((HEIGHT[rule.role] for rule in giving), default=0)
    giving = [rule for rule in giving if HEIGHT[rule.role] == highest]
    role = giving[0].role if giving else ""
    everything = any(rule.all_numbers for rule in giving)
    names = {name for rule in giving for name in rule.teams}
    keys = set() if everything else {key for name in names for key in teams.get(name, ())}
    now = {
        "role": role,
        "all_numbers": everything,
        "groups": groups,
        "giving": sorted(rule.group for rule in giving),
    }
    stored = getattr(user, "claimed", None)
    before = {name: getattr(stored, name) for name in now} if stored else None
    teams_before = set(stored.teams.values_list("pk", flat=True)) if stored else set()
    if stored and before == now and teams_before == keys:
        user.claimed = stored
        return
    had = before["role"] if before else ""
    with transaction.atomic():
        stored, _ = ClaimedRole.objects.update_or_create(user=user, defaults=now | {"since": timezone.now()})
        stored.teams.set(keys)
        if had != role or (before and before["all_numbers"] != everything) or teams_before != keys:
            kind = Kind.ROLE_GIVEN if role else Kind.ROLE_TAKEN
            Event.objects.note(kind, about=name_of(user), words=_in_words(role, everything, names))
    user.claimed = stored
    log.info("%s: role from the company account: %s, was %s", name_of(user), role or "none", had or "none")


_settled: dict[str, Any] = {}


def settle_everybody() -> None:
    """Work out anew, once an hour and first when a process starts, what everybody's groups give by the map of now.

    So a role that the map gives no more is gone a minute after the worker was started with that map, and a team that
    was renamed in Close is found again. The groups are those of each person's last sign-in.
    """
    now = (f"{timezone.now():%Y-%m-%dT%H}", dict(settings.SSO_ROLE_MAP))
    if not settings.SSO_ROLE_MAP or _settled.get("as") == now:
        return
    for key in ClaimedRole.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            # Read once it is locked: somebody who signs in just now brings newer groups, and those count.
            claimed = ClaimedRole.objects.select_for_update().filter(pk=key).first()
            if claimed is not None:
                settle(claimed.user, claimed.groups)
    _settled["as"] = now


def _in_words(role: str, everything: bool, names: Iterable[str]) -> str:
    """A role as the history has it: "Team lead for DACH, EMEA, from the groups of the company account."."""
    if not role:
        return "No group of the company account gives one any more."
    scope = "all numbers" if everything else ", ".join(sorted(names))
    return f"{Role(role).label} for {scope}, from the groups of the company account."


def _teams(giving: Iterable[Rule]) -> dict[str, set[int]]:
    """The teams that these rules name and Close has, with their keys (Close may have two of a name)."""
    names = {name for rule in giving for name in rule.teams}
    found: dict[str, set[int]] = {}
    if names:
        for name, key in Group.objects.filter(name__in=names, gone=False).values_list("name", "pk"):
            found.setdefault(name, set()).add(key)
    return found


def unknown_teams() -> list[str]:
    """The teams that the map names and Close does not have; who is in such a group gets nothing from it."""
    names = {name for rule in rules() for name in rule.teams}
    if not names:
        return []
    return sorted(names - set(Group.objects.filter(name__in=names, gone=False).values_list("name", flat=True)))
