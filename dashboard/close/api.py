"""One function per endpoint of Close that this program calls.

Each raises ``CloseError`` when Close cannot be asked or says no.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .client import ID, Client
from .errors import NotFoundError, ServerError
from .paging import Page, field_list, records, several, walk
from .records import GroupRecord, MemberRecord, MeRecord, OrganizationRecord, PhoneNumberRecord, RoleRecord

PAGE_SIZE = 100
"""Close refuses more per page."""


def me(client: Client) -> MeRecord:
    """Return who the key belongs to, with organisations and permissions.

    https://developer.close.com/api/resources/users/get-me
    """
    return MeRecord.parse(client.get("me/"))


def organization(client: Client, organization_id: str) -> OrganizationRecord:
    """Return the organisation with its active and its former members.

    https://developer.close.com/api/resources/organizations
    """
    expand = {"_expand": "memberships__user,inactive_memberships__user"}
    return OrganizationRecord.parse(client.get(f"organization/{_id(organization_id)}/", expand))


def users(client: Client) -> Iterator[MemberRecord]:
    """Yield the people of the organisation; whether former ones are among them is not documented.

    https://developer.close.com/api/resources/users/list
    """
    return records(walk(client, "user/", MemberRecord.parse, page_size=PAGE_SIZE))


def user(client: Client, user_id: str) -> MemberRecord:
    """Return one person.

    https://developer.close.com/api/resources/users
    """
    return MemberRecord.parse(client.get(f"user/{_id(user_id)}/"))


def groups(client: Client) -> Iterator[GroupRecord]:
    """Yield the groups, without their members: Close leaves them out of the list.

    https://developer.close.com/api/resources/groups/list
    """
    return records(walk(client, "group/", GroupRecord.parse))


def group(client: Client, group_id: str) -> GroupRecord:
    """Return one group with its members.

    https://developer.close.com/api/resources/groups
    """
    return GroupRecord.parse(client.get(f"group/{_id(group_id)}/"))


def groups_with_members(client: Client, *, connections: int = 4) -> list[GroupRecord]:
    """Return all groups with their members, reading so many at a time: there is a request for each.

    https://developer.close.com/api/resources/groups
    """
    listed = list(groups(client))
    with several(connections) as threads:
        return list(threads.map(lambda listed: group(client, listed.id), listed))


def roles(client: Client) -> Iterator[RoleRecord]:
    """Yield the roles of the organisation with what they may do.

    https://developer.close.com/resources/roles
    """
    return records(walk(client, "role/", RoleRecord.parse))


def phone_number_pages(
    client: Client,
    *,
    page_size: int = PAGE_SIZE,
    connections: int = 4,
    begin: Callable[[], Any] = lambda: None,
    fields: Sequence[str] | None = None,
) -> Iterator[Page[PhoneNumberRecord]]:
    """Yield all phone numbers page by page, in order, reading ahead with so many connections.

    What comes to its end has seen each number that was there all the time, for which all pages may come once more;
    what cannot say so ends with ``ListMovedError``. See ``paging``, also for ``begin`` and ``Page``. Memory does not
    grow with the number of pages.

    https://developer.close.com/api/resources/phone-numbers/list
    """
    return walk(
        client,
        "phone_number/",
        PhoneNumberRecord.parse,
        page_size=page_size,
        params=field_list(fields),
        connections=connections,
        begin=begin,
    )


def phone_numbers(
    client: Client,
    *,
    fields: Sequence[str] | None = None,
    concurrency: int = 1,
    on_page: Callable[[Page[PhoneNumberRecord]], object] | None = None,
) -> Iterator[PhoneNumberRecord]:
    """Yield all phone numbers, with all fields or those named; ``on_page`` is told of each page.

    Numbers come once more where the list changed while it was read.

    https://developer.close.com/api/resources/phone-numbers/list
    """
    for page in phone_number_pages(client, connections=concurrency, fields=fields):
        if on_page:
            on_page(page)
        yield from page.records


def phone_number(client: Client, phone_number_id: str) -> PhoneNumberRecord:
    """Return one phone number.

    https://developer.close.com/api/resources/phone-numbers/get
    """
    return PhoneNumberRecord.parse(client.get(f"phone_number/{_id(phone_number_id)}/"))


def update_phone_number(client: Client, phone_number_id: str, fields: Mapping[str, Any]) -> PhoneNumberRecord:
    """Change these fields of one phone number, leave all others alone, and return what Close made of it.

    It is sent once. An error whose ``sent`` is true leaves open whether it was done; so does an answer without an id.

    https://developer.close.com/api/resources/phone-numbers/update
    """
    answer = client.put(f"phone_number/{_id(phone_number_id)}/", fields)
    try:
        return PhoneNumberRecord.parse(answer)
    except ServerError as error:
        raise ServerError(error.log, writing=True) from None


def _id(value: str) -> str:
    if not re.fullmatch(ID, value):
        raise NotFoundError(f"{value[:80]!r} is no id that Close could know")
    return value
