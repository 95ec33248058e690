"""What a value must be before it may become part of a change: phone numbers, greeting addresses, texts.

Each function takes what was typed and gives back what may be sent to Close, or raises ValidationError with a
sentence that says what to type instead. Nothing here asks a database or the network.
"""

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import phonenumbers
from django.core.exceptions import ValidationError
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberType
from phonenumbers import ValidationResult as Possible

# The tables of number ranges that we decide by, https://pypi.org/project/phonenumberslite/.
TABLES = "phonenumbers 9.0.42 of October 2026"

LONGEST_LABEL = 200
LONGEST_NAME = 255
LONGEST_REASON = 255
LONGEST_GREETING = 2000
LONGEST_TARGET = 100
SHORTEST_RING, LONGEST_RING = 15, 90
"""Seconds, https://developer.close.com/api/resources/phone-numbers."""

WRONG_LENGTH = "This is too short or too long to be a phone number: type all of it."
_DIALABLE = re.compile(r"\+?[\d\s().\-/]+")
_REFUSED_CODES = {
    870: "Satellite numbers",
    881: "Satellite numbers",
    882: "International networks, satellite ones among them,",
    883: "International networks, satellite ones among them,",
    878: "Universal numbers",
    808: "Shared-cost numbers",
    979: "Premium-rate numbers",
}
_REFUSED_TYPES = {
    PhoneNumberType.PREMIUM_RATE: "Premium-rate numbers",
    PhoneNumberType.SHARED_COST: "Shared-cost numbers",
    PhoneNumberType.PERSONAL_NUMBER: "Universal and personal numbers",
}


@dataclass(frozen=True)
class Target:
    """A number that calls may be forwarded to: E.164, and whether our tables know its range."""

    e164: str
    range_known: bool


def target(text: str, *, region: str, countries: Collection[str] = ()) -> Target:
    """Read a forwarding target as people type it; without "+" it is a number of `region` ("US").

    `countries` are the only ones allowed; none given means any (design: promise P8).
    """
    # Bringing a text into its plain form takes time that grows with the square of its length.
    if len(text) > LONGEST_TARGET:
        raise ValidationError(WRONG_LENGTH)
    number = _parsed(_plain(text), region)
    _refuse(_REFUSED_TYPES.get(phonenumbers.number_type(number)))
    valid = phonenumbers.is_valid_number(number)
    if not valid:
        _refuse(_kind_of_beginning(number), "begin like this, and they ")
    _refuse_countries(number, countries)
    return Target(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), valid)


def _plain(text: str) -> str:
    """The text with full-width digits and all kinds of blanks and dashes as a keyboard has them."""
    text = unicodedata.normalize("NFKC", text)
    text = "".join("-" if unicodedata.category(sign) == "Pd" else sign for sign in text)
    return "".join(sign for sign in text if unicodedata.category(sign) != "Cf").replace("(0)", "").strip()


def _parsed(text: str, region: str) -> phonenumbers.PhoneNumber:
    if not _DIALABLE.fullmatch(text) or not re.search(r"\d", text):
        raise ValidationError("Only digits can be dialled. Type a number such as +1 415 555 0142.")
    try:
        number = phonenumbers.parse(text, region or None)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE and text.startswith("+"):
            raise ValidationError(
                "No country has this code. Type + and the country code, as in +1 415 555 0142."
            ) from None
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            raise ValidationError("Begin with + and the country code, as in +1 415 555 0142.") from None
        raise ValidationError(WRONG_LENGTH) from None
    _refuse(_REFUSED_CODES.get(number.country_code or 0))
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible != Possible.IS_POSSIBLE:
        raise ValidationError(_impossible(number, possible))
    return number


def _impossible(number: phonenumbers.PhoneNumber, possible: int) -> str:
    country = number.country_code or 0
    code = phonenumbers.region_code_for_country_code(country)
    if possible == Possible.INVALID_COUNTRY_CODE or code == "ZZ":
        return "No country has this code. Type + and the country code, as in +1 415 555 0142."
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(country, code)
    plan = metadata.general_desc if metadata else None
    lengths = [length for length in (plan.possible_length if plan else ()) if length > 0]
    needed = _listed(lengths)
    # NANP countries share one plan, named by its largest; "a US number" is what its people call it.
    which = "an international number" if code == "001" else f"{_article(code)} {code} number"
    if possible in (Possible.TOO_SHORT, Possible.IS_POSSIBLE_LOCAL_ONLY):
        return f"Too short for {which}: {needed} digits needed."
    if possible == Possible.TOO_LONG:
        return f"Too long for {which}: {needed} digits needed."
    return f"Not the length of {which}: {needed} digits needed."


def _listed(lengths: list[int]) -> str:
    if len(lengths) == 1:
        return str(lengths[0])
    if len(lengths) > 2 and lengths[-1] - lengths[0] == len(lengths) - 1:
        return f"{lengths[0]} to {lengths[-1]}"
    return f"{', '.join(map(str, lengths[:-1]))} or {lengths[-1]}"


def _article(code: str) -> str:
    """ "an" before a letter whose name begins with a vowel: "an FR number", "a US number"."""
    return "an" if code[0] in "AEFHILMNORSX" else "a"


def _kind_of_beginning(number: phonenumbers.PhoneNumber) -> str | None:
    """What is refused of the known ranges that share the longest beginning with a number of an unknown range.

    A premium prefix stays one where the tables know no number of that length or with those digits. Two digits at
    least: with one alone, half a country begins.
    """
    digits = phonenumbers.national_significant_number(number)
    for shared in range(len(digits), 1, -1):
        kinds = {_REFUSED_TYPES.get(kind) for kind in _types_beginning_with(digits[:shared], number)}
        if kinds:
            return None if None in kinds else min(kind for kind in kinds if kind)
    return None


def _types_beginning_with(digits: str, number: phonenumbers.PhoneNumber) -> set[int]:
    """The types of the known numbers of this country that begin with these digits, filled up with each digit."""
    country = number.country_code or 0
    code = phonenumbers.region_code_for_country_code(country)
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(country, code)
    plan = metadata.general_desc if metadata else None
    types = set()
    for length in plan.possible_length if plan else ():
        for filling in "0123456789":
            filled = phonenumbers.PhoneNumber()
            filled.merge_from(number)
            filled.national_number = int(digits.ljust(length, filling))
            types.add(phonenumbers.number_type(filled))
    return types - {PhoneNumberType.UNKNOWN}


def _refuse(kind: str | None, which: str = "") -> None:
    if kind:
        raise ValidationError(
            f"{kind} {which}cost extra for each call, so closephones never forwards to them. Type an ordinary number."
        )


def _refuse_countries(number: phonenumbers.PhoneNumber, countries: Collection[str]) -> None:
    """A number whose range is unknown counts for every country of its code, so that none slips in beside another."""
    if not countries:
        return
    region = phonenumbers.region_code_for_number(number)
    regions = [region] if region else phonenumbers.region_codes_for_country_code(number.country_code or 0)
    outside = sorted(set(regions) - set(countries))
    if outside:
        raise ValidationError(
            f"Calls may go to {', '.join(sorted(countries))} only, and this may be a number of {outside[0]}. "
            "The person who runs closephones can allow more in FORWARD_COUNTRIES."
        )


def label(text: str) -> str:
    """A label: one line of at most 200 characters. Close does not say how long one may be, so we keep it short."""
    return _line(text, "label", LONGEST_LABEL)


def reason(text: str) -> str:
    """Why something is changed: one line of at most 255 characters, or nothing."""
    return _line(_joined(text), "reason", LONGEST_REASON)


def name(text: str) -> str:
    """What a plan or an absence is called, at the head of a mail too: one line of at most 255 characters, or none."""
    return _line(_joined(text), "name", LONGEST_NAME)


def _joined(text: str) -> str:
    """A text area sends the ends of its lines; they say no more than a blank does."""
    return " ".join(text.split())


def _line(text: str, what: str, longest: int) -> str:
    text = text.strip()
    if any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") for sign in text):
        raise ValidationError(f"A {what} is one line of text, without control characters.")
    if len(text) > longest:
        raise ValidationError(f"Too long: a {what} has at most {longest} characters, this has {len(text):,}.")
    return text


def ring(text: str) -> int:
    """A ring duration in seconds."""
    text = text.strip()
    if not re.fullmatch(r"[0-9]{1,4}", text) or not SHORTEST_RING <= int(text) <= LONGEST_RING:
        raise ValidationError(f"Type a whole number of seconds from {SHORTEST_RING} to {LONGEST_RING}.")
    return int(text)


def greeting(text: str, *, also_allowed: str = "") -> str:
    """The https address of an mp3 that Close can fetch; "" is Close's own greeting.

    `also_allowed` is an origin ("http://127.0.0.1:8001") allowed as it is, for the simulated organisation. Names are
    not looked up: an address that a name leads to is for whoever fetches it to judge.
    """
    text = text.strip()
    if not text:
        return ""
    if len(text) > LONGEST_GREETING:
        raise ValidationError(f"Too long: an address has at most {LONGEST_GREETING:,} characters.")
    if any(sign.isspace() or unicodedata.category(sign) in ("Cc", "Cf") or sign == "\\" for sign in text):
        raise ValidationError("An address has no blanks and no control characters. Copy it once more.")
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - a port that is none is found by reading it.
    except ValueError:
        raise ValidationError("This is no web address. Type one such as https://example.com/greeting.mp3.") from None
    if also_allowed and f"{parts.scheme}://{parts.netloc}" == also_allowed:
        return text
    if parts.scheme != "https" or not parts.hostname:
        raise ValidationError("Close takes only addresses that begin with https://. Type one, or leave it empty.")
    if "@" in parts.netloc:
        raise ValidationError("The address has a user name or password in it. Everybody would see it: leave it out.")
    if _is_private(parts):
        raise ValidationError("Close cannot reach an address inside a private network. Use one on the public web.")
    return text


def _is_private(parts: SplitResult) -> bool:
    """Whether the host is, in any spelling that a browser or a resolver takes, not on the public internet."""
    host = unicodedata.normalize("NFKC", parts.hostname or "").rstrip(".").replace("\u3002", ".")
    address = _address(host)
    if address is not None:
        return not _is_public(address)
    inner = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "localdomain")
    return "." not in host or host.rsplit(".", 1)[-1] in inner or host.endswith(".home.arpa")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that this host is; inet_aton also knows 127.1, 0x7f.1, 017700000001 and 2130706433."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        # Ways to write an IPv4 address as IPv6, private ones too: mapped, NAT64, 6to4, Teredo, compatible.
        if address.ipv4_mapped or address.sixtofour or address.teredo:
            return False
        if any(address in ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")):
            return False
    return address.is_global and not address.is_multicast
