"""The endpoints: what each call under `/api/v1` is answered, as far as the simulator knows it.

https://developer.close.com/api. A call to anything else that Close may have is answered 501.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .organisation import Organisation, members_of
from .people import ADMIN_PERMISSIONS, MEMBER_PERMISSIONS
from .rules import complaints, refusal
from .web import Answer, Call, Json, dump, error, field_errors, says

PAGE = 100
ROLES = {
    "admin": ("Admin", ADMIN_PERMISSIONS),
    "superuser": ("Super User", ADMIN_PERMISSIONS),
    "user": ("User", MEMBER_PERMISSIONS),
    "restricteduser": ("Restricted User", ["calling"]),
}


class Refused(Exception):
    """The call is answered with an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass
class Desk:
    """Where a call is worked on: the organisation, and the status that a missing permission gives."""

    organisation: Organisation
    refusal_status: int = 403

    def perform(self, call: Call) -> tuple[Answer, bool]:
        """Do what the call asks for; return the answer, and whether the organisation was changed."""
        try:
            for method, pattern, work in ROUTES:
                if method == call.method and (match := pattern.fullmatch(call.path)):
                    return work(self, call, *match.groups()), method == "PUT"
        except Refused as refused:
            return refused.answer, False
        if not call.path.endswith("/"):
            return error(404, f"Not Found: {call.path} (does it lack the slash at its end?)"), False
        return error(501, f"The simulator does not answer {call.method} {call.path} yet."), False


def me(desk: Desk, call: Call) -> Answer:
    """https://developer.close.com/api/resources/users/get-me"""
    organisation = desk.organisation
    mine = organisation.me
    numbers = [
        {
            key: number[key]
            for key in ("id", "number", "organization_id", "participant_groups", "date_created", "date_updated")
        }
        for number in organisation.find(mine["id"])
        if mine["id"] in members_of(number)
    ]
    answer = {
        **mine,
        "organizations": [{"id": organisation.id, "name": organisation.name}],
        "memberships": [organisation.my_membership],
        "phone_numbers": numbers,
        "email_accounts": [],
        "last_used_timezone": "Europe/Berlin",
    }
    return says(200, _picked(answer, call))


def users(desk: Desk, call: Call) -> Answer:
    """https://developer.close.com/api/resources/users/list: the people who are members now."""
    people = [desk.organisation.users[one["user_id"]] for one in desk.organisation.memberships]
    if order := call.query.get("_order_by"):
        if order not in ("last_name,first_name", "first_name,last_name"):
            raise Refused(error(400, f"Invalid _order_by: {order}"))
        keys = order.split(",")
        people.sort(key=lambda person: [person[key].casefold() for key in keys])
    return _listed(people, call)


def user(desk: Desk, call: Call, user_id: str) -> Answer:
    """https://developer.close.com/api/resources/users/get"""
    return says(200, _picked(_known(desk.organisation.users, user_id, "User"), call))


def organization(desk: Desk, call: Call, organisation_id: str) -> Answer:
    """https://developer.close.com/api/resources/organizations, with `_expand` for the users of memberships."""
    it = desk.organisation
    _known({it.id: it}, organisation_id, "Organization")
    expand = call.query.get("_expand", "").split(",")
    answer: Json = {
        "id": it.id,
        "name": it.name,
        "plan_type": "business",
        "date_created": it.date_created,
        "date_updated": it.date_created,
        "lead_statuses": [],
        "pipelines": [],
    }
    for field in ("memberships", "inactive_memberships"):
        answer[field] = [
            _expanded(membership, it) if f"{field}__user" in expand else membership
            for membership in getattr(it, field)
        ]
    return says(200, _picked(answer, call))


def groups(desk: Desk, call: Call) -> Answer:
    """https://developer.close.com/api/resources/groups/list: without their members."""
    listed = [
        {key: value for key, value in group.items() if key != "members"}
        for group in desk.organisation.groups.values()
    ]
    return says(200, {"data": [_picked(group, call) for group in listed], "has_more": False})


def group(desk: Desk, call: Call, group_id: str) -> Answer:
    """https://developer.close.com/api/resources/groups/get: with its members."""
    return says(200, _picked(_known(desk.organisation.groups, group_id, "Group"), call))


def roles(desk: Desk, call: Call) -> Answer:
    """https://developer.close.com/resources/roles"""
    built_in = [
        {
            "id": role_id,
            "name": name,
            "editable": False,
            "permissions": permissions,
            "visibility_user_lcf_behavior": None,
            "visibility_user_lcf_ids": [],
        }
        for role_id, (name, permissions) in ROLES.items()
    ]
    return _listed(built_in, call)


def phone_numbers(desk: Desk, call: Call) -> Answer:
    """https://developer.close.com/api/resources/phone-numbers/list"""
    organisation = desk.organisation
    skip, limit = _page(call)
    filters = _filters(call)
    if filters:
        found = organisation.find(*(needle for needle, _ in filters))
        return _listed((one for one in found if all(fits(one) for _, fits in filters)), call)
    with organisation.lock:
        texts = [organisation.texts[number_id] for number_id in organisation.order[skip : skip + limit]]
        more = skip + limit < len(organisation.order)
    if "_fields" in call.query:
        return says(200, {"data": [_picked(json.loads(text), call) for text in texts], "has_more": more})
    return Answer(200, b"".join((b'{"data":[', b",".join(texts), b'],"has_more":', dump(more), b"}")))


def phone_number(desk: Desk, call: Call, number_id: str) -> Answer:
    """https://developer.close.com/api/resources/phone-numbers/get"""
    text = _known(desk.organisation.texts, number_id, "PhoneNumber")
    if "_fields" in call.query:
        return says(200, _picked(json.loads(text), call))
    return Answer(200, text)


def update_phone_number(desk: Desk, call: Call, number_id: str) -> Answer:
    """https://developer.close.com/api/resources/phone-numbers/update: a patch of the fields that are sent."""
    organisation = desk.organisation
    with organisation.lock:
        _known(organisation.texts, number_id, "PhoneNumber")
        number = organisation.numbers[number_id]
        patch = _patch(call)
        if refused := refusal(patch, number, organisation, desk.refusal_status):
            raise Refused(refused)
        if wrong := complaints(patch, number, organisation):
            raise Refused(field_errors(wrong))
        return says(200, _picked(organisation.change(number_id, patch), call))


Work = Callable[..., Answer]
ROUTES: list[tuple[str, re.Pattern[str], Work]] = [
    (method, re.compile(pattern), work)
    for method, pattern, work in (
        ("GET", r"/phone_number/", phone_numbers),
        ("GET", r"/phone_number/([^/]+)/", phone_number),
        ("PUT", r"/phone_number/([^/]+)/", update_phone_number),
        ("GET", r"/me/", me),
        ("GET", r"/user/", users),
        ("GET", r"/user/(user_[^/]+)/", user),
        ("GET", r"/organization/([^/]+)/", organization),
        ("GET", r"/group/", groups),
        ("GET", r"/group/([^/]+)/", group),
        ("GET", r"/role/", roles),
    )
]


def _known(things: Any, thing_id: str, model: str) -> Any:
    """Return the thing with this id, or answer as Close does where there is none."""
    if thing_id not in things:
        raise Refused(error(404, f"Empty query: {model} matching query does not exist."))
    return things[thing_id]


def _page(call: Call) -> tuple[int, int]:
    """Return `_skip` and `_limit`, or answer 400: limits over 100, negative numbers and what is no number."""
    values = []
    for name, default in (("_skip", 0), ("_limit", PAGE)):
        text = call.query.get(name, str(default))
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise Refused(error(400, f"{name} must be a non-negative integer."))
        values.append(int(text))
    skip, limit = values
    if limit > PAGE:
        raise Refused(error(400, f"The limit you set is larger than the maximum limit (max_limit = {PAGE})."))
    return skip, limit


def _picked(thing: Json, call: Call) -> Json:
    """Return what `_fields` asks for of a thing; all of it where it is not given."""
    if "_fields" not in call.query:
        return thing
    wanted = call.query["_fields"].split(",")
    return {key: value for key, value in thing.items() if key in wanted}


def _listed(things: Iterable[Json], call: Call) -> Answer:
    """Return one page of a list."""
    skip, limit = _page(call)
    all_things = list(things)
    data = [_picked(thing, call) for thing in all_things[skip : skip + limit]]
    return says(200, {"data": data, "has_more": skip + limit < len(all_things)})


def _filters(call: Call) -> list[tuple[str, Callable[[Json], bool]]]:
    """Return the filters of the list of numbers: each a text that the JSON must hold, and a test of the number."""
    filters: list[tuple[str, Callable[[Json], bool]]] = []
    query = call.query
    if wanted := query.get("number"):
        filters.append((json.dumps(wanted), lambda number: number["number"] == wanted))
    if participant := query.get("participant_user_id"):
        filters.append((json.dumps(participant), lambda number: participant in members_of(number)))
    if owner := query.get("user_id"):
        filters.append((json.dumps(owner), lambda number: number["user_id"] == owner))
    if (grouped := query.get("is_group_number")) is not None:
        if grouped.lower() not in ("true", "false"):
            raise Refused(error(400, "is_group_number must be true or false."))
        filters.append((f'"is_group_number":{grouped.lower()}', lambda number: True))
    return filters


def _patch(call: Call) -> Json:
    """Return the body of a PUT, or answer 415 where it is not said to be JSON and 400 where it is no object."""
    content_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Refused(error(415, "Unsupported media type: send application/json."))
    try:
        patch = json.loads(call.body)
    except ValueError:
        raise Refused(error(400, "The request body is not valid JSON.")) from None
    if not isinstance(patch, dict):
        raise Refused(error(400, "The request body must be a JSON object."))
    return patch


def _expanded(membership: Json, organisation: Organisation) -> Json:
    """Return a membership with its user in place of the keys `user_…`."""
    plain = {key: value for key, value in membership.items() if not key.startswith("user_")}
    return {**plain, "user": organisation.users[membership["user_id"]]}
