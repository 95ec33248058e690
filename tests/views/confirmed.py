"""A draft of a few numbers, and its page with the button pressed."""

import re

import pytest

from ..services.planned import draft, some


@pytest.fixture
def plan(synced, ops):
    return draft(ops, some(4), label="Team")


def confirm(client, plan, **fields):
    """Press the button of the page: all that the form carries, the digest as the page shows it."""
    page = client.get(f"/plans/{plan.pk}/").content.decode()
    digest = re.search(r'name="digest" value="(\w+)"', page)
    shown = {
        "digest": digest[1] if digest else "",
        "name": plan.name,
        "when": "now",
        "drift": "leave",
        "do": "approve",
    }
    return client.post(f"/plans/{plan.pk}/", shown | fields)
