"""What the documents beside the product name is there."""

import re

import pytest
from django.conf import settings
from django.core.management import get_commands

from dashboard.signin.proxies import NEEDED

from .conftest import DEPLOY

DOCUMENTS = {file.name: file.read_text() for file in DEPLOY.glob("*.md")}
SETTINGS = re.findall(r"^([A-Z_]+)=", (settings.BASE_DIR / ".env.example").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_settings_and_commands(name):
    text = DOCUMENTS[name]
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (DEPLOY / link).exists(), link
    for setting in re.findall(r"\b([A-Z][A-Z_]+[A-Z])(?==|`)", text):
        assert setting.removesuffix("_FILE") in SETTINGS or "_" not in setting, setting
    for command in re.findall(r"manage(?:\.py)? ([a-z_]+)", text):
        assert command in get_commands(), command


def test_every_file_and_every_kind_of_proxy_is_explained():
    listed = DOCUMENTS["README.md"].replace(".*`", "")
    for file in DEPLOY.iterdir():
        if file.suffix not in (".png", ".dockerignore") and file.name != "README.md":
            assert re.sub(r"-(watch|backup)\..*", r"-\1", file.name) in listed, file.name
    assert {kind for kind in NEEDED if f"| `{kind}`" not in DOCUMENTS["sign-in.md"]} == set()
