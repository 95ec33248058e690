"""Who there is: the caller, people, the organisation with its memberships, groups and roles."""

import pytest


def test_me_says_who_calls_what_they_may_and_which_numbers_are_theirs(call, org):
    me = call.get("me/").json()

    assert me["id"] == org.me["id"]
    assert me["organizations"] == [{"id": org.id, "name": org.name}]
    (membership,) = me["memberships"]
    assert "manage_group_numbers" in membership["permissions_granted"]
    assert me["phone_numbers"]
    for number in me["phone_numbers"]:
        assert set(number) == {
            "id",
            "number",
            "organization_id",
            "participant_groups",
            "date_created",
            "date_updated",
        }
    assert call.get("me/", _fields="id").json() == {"id": org.me["id"]}


def test_users_are_those_who_work_here(call, org):
    users = call.get("user/").json()

    assert len(users["data"]) == 54
    assert users["has_more"] is False
    assert all(
        set(user)
        == {"id", "email", "first_name", "last_name", "image", "organizations", "date_created", "date_updated"}
        for user in users["data"]
    )
    assert all(user["organizations"] == [org.id] for user in users["data"])


def test_users_come_in_pages_and_in_order(call):
    first = call.get("user/", _limit=50, _order_by="last_name,first_name").json()
    rest = call.get("user/", _limit=50, _skip=50, _order_by="last_name,first_name").json()

    assert (first["has_more"], rest["has_more"]) == (True, False)
    names = [(user["last_name"].casefold(), user["first_name"].casefold()) for user in first["data"] + rest["data"]]
    assert names == sorted(names)
    assert len(names) == 54


def test_users_in_an_order_that_is_not_offered_are_400(call):
    assert call.get("user/", _order_by="email").status_code == 400


def test_one_user_also_one_who_left(call, org):
    leaver = org.inactive_memberships[0]

    assert call.get(f"user/{leaver['user_id']}/").json()["email"] == leaver["user_email"]
    assert call.get("user/user_nobody/").status_code == 404


def test_the_organisation_knows_who_left(call, org):
    answer = call.get(f"organization/{org.id}/").json()

    assert (len(answer["memberships"]), len(answer["inactive_memberships"])) == (54, 6)
    member = answer["memberships"][0]
    assert {"id", "user_id", "user_email", "user_full_name", "user_phone", "role_id", "permissions_granted"} <= set(
        member
    )
    assert "user" not in member
    assert call.get("organization/orga_other/").status_code == 404


def test_memberships_are_expanded_where_asked(call, org):
    answer = call.get(f"organization/{org.id}/", _expand="memberships__user,inactive_memberships__user").json()

    for membership in answer["memberships"] + answer["inactive_memberships"]:
        assert membership["user"] == org.users[membership["user"]["id"]]
        assert not any(key.startswith("user_") for key in membership)


def test_only_what_is_asked_for_is_expanded(call, org):
    answer = call.get(f"organization/{org.id}/", _expand="inactive_memberships__user").json()

    assert "user" not in answer["memberships"][0]
    assert "user" in answer["inactive_memberships"][0]


def test_groups_show_their_members_only_one_by_one(call, org):
    groups = call.get("group/").json()

    assert groups["has_more"] is False
    assert len(groups["data"]) == 6
    for group in groups["data"]:
        assert set(group) == {"id", "name", "organization_id"}
        one = call.get(f"group/{group['id']}/").json()
        assert one == {**group, "members": one["members"]}
        assert all(set(member) == {"user_id"} for member in one["members"])
    assert call.get("group/group_none/").status_code == 404


def test_roles_are_close_s_own_four(call):
    roles = call.get("role/").json()

    assert [role["id"] for role in roles["data"]] == ["admin", "superuser", "user", "restricteduser"]
    assert "manage_group_numbers" in roles["data"][1]["permissions"]
    assert "manage_group_numbers" not in roles["data"][2]["permissions"]


@pytest.mark.parametrize("key", ["id", "user_email", "role_id"])
def test_memberships_are_complete(org, key):
    assert all(membership[key] for membership in org.memberships + org.inactive_memberships)
