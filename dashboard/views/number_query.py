"""From the address of the number list to the numbers that answer it: scope, filters, totals, one page."""

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.db.models import BooleanField, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value

from dashboard import access
from dashboard.context import preference_of
from dashboard.filters import NumberFilter, NumberQuery
from dashboard.models import Group, Member, PhoneNumber, PhoneNumberQuerySet
from dashboard.models.numbers import SORT_KEYS, count_search
from dashboard.views.number_rows import ROW_FIELDS

MOST_NUMBERS = 100_000
# Numbers that are alike stand together, perhaps at the far end of the list. Fewer than this are put in order sooner
# than the list is looked through.
FEW_FOUND = 8_000


class CountOf(Subquery):
    """How many rows a query has, as a value in another query."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def teams_of(person: access.Person) -> QuerySet[Group]:
    """The teams a person can filter by."""
    groups = Group.objects.filter(gone=False)
    return groups if person.all_numbers else groups.filter(pk__in=person.team_ids)


def people_of(person: access.Person) -> QuerySet[Member]:
    """The people a person can filter by: those of the numbers they see."""
    if person.all_numbers:
        return Member.objects.all()
    through = PhoneNumber.members.through.objects
    return Member.objects.filter(
        Exists(through.filter(member=OuterRef("pk"), phonenumber__in=access.visible_numbers(person)))
    )


def read_query(request: Any, data: Any = None) -> tuple[NumberQuery, PhoneNumberQuerySet]:
    """What the request asks for, and the numbers that answer it, in no order yet."""
    data = request.GET if data is None else data
    person = request.person
    filters = NumberFilter(data, access.visible_numbers(person), teams=teams_of(person), people=people_of(person))
    query = NumberQuery.read(data, filters, preference_of(request).columns)
    return query, filters.qs


def page_of(query: NumberQuery, numbers: PhoneNumberQuerySet, person: access.Person) -> dict[str, Any]:
    """One page of numbers: `rows`, how many were `found`, how many there are in `total`, and where the page lies.

    Two queries, however many rows. A page past the middle is read from the end, so that the last page is as quick
    as the first.
    """
    searched = query.filters.values.get("q", "")
    alone = person.all_numbers and list(query.filters.values) == ["q"]
    found = count_search(searched) if alone else numbers.count()
    if not found:
        total = access.visible_numbers(person).count() if query.filters.values else 0
        return {"numbers": [], "found": 0, "total": total, "first": 0, "last": 0, "pages": 1}
    pages = -(-found // query.per_page)
    query.stay_within(pages)
    first = (query.page - 1) * query.per_page
    last = min(first + query.per_page, found)
    # As `access.changeable_ids`, in the same query.
    changeable: Any = Value(person.all_numbers and person.may_change_something, output_field=BooleanField())
    if person.may_change_something and not person.all_numbers:
        changeable = Exists(access.changeable_numbers(person).filter(pk=OuterRef("pk")))
    # Of as many numbers as this is made for, one by one looks at `most * last / found`, and otherwise at `found`.
    if searched and found > FEW_FOUND and found * found > MOST_NUMBERS * min(last, found - first):
        numbers = query.filters.one_by_one()
    numbers = numbers.only(*ROW_FIELDS).annotate(changeable=changeable)
    if query.filters.values:
        numbers = numbers.annotate(total=CountOf(access.visible_numbers(person).order_by().values("pk")))
    if first * 2 > found:
        rows = list(numbers.order_by(*query.order(backwards=True))[found - last : found - first])[::-1]
    else:
        rows = list(numbers.order_by(*query.order())[first:last])
    total = getattr(rows[0], "total", found) if rows else found
    return {"numbers": rows, "found": found, "total": total, "first": first + 1, "last": last, "pages": pages}


def counts_of(person: access.Person, lists: list[PhoneNumberQuerySet]) -> list[int]:
    """How many numbers each of these lists has, in one query."""
    counts = {f"n{place}": CountOf(numbers.order_by().values("pk")) for place, numbers in enumerate(lists)}
    # Some one row has to carry the counts; whoever asks has one.
    carrier: Any = get_user_model().objects.filter(pk=person.user.pk or 0)
    return list(carrier.annotate(**counts).values_list(*counts).get())


def trail_of(query: NumberQuery) -> str:
    """The end of a number's address that says from which list it was opened."""
    return "?" + urlencode({"from": query.address().removeprefix("?")})


def place_of(number: PhoneNumber, query: NumberQuery, numbers: PhoneNumberQuerySet) -> dict[str, Any]:
    """Where a number stands in a list: `previous` and `next` as Close names them, its `place`, how many were `found`.

    One query. A number that has left the list, by an edit perhaps, still has the neighbours of its old place, and
    place 0. Nothing where that cannot be said.
    """
    keys = [key.name for key in SORT_KEYS[query.sort.removeprefix("-")]] + ["id"]
    if any(getattr(number, key) is None for key in keys):
        return {}
    down = query.sort.startswith("-")
    before = numbers.filter(_beyond(number, keys, "gt" if down else "lt"))
    after = numbers.filter(_beyond(number, keys, "lt" if down else "gt"))
    asked = PhoneNumber.objects.filter(pk=number.pk).annotate(
        previous=Subquery(before.order_by(*query.order(backwards=True)).values("close_id")[:1]),
        next=Subquery(after.order_by(*query.order()).values("close_id")[:1]),
        before=CountOf(before.order_by().values("pk")),
        found=CountOf(numbers.order_by().values("pk")),
        listed=Exists(numbers.filter(pk=number.pk)),
    )
    place = asked.values("previous", "next", "before", "found", "listed").get()
    return {**place, "place": place["before"] + 1 if place["listed"] else 0}


def _beyond(number: PhoneNumber, keys: list[str], side: str) -> Q:
    """What comes before or after a number in the order of these keys: "lt" is what is less, "gt" what is more."""
    beyond, same = Q(), Q()
    for key in keys:
        beyond |= same & Q(**{f"{key}__{side}": getattr(number, key)})
        same &= Q(**{key: getattr(number, key)})
    # Said once more of the first key alone, so that the database begins at the number and not at the end of the list.
    return beyond & Q(**{f"{keys[0]}__{side}e": getattr(number, keys[0])})
