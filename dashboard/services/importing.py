"""Imports: a table becomes a plan like any other. Nothing is changed here; the plan is shown before it runs.

A table is read whole or not at all, its columns are mapped, its rows are checked as often as the mapping changes,
and what was wrong stands beside each row. An empty cell leaves a value alone, "-" clears it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from dashboard import access
from dashboard.access import Person
from dashboard.models import Import, ImportRow, PhoneNumber, Plan, Source
from dashboard.models.numbers import DEFAULT_RING
from dashboard.services import bulk, csv_out, fields, import_columns, judging, number_table, planning, tables
from dashboard.services.finding import Directory, Finder, NotFoundError
from dashboard.services.import_columns import COLUMNS, FIELD_OF, LEAVE
from dashboard.services.planning import Row
from dashboard.services.plans import NotAllowedError

CHUNK = 500
CLEAR = "-"
SWITCHES = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}
FORMULA = "This is a formula. Put its result in its place; a text that begins with = needs an apostrophe before it."
BROKEN = ("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!")


@dataclass
class Read:
    """One row as it was understood: its number, the wanted values, and what is wrong with it.

    An error is the place of its column, or None where it is about the whole row, and a sentence.
    """

    row: ImportRow
    number: PhoneNumber | None = None
    after: dict[str, Any] = field(default_factory=dict)
    errors: list[tuple[int | None, str]] = field(default_factory=list)


def take(*, actor: Person, file: IO[bytes], name: str, mends: Import | None = None) -> Import:
    """Store the table of this file, guess what its columns are, and check it where nothing is left to choose.

    `mends`: an import that this one replaces; what somebody chose for a heading there counts here too. Raises
    NotAllowedError where the actor may change nothing, and TableError; then nothing is kept.
    """
    if not actor.may_change_something or not isinstance(actor.user, User):
        raise NotAllowedError(access.MAY_ONLY_LOOK)
    table = tables.read(file)
    chosen = dict(zip(mends.headings, mends.mapping, strict=True)) if mends else {}
    guessed = import_columns.guess(table.headings)
    mapping = [chosen.get(heading) or guess for heading, guess in zip(table.headings, guessed, strict=True)]
    imported = Import.objects.create(
        author=actor.user,
        file_name=name[:255],
        kind=table.kind,
        note=table.note,
        headings=table.headings,
        mapping=mapping,
        created_at=timezone.now(),
    )
    try:
        count = _store(imported, table.rows)
    except tables.TableError:
        imported.delete()
        raise
    imported.count = count
    imported.save(update_fields=["count"])
    if mends:
        mends.delete()
    if is_mapped(imported):
        check(imported, actor)
    return imported


def _store(imported: Import, rows: Iterator[tuple[int, list[str]]]) -> int:
    """Store the rows piece by piece, so that nobody waits for the database meanwhile; how many they are."""
    count = 0
    while chunk := list(islice(rows, CHUNK)):
        names = ("imported", "place", "cells", "errors", "is_wrong")
        with transaction.atomic():
            bulk.insert(ImportRow, names, [(imported.pk, place, cells, [], False) for place, cells in chunk])
        count += len(chunk)
    if not count:
        raise tables.TableError("There is nothing below the headings of this table, so nothing to import.")
    return count


def is_mapped(imported: Import) -> bool:
    """Whether it is decided what every column is, and the rows can be checked."""
    wrong = import_columns.problems(imported.headings, imported.mapping)
    return not wrong and not import_columns.missing(imported.mapping)


def map_columns(imported: Import, actor: Person, mapping: Sequence[str]) -> None:
    """Say what the columns are, and check the rows where that is complete."""
    known = [name if name in COLUMNS or name == LEAVE else "" for name in mapping]
    imported.mapping = (known + [""] * len(imported.headings))[: len(imported.headings)]
    imported.checked_at = None
    imported.save(update_fields=["mapping", "checked_at"])
    if is_mapped(imported):
        check(imported, actor)


def check(imported: Import, actor: Person) -> None:
    """Work out what is wrong with each row, for this person and as the numbers are now, and store it."""
    found: dict[int, list[tuple[int | None, str]]] = {}
    about: dict[int, list[tuple[int, int]]] = {}
    changing: set[int] = set()
    nowhere = 0
    for read in _reads(imported, actor):
        if read.errors:
            found[read.row.pk] = read.errors
        if read.number is None:
            nowhere += 1
            continue
        about.setdefault(read.number.pk, []).append((read.row.pk, read.row.place))
        if fields.differing(read.after, fields.held(read.number, read.after)):
            changing.add(read.row.pk)
    for several in (rows for rows in about.values() if len(rows) > 1):
        for pk, _ in several:
            others = [place for other, place in several if other != pk]
            found.setdefault(pk, []).append((None, _same_number(others)))
    with transaction.atomic():
        imported.rows.filter(is_wrong=True).update(errors=[], is_wrong=False)
        bulk.update(ImportRow, ("errors", "is_wrong"), [(errors, True, pk) for pk, errors in found.items()])
    imported.wrong, imported.nowhere, imported.changing = len(found), nowhere, len(changing - found.keys())
    imported.checked_at = timezone.now()
    imported.save(update_fields=["wrong", "nowhere", "changing", "checked_at"])


def _same_number(others: list[int]) -> str:
    rows = "Row " if len(others) == 1 else "Rows "
    shown = ", ".join(map(str, others[:5])) + (" and more" if len(others) > 5 else "")
    return f"{rows}{shown} {'is' if len(others) == 1 else 'are'} about the same number. Keep one of them."


def propose(imported: Import, actor: Person, *, intent: UUID, name: str = "", reason: str = "") -> Plan:
    """A draft of what the rows ask for; a row with an error stands in it as invalid, if it names a number at all.

    Raises NotAllowedError where no row does.
    """
    if not imported.checked_at or imported.nowhere == imported.count:
        raise NotAllowedError("No row of this table names a number that you may change, so there is nothing to plan.")

    def rows() -> Iterator[Row]:
        for read in _reads(imported, actor):
            if read.number is not None:
                errors = dict.fromkeys(words for _, words in (*read.errors, *read.row.errors))
                after = read.after
                if errors:
                    # Nothing of it is done, so only what would be another value is worth a look.
                    names = fields.differing(after, fields.held(read.number, after))
                    after = {name: after[name] for name in names}
                yield Row(read.number, after, error=" ".join(errors))

    count = (imported.count or 0) - imported.nowhere
    selection = f"{count:,} row{'' if count == 1 else 's'} of the file {imported.file_name}"
    if imported.nowhere:
        selection += f"; {imported.nowhere:,} more name no number that could be changed"
    plan = planning.propose(
        actor=actor,
        source=Source.IMPORT,
        rows=rows(),
        intent=intent,
        name=name,
        reason=reason,
        selection=selection,
    )
    Import.objects.filter(pk=imported.pk).update(plan=plan)
    return plan


def _reads(imported: Import, actor: Person) -> Iterator[Read]:
    """The rows in their order, understood for this person."""
    visible = access.visible_numbers(actor)
    finder = Finder(visible, of_teams=not actor.all_numbers)
    reader = _Reader(actor, imported)
    wanted = visible.defer("search_text", "people_sort", "teams_sort")
    if "groups" in reader.places:
        wanted = wanted.prefetch_related("groups")
    rows = imported.rows.order_by("place").iterator(CHUNK)
    while chunk := list(islice(rows, CHUNK)):
        meant: list[int | NotFoundError] = [reader.meant(finder, row.cells) for row in chunk]
        numbers = wanted.in_bulk([one for one in meant if isinstance(one, int)])
        changeable = access.changeable_ids(actor, numbers.values())
        for row, one in zip(chunk, meant, strict=True):
            if isinstance(one, int):
                yield reader.read(row, numbers.get(one), changeable)
            else:
                yield Read(row, errors=[(reader.places.get(one.by, reader.places.get("id")), one.words)])


class _Reader:
    """Understands the rows of one table for one person."""

    def __init__(self, actor: Person, imported: Import) -> None:
        self.actor = actor
        self.width = len(imported.headings)
        self.places = {name: place for place, name in enumerate(imported.mapping) if name != LEAVE}
        self.directory = Directory()

    def cell(self, cells: list[str], name: str) -> str:
        place = self.places.get(name, len(cells))
        return cells[place] if place < len(cells) else ""

    def meant(self, finder: Finder, cells: list[str]) -> int | NotFoundError:
        """The key of the number that a row is about, or why there is none."""
        try:
            return finder.find(csv_out.plain(self.cell(cells, "id")), csv_out.plain(self.cell(cells, "number")))
        except NotFoundError as error:
            return error

    def read(self, row: ImportRow, number: PhoneNumber | None, changeable: set[int]) -> Read:
        """What the row wants of its number, and what is wrong with that."""
        read = Read(row, number)
        if number is None:
            # It went out of sight a moment ago.
            read.errors.append((None, access.GONE))
            return read
        if len(row.cells) > self.width:
            words = f"This row has {len(row.cells)} cells, but there are {self.width} headings."
            read.errors.append((None, f"{words} A text with the separator in it needs quotation marks."))
        for name in import_columns.CHANGING:
            if (cell := self.cell(row.cells, name)).strip():
                try:
                    self.understand(read, number, name, cell)
                except ValueError as error:
                    read.errors.append((self.places[name], str(error)))
        if not read.errors:
            read.errors += [(self.places.get(name), words) for name, words in _judged(read, number)]
        if fields.differing(read.after, fields.held(number, read.after)):
            words = access.why_not_fields(self.actor, read.after)
            if words or number.pk not in changeable:
                read.errors.append((None, f"Not allowed: {words or access.BEYOND_TEAMS}"))
        return read

    def understand(self, read: Read, number: PhoneNumber, name: str, cell: str) -> None:
        """Add what one cell asks for; ValueError with a sentence where that cannot be."""
        typed, text = cell.strip(), csv_out.plain(cell)
        held = _text_held(number, name)
        # What an export wrote says nothing new, even where it looks odd or nobody could look it up again.
        if text == held and name in FIELD_OF:
            return
        if text != held and typed.startswith("="):
            raise ValueError(FORMULA)
        if text != held and typed in BROKEN:
            raise ValueError(f"The spreadsheet could not work this out ({typed}). Put the value itself in its place.")
        if name not in FIELD_OF:
            read.after[name] = _value(name, text, getattr(number, name), clear=typed == CLEAR)
            return
        look_up = self.directory.members_of if name == "members" else self.directory.groups_of
        wanted = {FIELD_OF[name]: [] if typed == CLEAR else look_up(text)}
        if fields.differing(wanted, fields.held(number, wanted)):
            read.after |= wanted


def _text_held(number: PhoneNumber, name: str) -> str:
    """What an export writes of a field of this number, before it is made safe."""
    if name in FIELD_OF:
        return number_table.members(number) if name == "members" else number_table.groups(number)
    return str(getattr(number, name))


def _value(name: str, text: str, held: Any, *, clear: bool) -> Any:
    """The value that a text asks for; the engine's rules come after this."""
    if isinstance(held, bool):
        if text.strip().casefold() not in SWITCHES:
            raise ValueError("Write on or off; yes, no, true and false will do as well.")
        return SWITCHES[text.strip().casefold()]
    if name == "inbound_ring_duration":
        return DEFAULT_RING if clear else held if text.strip() == str(held) else text
    return "" if clear else text


def _judged(read: Read, number: PhoneNumber) -> Iterable[tuple[str, str]]:
    """What the engine's rules say against the wanted values, field by field; the values as they may be sent.

    People and groups were looked up among those that are there.
    """
    values = {name: value for name, value in read.after.items() if name in fields.EDITABLE}
    judged, error = judging.values(number, values)
    read.after |= judged
    if not error:
        return []
    texts = [(name, value) for name, value in values.items() if not isinstance(value, bool)]
    alone = [(name, judging.values(number, {name: value})[1]) for name, value in texts]
    return [(name, words) for name, words in alone if words] or [("forward_to_enabled", error)]
