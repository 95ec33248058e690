"""Close's answers as typed records.

A record keeps the whole answer in ``raw``, fields that we do not know included, and stands fields that are missing,
null or of another type than documented: those read as absent. Only what nothing can be done without is required, and
its absence is a ``ServerError`` that names it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from . import fields
from .fields import Raw


@dataclass(frozen=True, kw_only=True)
class Record:
    """What all records have: the whole answer."""

    raw: Raw = field(repr=False, hash=False)

    def says(self, key: str) -> bool:
        """Return whether Close sent this key, be it with null."""
        return key in self.raw


@dataclass(frozen=True, kw_only=True)
class _Named(Record):
    """Somebody: what is known of a name."""

    email: str
    first_name: str
    last_name: str

    @property
    def name(self) -> str:
        """The name for people, or else the address."""
        return f"{self.first_name} {self.last_name}".strip() or self.email


@dataclass(frozen=True, kw_only=True)
class PhoneNumberRecord(Record):
    """A phone number. https://developer.close.com/api/resources/phone-numbers"""

    id: str
    number: str
    organization_id: str | None
    label: str | None
    type: str
    country: str | None
    carrier_type: str | None
    user_id: str | None
    participants: tuple[str, ...]
    participant_groups: tuple[str, ...]
    phone_numbers: tuple[str, ...]
    forward_to: str | None
    forward_to_enabled: bool
    press_1_to_accept: bool
    inbound_ring_duration: int | None
    voicemail_greeting_url: str | None
    date_created: datetime | None
    date_updated: datetime | None

    @classmethod
    def parse(cls, data: object) -> Self:
        """Return the record of a JSON value; ServerError without an ``id`` or a ``number``."""
        raw = fields.whole_object(data, "phone number")
        return cls(
            raw=raw,
            id=fields.required_text(raw, "id", "phone number"),
            number=fields.required_text(raw, "number", "phone number"),
            organization_id=fields.text(raw, "organization_id"),
            label=fields.text(raw, "label"),
            type=fields.text(raw, "type") or "",
            country=fields.text(raw, "country"),
            carrier_type=fields.text(raw, "carrier_type"),
            user_id=fields.text(raw, "user_id") or None,
            participants=fields.texts(raw, "participants"),
            participant_groups=fields.texts(raw, "participant_groups"),
            phone_numbers=fields.texts(raw, "phone_numbers"),
            forward_to=fields.text(raw, "forward_to"),
            forward_to_enabled=raw.get("forward_to_enabled") is True,
            press_1_to_accept=raw.get("press_1_to_accept") is True,
            inbound_ring_duration=fields.whole_number(raw, "inbound_ring_duration"),
            voicemail_greeting_url=fields.text(raw, "voicemail_greeting_url"),
            date_created=fields.moment(raw, "date_created"),
            date_updated=fields.moment(raw, "date_updated"),
        )

    @property
    def member_ids(self) -> tuple[str, ...] | None:
        """The people of this number, each once, or None where Close says nothing of them.

        A personal number can have its owner in ``user_id``, in ``participants`` or in both, and ``user_id`` is going
        away: https://developer.close.com/api/overview/changelog/2026/7/21
        """
        if not self.says("participants") and not self.says("user_id"):
            return None
        owner = [self.user_id] if self.user_id else []
        return tuple(dict.fromkeys([*self.participants, *owner]))


@dataclass(frozen=True, kw_only=True)
class MemberRecord(_Named):
    """A person. https://developer.close.com/api/resources/users"""

    id: str

    @classmethod
    def parse(cls, data: object) -> Self:
        """Return the record of a JSON value; ServerError without an ``id``."""
        raw = fields.whole_object(data, "person")
        return cls(raw=raw, id=fields.required_text(raw, "id", "person"), **_names(raw))


@dataclass(frozen=True, kw_only=True)
class GroupRecord(Record):
    """A group of people. https://developer.close.com/api/resources/groups

    In a list Close leaves the members out: ``says("members")`` tells no members from members not said.
    """

    id: str
    name: str
    member_ids: tuple[str, ...]

    @classmethod
    def parse(cls, data: object) -> Self:
        """Return the record of a JSON value; ServerError without an ``id``."""
        raw = fields.whole_object(data, "group")
        members = [member.get("user_id") for member in fields.objects(raw, "members")]
        return cls(
            raw=raw,
            id=fields.required_text(raw, "id", "group"),
            name=fields.text(raw, "name") or "",
            member_ids=fields.unique(members),
        )


@dataclass(frozen=True, kw_only=True)
class RoleRecord(Record):
    """A role and what it may do. https://developer.close.com/resources/roles"""

    id: str
    name: str
    permissions: frozenset[str]

    @classmethod
    def parse(cls, data: object) -> Self:
        """Return the record of a JSON value; ServerError without an ``id``."""
        raw = fields.whole_object(data, "role")
        return cls(
            raw=raw,
            id=fields.required_text(raw, "id", "role"),
            name=fields.text(raw, "name") or "",
            permissions=frozenset(fields.texts(raw, "permissions")),
        )


@dataclass(frozen=True, kw_only=True)
class MembershipRecord(_Named):
    """A person's place in an organisation. ``user_id`` is "" for an invitation with nobody behind it yet."""

    user_id: str
    organization_id: str | None
    role_id: str | None
    permissions: frozenset[str]

    @classmethod
    def parse(cls, data: object) -> Self:
        """Return the record of a JSON value; with ``_expand`` a nested ``user`` replaces the ``user_…`` keys."""
        raw = fields.whole_object(data, "membership")
        user = raw.get("user")
        person = user if isinstance(user, dict) else {}
        names = _names({key: person.get(key, raw.get(f"user_{key}")) for key in ("email", "first_name", "last_name")})
        full_name = fields.text(raw, "user_full_name")
        if full_name and not names["first_name"] and not names["last_name"]:
            names["first_name"] = full_name
        return cls(
            raw=raw,
            user_id=fields.text(raw, "user_id") or fields.text(person, "id") or "",
            organization_id=fields.text(raw, "organization_id"),
            role_id=fields.text(raw, "role_id"),
            permissions=frozenset(fields.texts(raw, "permissions_granted")),
            **names,
        )


@dataclass(frozen=True, kw_only=True)
class OrganizationRecord(Record):
    """An organisation with its people, present and former. https://developer.close.com/api/resources/organizations"""

    id: str
    name: str
    memberships: tuple[MembershipRecord, ...]
    inactive_memberships: tuple[MembershipRecord, ...]

    @classmethod
    def parse(cls, data: object) -> Self:
        """Return the record of a JSON value; ServerError without an ``id``."""
        raw = fields.whole_object(data, "organization")
        return cls(
            raw=raw,
            id=fields.required_text(raw, "id", "organization"),
            name=fields.text(raw, "name") or "",
            memberships=_memberships(raw, "memberships"),
            inactive_memberships=_memberships(raw, "inactive_memberships"),
        )


@dataclass(frozen=True, kw_only=True)
class MeRecord(_Named):
    """Who the key belongs to. https://developer.close.com/api/resources/users/get-me"""

    id: str
    memberships: tuple[MembershipRecord, ...]

    @classmethod
    def parse(cls, data: object) -> Self:
        """Return the record of a JSON value; ServerError without an ``id``."""
        raw = fields.whole_object(data, "me")
        memberships = tuple(MembershipRecord.parse(membership) for membership in fields.objects(raw, "memberships"))
        return cls(raw=raw, id=fields.required_text(raw, "id", "me"), memberships=memberships, **_names(raw))

    @property
    def organization_ids(self) -> tuple[str, ...]:
        """The organisations that this person belongs to. An API key sees exactly one."""
        listed = self.raw.get("organizations")
        organizations = listed if isinstance(listed, list) else []
        ids = [entry.get("id") if isinstance(entry, dict) else entry for entry in organizations]
        return fields.unique([membership.organization_id for membership in self.memberships] + ids)

    def permissions(self, organization_id: str) -> frozenset[str]:
        """Return the machine names of what this person may do there, such as ``manage_group_numbers``."""
        # A membership that does not name its organisation can only be meant for the one there is.
        only = self.organization_ids == (organization_id,)
        return frozenset(
            permission
            for membership in self.memberships
            if membership.organization_id == organization_id or (only and not membership.organization_id)
            for permission in membership.permissions
        )


def _memberships(raw: Raw, key: str) -> tuple[MembershipRecord, ...]:
    memberships = (MembershipRecord.parse(membership) for membership in fields.objects(raw, key))
    return tuple(membership for membership in memberships if membership.user_id)


def _names(raw: Raw) -> dict[str, str]:
    return {key: fields.text(raw, key) or "" for key in ("email", "first_name", "last_name")}
