"""The pins with hashes, from which a server is installed, are those of the requirements."""

import re

import pytest
from django.conf import settings

# What is locked, and where.
LOCKS = {
    "requirements.txt": "deploy/requirements.lock",
    "deploy/requirements-saml.txt": "deploy/requirements-saml.lock",
}
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[\w,]+\])?==(\S+)", re.MULTILINE)


def pins(path):
    text = (settings.BASE_DIR / path).read_text()
    return {re.sub(r"[._-]+", "-", name).lower(): version for name, version in PIN.findall(text)}


@pytest.mark.parametrize(("list_of", "lock"), LOCKS.items())
def test_it_holds_every_requirement_at_the_same_version(list_of, lock):
    locked, wanted = pins(lock), pins(list_of)
    assert wanted
    assert {name: locked.get(name) for name in wanted} == wanted, "Type: make lock"


@pytest.mark.parametrize("lock", LOCKS.values())
def test_every_package_has_its_hashes_and_comes_from_no_place_of_its_own(lock):
    text = (settings.BASE_DIR / lock).read_text()
    for block in re.split(r"\n(?=[a-z])", text.strip()):
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert "://" not in text
