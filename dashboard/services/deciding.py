"""What is held after a gap (holding.py) is decided by people: it runs or is dropped, each by itself or all of it.

Once an ops admin has decided about the last of it, or lets the rest go on, everything runs by itself again.
"""

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from dashboard import access
from dashboard.access import Person
from dashboard.models import Connection, Drift, Holding, Notice, Occurrence, Plan
from dashboard.services import absence_holds, absences, holding, notices, planning, running
from dashboard.services.plans import NotAllowedError

State = Occurrence.State
ON_ITS_WAY = "Something of it is on its way to Close. Try again in a minute."


def still_right(item: Plan | Occurrence) -> tuple[int, int]:
    """How many of an item's numbers would change as it was meant, and how many it has, as far as is known."""
    if isinstance(item, Plan):
        count, differ = planning.differing(item)
        return count - differ, count
    if item.state == State.COMING:
        numbers = item.absence.numbers
        return numbers.filter(missing_since__isnull=True).count(), numbers.count()
    held = absence_holds.held(item)
    still = sum(
        all(absence_holds.is_still(number, one) for one in mine.values())
        for number, mine in held.items()
        if not number.missing_since
    )
    return still, len(held)


def why_not_drop(actor: Person, item: Plan | Occurrence) -> str:
    """Why this person may not drop an item: a sentence, or ""."""
    if isinstance(item, Plan):
        return access.why_not_plan(actor, item)
    return absences.why_not_stop(item.absence, actor)


def run(actor: Person, item: Plan | Occurrence) -> None:
    """Let it go on. Of a plan, a number that holds something else by now is left alone and shown. Ops admins only."""
    _run(actor, [item])
    _end_if_decided(actor)


def run_all(actor: Person) -> int:
    """Let go on all that is held, which may be nothing any more; how many plans and absences. Ops admins only."""
    items = _all()
    _run(actor, items)
    _let_go()
    return len(items)


def drop(actor: Person, item: Plan | Occurrence) -> None:
    """Not let it happen any more: nothing of it is sent, and what an absence has set stays.

    Ops admins, and whose it is. Raises NotAllowedError.
    """
    if isinstance(item, Plan):
        running.cancel(item, actor)
    else:
        _drop_absence(actor, item)
    _end_if_decided(actor)


def drop_all(actor: Person) -> int:
    """Drop all that is held; how many plans and absences. Ops admins only."""
    _must_be_ops_admin(actor)
    items = _all()
    # An absence first: it breaks off its own plans.
    for item in sorted(items, key=lambda one: isinstance(one, Plan)):
        if isinstance(item, Occurrence):
            _drop_absence(actor, item)
        else:
            running.break_off(item, f"{actor.name} dropped the plan before it came to this number.")
    _let_go()
    return len(items)


def _all() -> list[Plan | Occurrence]:
    here = Connection.load()
    return [*holding.held_plans(here), *holding.held_absences(here).select_related("absence__author")]


def _must_be_ops_admin(actor: Person) -> None:
    if not actor.is_ops_admin:
        raise NotAllowedError("Only ops admins decide about what was held. Ask one of them.")


def _run(actor: Person, items: Iterable[Plan | Occurrence]) -> None:
    _must_be_ops_admin(actor)
    now = timezone.now()
    for item in items:
        if isinstance(item, Plan):
            Plan.objects.filter(pk=item.pk).update(let_go_at=now, drift=Drift.LEAVE)
        else:
            Occurrence.objects.filter(pk=item.pk).update(let_go_at=now)


def _drop_absence(actor: Person, occurrence: Occurrence) -> None:
    absence = occurrence.absence
    if words := absences.why_not_stop(absence, actor):
        raise NotAllowedError(words)
    mine = Occurrence.objects.filter(pk=occurrence.pk, state=occurrence.state, edition=occurrence.edition)
    if occurrence.state == State.COMING:
        done = mine.update(state=State.SKIPPED, words=f"Dropped by {actor.name}.")
        told = f"{actor.name} dropped “{absence.name}” before it began."
    elif occurrence.ends_at <= timezone.now():
        if not absence_holds.break_off(occurrence, f"{actor.name} dropped it."):
            raise NotAllowedError(ON_ITS_WAY)
        absence_holds.note(occurrence)
        with transaction.atomic():
            done = mine.update(state=State.OVER, words=f"{actor.name} dropped its end: what it has set stays.")
            if done:
                held = occurrence.holdings.filter(state=Holding.State.HELD)
                held.update(state=Holding.State.LET_GO)
        told = f"{actor.name} dropped the end of “{absence.name}”: what it has set stays."
    else:
        done = mine.update(edition=absence.edition)
        told = f"{actor.name} dropped what was edited of “{absence.name}” this time."
    if not done:
        raise NotAllowedError("Somebody has decided about this already.")
    if absence.author_id != actor.user.pk:
        notices.tell([absence.author], Notice.Kind.ABSENCE, told)


def _end_if_decided(actor: Person) -> None:
    # Whose an item is may drop it, but that this is the right place to run in is for ops admins to say.
    if not actor.is_ops_admin:
        return
    here = Connection.load()
    if here.held_since and not holding.held_plans(here).exists() and not holding.held_absences(here).exists():
        _let_go()


def _let_go() -> None:
    Connection.note(held_since=None, held_why="", base_url=settings.BASE_URL)
