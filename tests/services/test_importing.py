"""A table becomes a plan: numbers found in any notation, values understood, and each row's errors beside it."""

import io
from uuid import uuid4

import pytest

from dashboard import access
from dashboard.models import Group, Import, Member, PhoneNumber, Plan
from dashboard.services import fields, finding, import_columns, importing, number_table, tables

from .planned import some, verdicts


def bring(user, *lines, **facts):
    """An import of these lines of CSV, the first of which holds the headings."""
    file = io.BytesIO("\n".join(lines).encode())
    return importing.take(actor=access.person(user), file=file, name="numbers.csv", **facts)


def plan_of(imported, user):
    return importing.propose(imported, access.person(user), intent=uuid4())


def errors_of(imported):
    """The errors by row: [(heading or "", words), ...]."""
    return {
        row.place: [("" if at is None else imported.headings[at], words) for at, words in row.errors]
        for row in imported.rows.filter(is_wrong=True)
    }


def words_of(imported):
    return [words for errors in errors_of(imported).values() for _, words in errors]


def test_rows_become_the_changes_of_a_draft(synced, ops):
    one, two = some(2)
    PhoneNumber.objects.filter(pk=two.pk).update(inbound_ring_duration=60)
    imported = bring(
        ops,
        "number,label,forward_to,forward_to_enabled,press_1_to_accept,inbound_ring_duration,voicemail_greeting_url",
        f"{one.number},Christmas,+49 (176) 0406 9180,on,Yes,45,https://example.com/a.mp3",
        f"{two.number},-,,no,,-,-",
    )
    assert (imported.wrong, imported.count, errors_of(imported)) == (0, 2, {})
    plan = plan_of(imported, ops)
    first, second = plan.changes.order_by("pk")
    assert first.after | first.shown == {
        "label": "Christmas",
        "forward_to": "+4917604069180",
        "forward_to_enabled": True,
        "press_1_to_accept": True,
        "inbound_ring_duration": 45,
        "voicemail_greeting_url": "https://example.com/a.mp3",
    }
    assert second.after | second.shown == {
        "label": "",
        "forward_to_enabled": False,
        "inbound_ring_duration": 30,
        "voicemail_greeting_url": "",
    }
    assert (plan.state, plan.source) == (Plan.State.DRAFT, "import")
    assert plan.selection == "2 rows of the file numbers.csv"
    assert synced.puts() == []


@pytest.mark.parametrize(
    "notation",
    [
        "+44 161 496 0304",
        "+44 (0)161 496-0304",
        "0044 161 4960304",
        "0161 496 0304",
        "tel:+441614960304",
        "４４1614960304",
    ],
)
def test_a_number_is_found_in_any_notation(synced, ops, notation):
    number = some(1)[0]
    PhoneNumber.objects.filter(pk=number.pk).update(number="+441614960304", country="GB")
    imported = bring(ops, "Phone;Label", f"{notation};Manchester")
    assert errors_of(imported) == {}
    assert plan_of(imported, ops).changes.get().number_id == number.pk


def test_a_row_that_names_no_number_or_two_says_so(synced, ops):
    one, two = some(2)
    PhoneNumber.objects.filter(pk=two.pk).update(number="+44" + one.number.removeprefix("+1"))
    imported = bring(
        ops,
        "id,number,label",
        f"{one.close_id},{one.number},Right",
        f"{one.close_id},+4930123456,Crossed",
        f"{one.close_id},{some(3)[2].number},Crossed",
        "phon_nothing,,Nobody",
        ",4.91517E+11,Shortened",
        ",Berlin,No digits",
        f",{one.number.removeprefix('+1')},Two countries",
        ",,Nothing",
    )
    assert errors_of(imported) == {
        3: [("number", "No number in Close is +4930123456.")],
        4: [("number", "The id in this row is that of another number. One of the two is wrong.")],
        5: [("id", "No number in Close has this id.")],
        6: [("number", finding.SHORTENED)],
        7: [("number", "This is no phone number. Write one such as +1 415 555 0142.")],
        8: [("number", finding.SEVERAL)],
        9: [("number", "This row does not say which number it is about.")],
    }
    assert imported.nowhere == 7
    plan = plan_of(imported, ops)
    assert verdicts(plan) == ["change"]
    assert plan.selection == "1 row of the file numbers.csv; 7 more name no number that could be changed"


def test_what_a_cell_cannot_be_stands_beside_it(synced, ops):
    one, two, three, four, five = some(5)
    imported = bring(
        ops,
        "number,label,forward_to,forward_to_enabled,inbound_ring_duration",
        f"{one.number},=A1+1,,maybe,5",
        f"{two.number},#REF!,-,-,",
        f"{three.number},x,+499001123456,,",
        f"{four.number},a,,,,left over",
        f"{five.number},fine,,,",
    )
    found = errors_of(imported)
    assert found[2] == [
        ("label", importing.FORMULA),
        ("forward_to_enabled", "Write on or off; yes, no, true and false will do as well."),
    ]
    assert found[3][0] == (
        "label",
        "The spreadsheet could not work this out (#REF!). Put the value itself in its place.",
    )
    assert found[3][1][0] == "forward_to_enabled"
    assert found[4][0][0] == "forward_to"
    assert found[4][0][1].startswith("Premium-rate numbers cost extra")
    assert found[5] == [
        ("", "This row has 6 cells, but there are 5 headings. A text with the separator in it needs quotation marks.")
    ]
    assert verdicts(plan_of(imported, ops)) == ["invalid"] * 4 + ["change"]


def test_a_row_that_is_wrong_shows_only_what_it_would_change(synced, ops):
    number = some(1)[0]
    ring = number.inbound_ring_duration
    imported = bring(ops, "number,label,ring_duration", f"{number.number},{'x' * 300},{ring}")
    assert list(plan_of(imported, ops).changes.get().after) == ["label"]


def test_forwarding_is_not_switched_on_without_a_target(synced, ops):
    number = some(1)[0]
    PhoneNumber.objects.filter(pk=number.pk).update(forward_to="", forward_to_enabled=False)
    imported = bring(ops, "number,forwarding on", f"{number.number},on")
    assert errors_of(imported) == {
        2: [("forwarding on", "Forwarding cannot be switched on without a target.")],
    }


def test_two_rows_about_one_number_are_both_wrong(synced, ops):
    one, two = some(2)
    imported = bring(
        ops, "number,id,label", f"{one.number},,a", f"{two.number},,b", f",{one.close_id},c", f"{one.number},,d"
    )
    assert errors_of(imported) == {
        2: [("", "Rows 4, 5 are about the same number. Keep one of them.")],
        4: [("", "Rows 2, 5 are about the same number. Keep one of them.")],
        5: [("", "Rows 2, 4 are about the same number. Keep one of them.")],
    }
    assert verdicts(plan_of(imported, ops)) == ["invalid", "change", "invalid", "invalid"]


def test_two_numbers_that_forward_to_each_other_would_go_round(synced, ops):
    one, two = some(2)
    lines = (f"{one.number},{two.number},on", f"{two.number},{one.number},on")
    imported = bring(ops, "number,forward_to,forward_to_enabled", *lines)
    assert verdicts(plan_of(imported, ops)) == ["loop", "loop"]


def test_a_lead_reads_of_other_teams_numbers_what_they_read_of_none(synced, lead):
    mine = access.changeable_numbers(access.person(lead)).first()
    seen = access.visible_numbers(access.person(lead))
    foreign = PhoneNumber.objects.exclude(pk__in=seen).first()
    shared = seen.exclude(pk__in=access.changeable_numbers(access.person(lead))).first()
    imported = bring(
        lead,
        "number,label",
        f"{mine.number},Mine",
        f"{foreign.number},Theirs",
        "+4930000001,Nobody's",
        *([f"{shared.number},Shared"] if shared else []),
    )
    assert words_of(imported)[:2] == [
        f"Not allowed: no number of your teams is {foreign.number}.",
        "Not allowed: no number of your teams is +4930000001.",
    ]
    assert all(words.startswith("Not allowed: ") for words in words_of(imported))
    plan = plan_of(imported, lead)
    assert foreign.pk not in plan.changes.values_list("number", flat=True)
    assert verdicts(plan)[0] == "change"


def test_who_may_only_look_imports_nothing(synced, viewer):
    with pytest.raises(importing.NotAllowedError):
        bring(viewer, "number,label", "+1,x")
    assert not Import.objects.exists()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["number,label"], "There is nothing below the headings"),
        (["number,label", *["+1,x"] * 700, '+1,"x'], "Row 702 cannot be read"),
    ],
)
def test_of_a_table_that_cannot_be_read_nothing_is_kept(synced, ops, lines, words):
    with pytest.raises(tables.TableError, match=words):
        bring(ops, *lines)
    assert not Import.objects.exists()


def test_a_misspelt_heading_is_an_error_with_the_nearest_name(synced, ops):
    number = some(1)[0]
    imported = bring(ops, "Number;lable;Remarks;Label;;NAME", f"{number.number};a;b;c;d;e")
    assert imported.mapping == ["number", "", "", "label", "", ""]
    assert imported.checked_at is None
    assert import_columns.problems(imported.headings, imported.mapping) == {
        1: "There is no field “lable”. Did you mean “label”? Choose what it is, or leave it out.",
        2: "There is no field “Remarks”. Choose what it is, or leave it out.",
        4: "This column has no heading. Choose what it is, or leave it out.",
        5: "The column “Label” is the label already. Leave one of them out.",
    }
    with pytest.raises(importing.NotAllowedError):
        plan_of(imported, ops)
    importing.map_columns(imported, access.person(ops), ["number", "leave", "leave", "label", "leave", "leave"])
    assert plan_of(imported, ops).changes.get().after == {"label": "c"}


@pytest.mark.parametrize(
    ("headings", "words"),
    [
        ("label,forwarding", "No column says which number a row is about."),
        ("number,type,teams", "No column holds anything that can be changed here."),
    ],
)
def test_a_table_without_what_it_needs_says_so(synced, ops, headings, words):
    imported = bring(ops, headings, "a,b")
    assert imported.checked_at is None
    assert import_columns.missing(imported.mapping).startswith(words)


def test_what_was_chosen_for_a_heading_is_kept_for_the_mended_table(synced, ops):
    one, two = some(2)
    first = bring(ops, "number,Remark,label", f"{one.number},x,a", "+4930000001,x,b")
    importing.map_columns(first, access.person(ops), ["number", "leave", "label"])
    assert first.wrong == 1
    again = bring(ops, "label,number,Remark", f"a,{one.number},x", f"b,{two.number},x", mends=first)
    assert (again.mapping, again.wrong) == (["label", "number", "leave"], 0)
    assert list(Import.objects.all()) == [again]


def test_a_check_forgets_what_the_one_before_found(synced, ops):
    number = some(1)[0]
    imported = bring(ops, "number,label,ring", f"{number.number},a,many")
    importing.map_columns(imported, access.person(ops), ["number", "label", "inbound_ring_duration"])
    assert imported.wrong == 1
    importing.map_columns(imported, access.person(ops), ["number", "label", "leave"])
    assert (imported.wrong, errors_of(imported), imported.changing) == (0, {}, 1)


def test_every_column_of_an_export_is_known_and_every_field_can_be_imported():
    assert import_columns.guess(number_table.HEADER) == list(number_table.HEADER)
    known = {import_columns.FIELD_OF.get(name, name) for name, one in import_columns.COLUMNS.items() if not one.note}
    assert set(fields.WRITABLE) <= known


def test_the_same_form_twice_makes_one_draft(synced, ops):
    imported, intent = bring(ops, "number,label", f"{some(1)[0].number},a"), uuid4()
    plans = {importing.propose(imported, access.person(ops), intent=intent) for _ in range(2)}
    assert len(plans) == 1
    imported.refresh_from_db()
    assert imported.plan in plans


def test_rows_are_read_in_few_queries(synced, ops, django_assert_max_num_queries):
    lines = [f"{number.number},Row {number.pk}" for number in PhoneNumber.objects.all()]
    with django_assert_max_num_queries(14):
        bring(ops, "number,label", *lines)


def test_people_and_groups_are_named_by_name_or_address(synced, ops):
    one, two, three, four = some(4)
    ana, ben = Member.objects.filter(active=True).order_by("name")[:2]
    group = Group.objects.order_by("name").first()
    Member.objects.create(close_id="user_left", name="Lena Left", email="left@example.com", active=False)
    Member.objects.create(close_id="user_twin", name=ben.name.upper(), email="twin@example.com")
    imported = bring(
        ops,
        "number;members;groups",
        f"{one.number};{ana.email.upper()}, twin@example.com;{group.name}",
        f"{two.number};Lena Left;Nowhere",
        f"{three.number};{ben.name};",
        f"{four.number};-;-",
    )
    assert errors_of(imported) == {
        3: [
            ("members", "There is no active person in Close called “Lena Left”."),
            ("groups", "There is no group in Close called “Nowhere”."),
        ],
        4: [("members", f"More than one active person in Close is called “{ben.name}”. Give the e-mail address.")],
    }
    first = plan_of(imported, ops).changes.order_by("pk").first()
    wanted = first.after | first.shown
    assert sorted(wanted["participants"]) == sorted([ana.close_id, "user_twin"])
    assert wanted.get("participant_groups", [group.close_id]) == [group.close_id]


def test_a_lead_does_not_change_who_a_number_belongs_to(synced, lead):
    mine = access.changeable_numbers(access.person(lead)).first()
    names = number_table.members(mine)
    same = bring(lead, "number;members;label", f"{mine.number};{names};x")
    assert (same.wrong, verdicts(plan_of(same, lead))) == (0, ["change"])
    other = bring(lead, "number;members", f"{mine.number};-")
    assert words_of(other) == ["Not allowed: Only ops admins change who a number belongs to. Ask one of them."]
    assert verdicts(plan_of(other, lead)) == ["forbidden"]
