"""What others wrote and we ship is exactly what the manifest says, and its licences are beside it."""

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))["files"]


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["file"])
def test_file_is_what_the_manifest_says(entry):
    content = (VENDOR / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["file"])
def test_version_is_the_one_that_is_pinned_and_locked(entry):
    pinned = json.loads((VENDOR / "package.json").read_text(encoding="utf-8"))["dependencies"]
    locked = json.loads((VENDOR / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert pinned[entry["package"]] == entry["version"]
    assert locked["node_modules/" + entry["package"]]["version"] == entry["version"]


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["file"])
def test_licence_is_shipped(entry):
    licence = VENDOR / "licences" / (entry["package"].strip("@").replace("/", "-") + ".txt")
    assert entry["licence"]
    assert len(licence.read_text(encoding="utf-8")) > 400


def test_every_file_is_in_the_manifest():
    ours = {"manifest.json", "package.json", "package-lock.json", "vendor.py"}
    found = {path.name for path in VENDOR.iterdir() if path.is_file()}
    assert found - ours == {entry["file"] for entry in MANIFEST}


@pytest.mark.parametrize("name", ["tabler.min.css", "htmx.min.js", "bootstrap.bundle.min.js"])
def test_file_asks_for_nothing_more(name):
    text = (VENDOR / name).read_text(encoding="utf-8")
    assert "sourceMappingURL" not in text
    assert "@import" not in text
    assert not re.findall(r"url\((?![\"']?data:)[^)]*\)", text)


def test_every_icon_that_a_page_names_is_in_the_sprite():
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (VENDOR / "icons.svg").read_text(encoding="utf-8")))
    named = set()
    for template in (ROOT / "templates").rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        named |= set(re.findall(r"{%-? icon ['\"]([^'\"]+)['\"]", text))
        named |= set(re.findall(r"{{ sprite }}#([\w-]+)", text))
    assert named <= drawn
