"""What happens to a call to a number, as far as its settings in Close tell it.

Nobody dials here: the sentence and the path are drawn from the cache. People and groups are counted apart, since the
people of a group ring too, and somebody who left does not ring.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from dashboard import access
from dashboard.models import Member, PhoneNumber
from dashboard.models.numbers import DEFAULT_RING

# A chain of forwarding longer than this is not followed.
FOLLOWED_HOPS = 10


@dataclass(frozen=True)
class Piece:
    """A part of the sentence; a `number` is written as people read it, and strong like all that varies."""

    text: str
    strong: bool = False
    number: bool = False


@dataclass(frozen=True)
class Step:
    """One station of the path: icon, title (with the number behind it, if there is one), explanation, time."""

    icon: str
    title: str
    number: str = ""
    about: str = ""
    at: str = ""


@dataclass(frozen=True)
class Ringing:
    """Who rings: people by name, groups with their counts, phones outside Close, how many people in all."""

    people: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    groups: list[tuple[str, int]] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    in_all: int = 0

    @property
    def anybody(self) -> bool:
        return bool(self.in_all or self.phones)

    @property
    def words(self) -> str:
        """ "3 people and the groups EMEA and DACH, 50 people in all"."""
        parts = []
        if self.people:
            parts.append(_people(len(self.people)))
        if self.groups:
            names = _and([name for name, _ in self.groups])
            parts.append(f"the group {names}" if len(self.groups) == 1 else f"the groups {names}")
        if self.phones:
            phones = "1 phone" if len(self.phones) == 1 else f"{len(self.phones)} phones"
            parts.append(f"{phones} outside Close")
        if not self.groups:
            return _and(parts)
        return f"{_and(parts)}, {_people(self.in_all)}{' in all' if len(parts) > 1 or len(self.groups) > 1 else ''}"


@dataclass(frozen=True)
class CallPath:
    """The sentence in pieces, the stations, and what is wrong with them."""

    pieces: list[Piece]
    steps: list[Step]
    problems: list[str]
    ringing: Ringing

    @property
    def sentence(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def call_path(number: PhoneNumber, person: access.Person) -> CallPath:
    """What happens to a call to this number. Labels of other numbers are said only where `person` may see them."""
    ringing = who_rings(number)
    if number.type == "external":
        words = "Close shows this number to people you call. Calls to it do not come to Close."
        return CallPath([Piece(words)], [], [], ringing)
    forwards = number.forward_to_enabled and bool(number.forward_to)
    after = _after(number, person) if forwards else None
    return CallPath(
        list(_sentence(number, ringing, forwards)),
        list(_steps(number, ringing, forwards, after)),
        list(_problems(number, ringing, forwards, after)),
        ringing,
    )


def who_rings(number: PhoneNumber) -> Ringing:
    """Who rings at this number, in three queries at most: members, groups, and the people of the groups."""
    members = list(number.members.order_by("name").values_list("pk", "name", "active"))
    groups = list(number.groups.order_by("name").values_list("pk", "name"))
    of_groups = list(
        Member.groups.through.objects.filter(group__in=[pk for pk, _ in groups], member__active=True).values_list(
            "group_id", "member_id"
        )
        if groups
        else []
    )
    active = {pk for pk, _, is_active in members if is_active}
    return Ringing(
        people=[name for _, name, is_active in members if is_active],
        left=[name for _, name, is_active in members if not is_active],
        groups=[(name, sum(group == pk for group, _ in of_groups)) for pk, name in groups],
        phones=[phone for phone in number.raw.get("phone_numbers") or [] if isinstance(phone, str)],
        in_all=len(active | {member for _, member in of_groups}),
    )


def _sentence(number: PhoneNumber, ringing: Ringing, forwards: bool) -> Iterator[Piece]:
    seconds = Piece(f"{number.inbound_ring_duration or DEFAULT_RING} seconds", strong=True)
    if number.type == "virtual":
        yield Piece("Your own provider brings the call to Close. ")
    if ringing.anybody:
        yield from (Piece("Rings "), Piece(ringing.words, strong=True), Piece(" for "), seconds)
        yield Piece(", then goes to " if forwards else ". ")
    elif forwards:
        yield Piece("Rings nobody in Close and goes to ")
    if forwards:
        yield Piece(number.forward_to, strong=True, number=True)
        yield Piece(", who has to press 1. " if number.press_1_to_accept else ". ")
    greeting = "the greeting" if number.voicemail_greeting_url else "Close’s default greeting"
    if ringing.anybody or forwards:
        yield Piece(f"If nobody takes it, the caller hears {greeting} and can leave a message.")
    else:
        yield Piece("Rings ")
        yield Piece("nobody", strong=True)
        yield Piece(f": the caller hears {greeting} at once and can leave a message.")


def _steps(number: PhoneNumber, ringing: Ringing, forwards: bool, after: "_After | None") -> Iterator[Step]:
    seconds = number.inbound_ring_duration or DEFAULT_RING
    default = ", Close’s default" if number.inbound_ring_duration is None else ""
    yield Step("phone-incoming", "Somebody calls", at="0 s")
    if ringing.anybody:
        about = [", ".join(ringing.people)] if ringing.people else []
        if len(ringing.groups) > 1 or ringing.people:
            about += [f"{name}: {_people(count)}" for name, count in ringing.groups]
        about += [", ".join(ringing.phones)] if ringing.phones else []
        yield Step("users", f"Rings {ringing.words}", about=" · ".join(about), at=f"0–{seconds} s{default}")
    else:
        yield Step("user-off", "Rings nobody in Close", at="0 s")
    if forwards:
        about = ["Press 1 to accept"] if number.press_1_to_accept else []
        about.append(after.words if after else "outside Close")
        at = f"from {seconds} s" if ringing.anybody else "at once"
        yield Step("phone-outgoing", "Forwards to", number.forward_to, " · ".join(about), at)
    url = number.voicemail_greeting_url
    greeting = f"Greeting {file_name(url)}" if url else "Close’s default greeting"
    yield Step("microphone", "Voicemail", about=greeting, at="at the end")


def _problems(number: PhoneNumber, ringing: Ringing, forwards: bool, after: "_After | None") -> Iterator[str]:
    if ringing.left:
        verb = "does" if len(ringing.left) == 1 else "do"
        yield f"{_and(ringing.left)} left and {verb} not ring."
    empty = [name for name, count in ringing.groups if count == 0]
    if empty:
        yield f"Nobody is in the group {empty[0]}." if len(empty) == 1 else f"Nobody is in the groups {_and(empty)}."
    if number.forward_to_enabled and not number.forward_to:
        yield "Forwarding is on and has no target, so nothing is forwarded."
    if not ringing.anybody and not forwards:
        yield "A dead end: nobody rings and nothing is forwarded. Callers reach the voicemail only."
    if after and after.problem:
        yield after.problem


@dataclass(frozen=True)
class _After:
    """What comes after the forwarding, where the target is a number of this organisation."""

    words: str
    problem: str = ""


def _after(number: PhoneNumber, person: access.Person) -> _After | None:
    """Follow the forwarding through the organisation's own numbers; None where the first target is none of them."""
    passed, here, first = [number.number], number, None
    for _ in range(FOLLOWED_HOPS):
        if here.forward_to in passed:
            return _After(
                first.words if first else "this number itself",
                "A loop: the call comes back to "
                + ("this number" if here.forward_to == number.number else "a number that it has passed")
                + ". Close ends it somewhere, and nobody may ever answer.",
            )
        target = PhoneNumber.objects.here().filter(number=here.forward_to).select_related("answer").first()
        if target is None:
            return first
        first = first or _After(_name_of(target, person))
        if not (target.forward_to_enabled and target.forward_to):
            if target.type == "external":
                return _After(first.words, "A dead end: the last number is only shown to people you call.")
            if not who_rings(target).anybody:
                return _After(first.words, "A dead end: at the number it ends at, nobody rings.")
            return first
        passed.append(target.number)
        here = target
    return first


def _name_of(number: PhoneNumber, person: access.Person) -> str:
    if number.label and access.visible_numbers(person).filter(pk=number.pk).exists():
        return f"a number of yours, “{number.label}”"
    return "a number of this organisation"


def file_name(url: str) -> str:
    """The last part of an address, which is how people know a greeting: "main-line.mp3"."""
    return unquote(urlsplit(url).path.rsplit("/", 1)[-1]) or url


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def _and(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
