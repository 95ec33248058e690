"""Phone numbers that nobody answers: the blocks from which the made-up ones are drawn.

Blocks reserved for fiction come first, where a country has them and libphonenumber calls them valid (United States
and Canada: 555-01xx; United Kingdom: Ofcom's drama numbers; Germany, France, Australia and Sweden likewise). A large
organisation needs more numbers than those hold, and takes the rest from the wide blocks around them.
"""

import random
from dataclasses import dataclass
from functools import cache, lru_cache

import phonenumbers


@dataclass(frozen=True)
class Block:
    """A range of numbers: `digits` in E.164 without the plus, with `?` for each of the digits at its end."""

    digits: str
    place: str
    kind: str = "local"

    def draw(self, chance: random.Random) -> str:
        """Return any number of this block in E.164."""
        free = self.digits.count("?")
        return f"+{self.digits[:-free]}{int(chance.random() * 10**free):0{free}}"


@dataclass(frozen=True)
class Country:
    """A country where the organisation has numbers. `share` is its part of them, in relation to the others."""

    code: str
    share: int
    fiction: tuple[Block, ...]
    wide: tuple[Block, ...]
    mobile: Block
    tollfree: Block


def _american(places: str) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
    """Return the fiction blocks and the wide blocks of "415 San Francisco, 628 San Francisco, …"."""
    parts = [place.split(" ", 1) for place in places.split(", ")]
    return (
        tuple(Block(f"1{area}55501??", name) for area, name in parts),
        tuple(Block(f"1{area}555????", name) for area, name in parts),
    )


def _plain(blocks: str) -> tuple[Block, ...]:
    """Return the blocks of "44207946???? London, …"."""
    parts = [block.split(" ", 1) for block in blocks.split(", ")]
    return tuple(Block(digits, place) for digits, place in parts)


COUNTRIES = (
    Country(
        "US",
        34,
        *_american(
            "415 San Francisco, 213 Los Angeles, 206 Seattle, 303 Denver, 212 New York, 617 Boston, 312 Chicago, "
            "737 Austin, 305 Miami, 404 Atlanta, 602 Phoenix, 503 Portland"
        ),
        Block("162855501??", "San Francisco", "mobile"),
        Block("1833555????", "Toll-free", "tollfree"),
    ),
    Country(
        "GB",
        18,
        _plain("442079460??? London, 441614960??? Manchester, 441174960??? Bristol, 441314960??? Edinburgh"),
        _plain("44207946???? London, 44161496???? Manchester, 44117496???? Bristol, 44131496???? Edinburgh"),
        Block("4474001?????", "Mobile", "mobile"),
        Block("448081570???", "Freephone", "tollfree"),
    ),
    Country(
        "DE",
        12,
        _plain("493023125??? Berlin, 496990009??? Frankfurt, 494066969??? Hamburg, 498999998??? München"),
        _plain("4930231????? Berlin, 4969900????? Frankfurt, 4940669????? Hamburg, 4989999????? München"),
        Block("4917604069???", "Mobil", "mobile"),
        Block("498005550???", "Servicenummer", "tollfree"),
    ),
    Country(
        "FR",
        8,
        _plain("3319900???? Paris, 3326191???? Nantes, 3346571???? Lyon, 3353649???? Toulouse"),
        _plain("331990????? Paris, 332619????? Nantes, 334657????? Lyon, 335364????? Toulouse"),
        Block("336123?????", "Mobile", "mobile"),
        Block("3380555????", "Numéro vert", "tollfree"),
    ),
    Country(
        "AU",
        7,
        _plain("6127010???? Sydney, 6137010???? Melbourne, 6175550???? Brisbane, 6185550???? Perth"),
        _plain("612701????? Sydney, 613701????? Melbourne, 617555????? Brisbane, 618555????? Perth"),
        Block("61491570???", "Mobile", "mobile"),
        Block("611800160???", "Freecall", "tollfree"),
    ),
    Country(
        "CA",
        6,
        *_american("416 Toronto, 514 Montréal, 604 Vancouver, 403 Calgary"),
        Block("143755501??", "Toronto", "mobile"),
        Block("1888555????", "Toll-free", "tollfree"),
    ),
    Country(
        "ES",
        5,
        _plain("34910555??? Madrid, 34930555??? Barcelona, 34955555??? Sevilla, 34963555??? Valencia"),
        _plain("3491055???? Madrid, 3493055???? Barcelona, 3495555???? Sevilla, 3496355???? Valencia"),
        Block("34600555???", "Móvil", "mobile"),
        Block("34900555???", "Línea gratuita", "tollfree"),
    ),
    Country(
        "NL",
        4,
        _plain("31205550??? Amsterdam, 31105550??? Rotterdam, 31305550??? Utrecht"),
        _plain("3120555???? Amsterdam, 3110555???? Rotterdam, 3130555???? Utrecht"),
        Block("31612555???", "Mobiel", "mobile"),
        Block("3180055???", "Gratis nummer", "tollfree"),
    ),
    Country(
        "IE",
        3,
        _plain("35315550??? Dublin, 3532155500?? Cork"),
        _plain("3531555???? Dublin"),
        Block("353851555???", "Mobile", "mobile"),
        Block("3531800555???", "Freephone", "tollfree"),
    ),
    Country(
        "SE",
        3,
        _plain("468465004?? Stockholm, 4631390060? Göteborg, 4640628040? Malmö"),
        _plain("4684650???? Stockholm, 46313900??? Göteborg, 46406280??? Malmö"),
        Block("46701740???", "Mobil", "mobile"),
        Block("46201555???", "Frisamtal", "tollfree"),
    ),
)


class Pool:
    """Draws numbers, each of them once."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._taken: set[str] = set()
        self._used_up: set[tuple[Block, ...]] = set()

    def draw(self, blocks: tuple[Block, ...], wide: tuple[Block, ...]) -> tuple[str, Block]:
        """Return a number that was not drawn before, and its block; from `wide` where `blocks` are nearly used up."""
        for some in (blocks, wide):
            if some in self._used_up:
                continue
            for _ in range(50):
                block = self._chance.choice(some)
                number = block.draw(self._chance)
                if number not in self._taken:
                    self._taken.add(number)
                    return number, block
            self._used_up.add(some)
        raise ValueError("There are no phone numbers left to make up: ask for fewer.")


@lru_cache(2000)
def formatted(number: str) -> str:
    """Return a number in E.164 as Close shows it, `+1 415-555-0142`; what is no number comes back as it is."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


@cache
def _mask(block: Block) -> str:
    """Return how numbers of this block are written, with `#` for each digit."""
    example = formatted("+" + block.digits.replace("?", "5"))
    return "".join("#" if character.isdigit() else character for character in example)


def formatted_in(block: Block, number: str) -> str:
    """Return the same as `formatted` for a number of this block, twenty times as fast."""
    digits = iter(number[1:])
    return "".join(next(digits) if character == "#" else character for character in _mask(block))
