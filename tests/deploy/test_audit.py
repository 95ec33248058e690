"""The step of CI that asks for advisories: what is known fails, and what could not be asked is said."""

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings

SOUND = {"dependencies": [{"name": "django", "version": "5.2.19", "vulns": []}]}
SKIPPED = {"name": "requests", "skip_reason": "Dependency not found on PyPI and could not be audited"}
KNOWN = {"name": "django", "version": "5.2.1", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["5.2.2"]}]}
NPM_SOUND = {"vulnerabilities": {}, "metadata": {"vulnerabilities": {"total": 0}}}
NPM_KNOWN = {"vulnerabilities": {"bootstrap": {"severity": "high", "range": "<5.3.9"}}}
NPM_AWAY = {"message": "405 Method Not Allowed", "error": {"summary": "", "detail": ""}}


@pytest.fixture
def audit(tmp_path):
    """Run the step beside programs that answer with these; None: the program ends without an answer."""

    def run(pip_audit, npm, *, of_tests=None):
        for name, answer in (("pip-audit", pip_audit), ("npm", npm)):
            program = tmp_path / name
            elsewhere, here = ("" if one is None else json.dumps(one) for one in (answer, of_tests or answer))
            choose = f"{here!r} if os.getcwd().endswith('provider') else {elsewhere!r}"
            program.write_text(f"#!{sys.executable}\nimport os, sys\nprint({choose})\nsys.exit(1)\n")
            program.chmod(0o755)
        return subprocess.run(
            [sys.executable, settings.BASE_DIR / ".ci" / "audit"],
            env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_nothing_known_passes(audit):
    done = audit(SOUND, NPM_SOUND)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "No vulnerability is known in what the server runs on.\nNo vulnerability is known in what its pages load.\n"
        "No vulnerability is known in what its tests sign in at.\n"
    )


@pytest.mark.parametrize(
    ("pip_audit", "npm", "words"),
    [
        ({"dependencies": [KNOWN]}, NPM_SOUND, "django 5.2.1: PYSEC-2026-1, fixed in 5.2.2"),
        ({"dependencies": [SKIPPED, KNOWN]}, NPM_AWAY, "django 5.2.1: PYSEC-2026-1, fixed in 5.2.2"),
        (SOUND, NPM_KNOWN, "bootstrap <5.3.9: high"),
        (None, NPM_KNOWN, "bootstrap <5.3.9: high"),
    ],
)
def test_what_is_known_fails_whatever_else_could_not_be_asked(audit, pip_audit, npm, words):
    done = audit(pip_audit, npm)
    assert done.returncode == 1
    assert words in done.stdout


def test_what_is_known_of_the_provider_of_the_tests_is_said_and_passes(audit):
    done = audit(SOUND, {"vulnerabilities": {}}, of_tests=NPM_KNOWN)
    assert done.returncode == 0
    assert "Known vulnerabilities in what its tests sign in at:\n  bootstrap <5.3.9: high" in done.stdout


@pytest.mark.parametrize("pip_audit", [None, {}, {"dependencies": []}, {"dependencies": [SKIPPED]}, ["?"]])
@pytest.mark.parametrize("npm", [None, NPM_AWAY, {}])
def test_what_could_not_be_asked_is_said_and_passes(audit, pip_audit, npm):
    done = audit(pip_audit, npm)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("The advisories could not be reached for all of ") == 3
    assert "No vulnerability is known" not in done.stdout
