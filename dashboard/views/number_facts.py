"""Everything that Close says of one number, in words, beside its settings."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from dashboard.models import Connection, Member, PhoneNumber
from dashboard.views import number_words


@dataclass(frozen=True)
class Fact:
    """One line of a panel: a term with words, or with tags."""

    term: str
    words: str = ""
    tags: tuple[str, ...] = ()
    code: bool = False


@dataclass(frozen=True)
class Panel:
    title: str
    facts: list[Fact]


CALLS = {
    "internal": "In and out",
    "external": "Out only: shown to people you call",
    "virtual": "In and out, through your own provider",
}

# What stands elsewhere on the page: in the head, the settings, the members and groups.
SHOWN_ELSEWHERE = {
    "number",
    "number_formatted",
    "label",
    "forward_to",
    "forward_to_formatted",
    "forward_to_enabled",
    "press_1_to_accept",
    "inbound_ring_duration",
    "voicemail_greeting_url",
    "participants",
    "participant_groups",
    "phone_numbers",
    "phone_numbers_formatted",
    "country",
}


def panels(number: PhoneNumber, connection: Connection) -> list[Panel]:
    """What a number can do, what it costs, and all else that Close says; a field it has added since by its name."""
    raw = number.raw
    capabilities = [
        Fact("Calls", CALLS.get(number.type, number.type or "Not said")),
        _messages("SMS", raw.get("sms_enabled"), raw.get("supports_sms_to_countries")),
        _messages("MMS", raw.get("mms_enabled"), raw.get("supports_mms_to_countries")),
    ]
    billing = [
        Fact("Last billed", "Not yet" if (price := raw.get("last_billed_price")) is None else _words(price)),
        Fact("Next billing", _day(raw.get("next_billing_on")) or "None planned"),
        Fact("Added to Close", _day(raw.get("date_created")) or "Not said"),
        Fact("Premium number", _yes(raw.get("is_premium"))),
    ]
    about = [
        Fact("Kind", number_words.kind(number.type)),
        Fact("Line", number_words.line(number.carrier_type).capitalize() or "Not said"),
        Fact("Carrier", str(raw.get("carrier") or "Not said").capitalize()),
        Fact("Verified", _yes(raw.get("is_verified"))),
        Fact("Ported in", _yes(raw.get("was_ported"))),
        Fact("Address on file", str(raw.get("address_id") or "None"), code=bool(raw.get("address_id"))),
        Fact("Regulatory bundle", str(raw.get("bundle_id") or "None"), code=bool(raw.get("bundle_id"))),
        Fact("Changed in Close", _day(raw.get("date_updated")) or "Not said"),
        Fact("Shared number", _yes(raw.get("is_group_number"))),
        _owner(raw.get("user_id")),
        Fact("Id in Close", str(raw.get("id") or ""), code=True),
        _organisation(raw.get("organization_id"), connection),
    ]
    known = SHOWN_ELSEWHERE | IN_THE_PANELS
    others = [Fact(name, _words(raw[name])) for name in sorted(set(raw) - known)]
    found = [Panel("Capabilities", capabilities), Panel("Billing", billing), Panel("About this number", about)]
    return [*found, Panel("Also said by Close", others)] if others else found


IN_THE_PANELS = {
    "id",
    "organization_id",
    "type",
    "carrier",
    "carrier_type",
    "user_id",
    "is_group_number",
    "sms_enabled",
    "mms_enabled",
    "supports_sms_to_countries",
    "supports_mms_to_countries",
    "is_premium",
    "is_verified",
    "was_ported",
    "address_id",
    "bundle_id",
    "last_billed_price",
    "next_billing_on",
    "date_created",
    "date_updated",
}


def raw_text(number: PhoneNumber) -> str:
    """Close's answer as it came, indented."""
    return json.dumps(number.raw, indent=2, ensure_ascii=False)


def _owner(user_id: Any) -> Fact:
    """Who alone owns the number: by name where we know them, else by their id."""
    if not user_id:
        return Fact("Single owner", "None")
    member = Member.objects.filter(close_id=str(user_id)).first()
    return Fact("Single owner", member.name) if member else Fact("Single owner", str(user_id), code=True)


def _organisation(organization_id: Any, connection: Connection) -> Fact:
    if organization_id and organization_id == connection.organization_id and connection.organization_name:
        return Fact("Organisation", connection.organization_name)
    return Fact("Organisation", str(organization_id or "Not said"), code=bool(organization_id))


def _messages(term: str, enabled: Any, countries: Any) -> Fact:
    if not enabled:
        return Fact(term, "Not with this number")
    to = tuple(number_words.country(str(code)) for code in countries) if isinstance(countries, list) else ()
    return Fact(term, "" if to else "Yes", to)


def _yes(value: Any) -> str:
    return "Not said" if value is None else "Yes" if value is True else "No" if value is False else _words(value)


def _words(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "nothing"}[value]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _day(text: Any) -> str:
    """A date of Close as "3 Dec 2026", in the reader's zone; what is no date stays as it came."""
    if not isinstance(text, str):
        return ""
    try:
        moment: datetime | None = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        return text
    local = timezone.localtime(moment) if moment.tzinfo else moment
    return f"{local.day} {local:%b %Y}"
