"""Hand-over: what hangs on a person who leaves or moves, and a plan that gives it to somebody else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dashboard import access
from dashboard.access import Person
from dashboard.models import Absence, Change, Group, Member, Outcome, PhoneNumber, Plan, Source
from dashboard.services import fields, planning
from dashboard.services.planning import Row
from dashboard.services.plans import NotAllowedError


@dataclass(frozen=True)
class Hanging:
    """What hangs on a person, as far as whoever asks may see it."""

    numbers: list[PhoneNumber]
    forwarding: list[PhoneNumber]
    phones: list[str]
    groups: list[Group]
    absences: list[Absence]
    plans: list[Plan]

    @property
    def every(self) -> list[PhoneNumber]:
        """Every number of it, once."""
        return list({number.pk: number for number in [*self.numbers, *self.forwarding]}.values())

    @property
    def anything(self) -> bool:
        return bool(self.numbers or self.forwarding or self.absences or self.plans)


def hanging_on(member: Member, person: Person) -> Hanging:
    """What hangs on a member: the numbers they are on, those that forward to one of their phones, and their groups;
    absences and plans that are to come or are on and send calls to their phones.

    A phone of theirs is a number of the organisation that is theirs alone.
    """
    seen = access.visible_numbers(person).prefetch_related("groups")
    numbers = list(seen.filter(members=member).order_by("number"))
    own = PhoneNumber.objects.here().filter(members=member, groups__isnull=True)
    phones = [number.number for number in own if len(number.people) == 1]
    waiting = Change.objects.filter(state=Outcome.PENDING, after__forward_to__in=phones)
    return Hanging(
        numbers=numbers,
        forwarding=list(seen.filter(forward_to__in=phones, forward_to_enabled=True).order_by("number")),
        phones=phones,
        groups=list(member.groups.filter(gone=False)),
        absences=list(
            Absence.objects.filter(stopped_at__isnull=True, sets__forward_to__in=phones, numbers__in=seen).distinct()
        ),
        plans=list(access.visible_plans(person).filter(pk__in=waiting.values("plan")).order_by("run_at", "pk")),
    )


@dataclass(frozen=True)
class Choice:
    """What becomes of one row: who takes over on the number, and where its forwarding goes.

    `successor`: takes the member's place; None: they are only taken off. `target` in E.164; "": forwarding goes off.
    `keep_people`, `keep_forwarding`: that part stays as it is.
    """

    successor: Member | None = None
    target: str = ""
    keep_people: bool = False
    keep_forwarding: bool = False


def propose(
    *,
    actor: Person,
    member: Member,
    choice: Choice,
    own: Mapping[int, Choice],
    intent: UUID,
    reason: str = "",
) -> Plan:
    """A draft that takes `member` off every number and off every forwarding; it is looked at and run like any other.

    `choice` is for every row; `own`, by the number's key, for those where another one was made. Ops admins only.
    """
    if not actor.is_ops_admin:
        raise NotAllowedError("Only ops admins change who a number belongs to. Ask one of them.")
    successor = choice.successor
    return planning.propose(
        actor=actor,
        source=Source.HANDOVER,
        rows=_rows(hanging_on(member, actor), member, choice, own),
        intent=intent,
        name=f"Hand-over of {member.name}" + (f" to {successor.name}" if successor else ""),
        reason=reason,
        selection=f"what hangs on {member.name}",
    )


def _rows(hanging: Hanging, member: Member, choice: Choice, own: Mapping[int, Choice]) -> Iterator[Row]:
    forwarding = {number.pk for number in hanging.forwarding}
    on = {number.pk for number in hanging.numbers}
    for number in hanging.every:
        chosen = own.get(number.pk, choice)
        after: dict[str, Any] = {}
        if number.pk in on and not chosen.keep_people:
            after["participants"] = _people(number, member, chosen.successor)
        if number.pk in forwarding and not chosen.keep_forwarding:
            after |= _elsewhere(chosen.target)
        if after:
            yield Row(number, after)


def _people(number: PhoneNumber, member: Member, successor: Member | None) -> list[str]:
    people = [one for one in fields.held(number, ["participants"])["participants"] if one != member.close_id]
    # Who left before them does not ring either, and Close takes active people only.
    active = {entry[0] for entry in number.people if entry[2]}
    people = [one for one in people if one in active]
    if successor is not None and successor.close_id not in people:
        people.append(successor.close_id)
    return sorted(people)


def _elsewhere(target: str) -> dict[str, Any]:
    return {"forward_to": target, "forward_to_enabled": True} if target else {"forward_to_enabled": False}
