"""Our modules and style sheets are joined into one file each, and stay what they are."""

import re
from pathlib import Path

import pytest

from dashboard.storage import joined_script, joined_styles

STATIC = Path(__file__).resolve().parent.parent / "static"


def test_every_module_is_in_the_script_once_and_after_what_it_imports():
    script = joined_script(STATIC / "app.js")
    names = re.findall(r"^const from_(\w+) = \(", script, re.MULTILINE)
    assert sorted(names) == sorted([*(path.stem for path in (STATIC / "js").glob("*.js")), "app"])
    assert names.index("messages") < names.index("keys")
    assert "const { say } = from_messages;" in script
    assert "return { say };" in script


def test_a_module_that_cannot_be_joined_is_an_error(tmp_path):
    (tmp_path / "app.js").write_text("export default 1;\n")
    with pytest.raises(ValueError, match=r"app\.js imports or exports in a way that cannot be joined"):
        joined_script(tmp_path / "app.js")


def test_every_style_sheet_is_in_the_one_and_finds_its_font():
    styles = joined_styles(STATIC / "app.css")
    assert "@import" not in styles
    assert sum(path.read_text().count("{") for path in (STATIC / "css").glob("*.css")) == styles.count("{")
    assert 'url("vendor/inter-latin-wght-normal.woff2")' in styles
