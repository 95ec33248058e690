"""A table is imported: a misspelt heading is settled, errors are mended, and the plan shows what would change."""

from playwright.sync_api import expect

from dashboard.models import Import, PhoneNumber
from dashboard.templatetags.ui import phone


def csv_of(*lines):
    return {"name": "numbers.csv", "mimeType": "text/csv", "buffer": "\n".join(lines).encode()}


def test_a_table_with_errors_is_mended_and_becomes_a_plan(visit, ops, close, watch):
    watch.expect("status of 422")
    one, two = PhoneNumber.objects.filter(type="internal", forward_to_enabled=False).order_by("pk")[:2]
    page = visit(ops)
    page.goto("/numbers/?q=1")
    page.get_by_role("link", name="Import").click()

    page.get_by_label("CSV file or Excel workbook").set_input_files(csv_of("This is a letter", "not a table"))
    page.get_by_role("button", name="Read it").click()
    expect(page.get_by_role("alert")).to_contain_text("This table has one column only.")

    lines = [
        "number;lable;inbound_ring_duration",
        f"{one.number};Christmas;5",
        f"{two.number};Holidays;",
        "+4930000001;x;",
    ]
    page.get_by_label("CSV file or Excel workbook").set_input_files(csv_of(*lines))
    page.get_by_role("button", name="Read it").click()
    column = page.get_by_label("Column B, lable, is")
    expect(page.locator("#content")).to_contain_text("There is no field “lable”. Did you mean “label”?")
    column.select_option("Label")
    page.get_by_role("button", name="Check the rows").click()

    errors = page.get_by_role("table", name="Rows with errors")
    expect(errors).to_contain_text("Type a whole number of seconds from 15 to 90.")
    expect(errors).to_contain_text("No number in Close is +4930000001.")
    expect(page.get_by_role("button", name="Go on with the 1 row without errors")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download rows and errors").click()
    text = download.value.path().read_text("utf-8-sig")
    assert "inbound_ring_duration: Type a whole number of seconds from 15 to 90." in text

    mended = [line.replace(";5", ";50") for line in lines if not line.startswith("+4930000001")]
    page.get_by_label("The mended table").set_input_files(csv_of(*mended))
    page.get_by_role("button", name="Read it").click()
    expect(page.get_by_role("table", name="Rows with errors")).to_have_count(0)
    # What was chosen for the misspelt heading is kept.
    expect(page.get_by_label("Column B, lable, is")).to_have_value("label")
    assert Import.objects.count() == 1

    page.get_by_role("button", name="Show the plan of 2 numbers").click()
    expect(page.locator("h1")).to_contain_text("Import of numbers.csv")
    for number in (one, two):
        expect(page.locator("#content")).to_contain_text(phone(number.number))
    expect(page.locator("#content")).to_contain_text("Christmas")
    assert close.puts() == []
