"""From the address of the number list to the numbers that answer it: scope, filters, totals, one page."""

from typing import Any

from django.db.models import BooleanField, Exists, IntegerField, OuterRef, QuerySet, Subquery, Value

from dashboard import access
from dashboard.context import preference_of
from dashboard.filters import NumberFilter, NumberQuery
from dashboard.models import Group, Member, PhoneNumber, PhoneNumberQuerySet
from dashboard.views.number_rows import ROW_FIELDS


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
    found = numbers.count()
    if not found:
        total = access.visible_numbers(person).count() if query.filters.values else 0
        return {"numbers": [], "found": 0, "total": total, "first": 0, "last": 0, "pages": 1}
    pages = -(-found // query.per_page)
    if query.page > pages:
        query.notes.append(
            f"There are only {pages} pages; the last one is shown." if pages > 1 else "There is one page."
        )
        query.page = pages
    first = (query.page - 1) * query.per_page
    last = min(first + query.per_page, found)
    changeable: Any = Value(person.all_numbers and person.may_change_something, output_field=BooleanField())
    if person.may_change_something and not person.all_numbers:
        changeable = Exists(access.changeable_numbers(person).filter(pk=OuterRef("pk")))
    numbers = numbers.only(*ROW_FIELDS).annotate(changeable=changeable)
    if query.filters.values:
        numbers = numbers.annotate(total=CountOf(access.visible_numbers(person).order_by().values("pk")))
    if first * 2 > found:
        rows = list(numbers.order_by(*query.order(backwards=True))[found - last : found - first])[::-1]
    else:
        rows = list(numbers.order_by(*query.order())[first:last])
    total = getattr(rows[0], "total", found) if rows else found
    return {"numbers": rows, "found": found, "total": total, "first": first + 1, "last": last, "pages": pages}
