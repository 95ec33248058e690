"""What the content security policy and the age of the page ask of every template."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "templates"
TEMPLATES = sorted(ROOT.rglob("*.html"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
class TestTemplate:
    def test_has_no_script_or_style_of_its_own(self, path):
        html = path.read_text(encoding="utf-8")
        assert not re.findall(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|javascript:", html)
        assert not re.findall(r"\son[a-z]+=|\shx-on|\shx-(?:vals|vars|headers)=['\"]js:|hx-trigger=\"[^\"]*\[", html)

    def test_asks_no_other_host_for_anything(self, path):
        html = path.read_text(encoding="utf-8")
        assert not re.findall(r"(?:src|href|action)=[\"'](?:https?:)?//", html)
        assert 'target="_top"' not in html

    def test_marks_nothing_safe(self, path):
        html = path.read_text(encoding="utf-8")
        assert "|safe" not in html
        assert "autoescape off" not in html
