"""The words of templates: icons, numbers, initials, how long ago."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.template import Context, Template
from django.utils import timezone

NOW = datetime(2026, 11, 24, 11, 58, tzinfo=UTC)


def rendered(source, **context):
    return Template("{% load ui %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+14155550142", "+1 415 555 0142"),
        ("+442079460958", "+44 20 7946 0958"),
        ("+4930231250", "+49 30 231250"),
        ("ext. 12", "ext. 12"),
        ("<b>", "&lt;b&gt;"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_number_is_shown_as_people_read_it(number, shown):
    assert rendered("{{ number|phone }}", number=number) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Marta Klein", "MK"),
        ("Ana María Ruiz", "AR"),
        ("Cher", "CH"),
        ("ops@demo.test", "OP"),
        ("marta.klein@example.com", "MK"),
        ("", "?"),
        (None, "?"),
    ],
)
def test_a_person_is_shown_by_initials(name, shown):
    assert rendered("{{ name|initials }}", name=name) == shown


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime(2026, 11, 24, 11, 57, 30, tzinfo=UTC), "just now"),
        (datetime(2026, 11, 24, 11, 59, tzinfo=UTC), "just now"),
        (datetime(2026, 11, 24, 11, 56, tzinfo=UTC), "2 min ago"),
        (datetime(2026, 11, 24, 8, 58, tzinfo=UTC), "3 h ago"),
        (datetime(2026, 11, 23, 11, 0, tzinfo=UTC), "yesterday"),
        (datetime(2026, 11, 19, 11, 0, tzinfo=UTC), "5 d ago"),
        (datetime(2026, 11, 12, 23, 30, tzinfo=UTC), "13 Nov"),
        (datetime(2025, 11, 12, 9, 0, tzinfo=UTC), "12 Nov 2025"),
        (None, "never"),
    ],
)
def test_a_moment_is_shown_by_its_age(moment, shown):
    with time_machine.travel(NOW, tick=False), timezone.override("Europe/Berlin"):
        assert rendered("{{ moment|ago }}", moment=moment) == shown


def test_a_time_carries_its_moment_in_full():
    moment = datetime(2026, 11, 24, 10, 58, tzinfo=UTC)
    with time_machine.travel(NOW, tick=False), timezone.override("Europe/Berlin"):
        assert rendered("{% since moment %}", moment=moment) == (
            '<time class="ago" datetime="2026-11-24T10:58:00+00:00" title="24 Nov 2026, 11:58 CET">1 h ago</time>'
        )


def test_an_icon_is_hidden_from_screen_readers_and_points_into_the_sprite():
    icon = rendered("{% icon 'pencil' 'lead' %}")
    assert icon.startswith('<svg class="icon lead" aria-hidden="true"><use href="/static/vendor/icons.')
    assert icon.endswith('svg#pencil"/></svg>')


def test_a_row_can_write_its_icons_out():
    written_out = '<svg class="icon" aria-hidden="true"><use href="{{ sprite }}#pencil"/></svg>'
    assert rendered("{% sprite as sprite %}" + written_out) == rendered("{% icon 'pencil' %}")
