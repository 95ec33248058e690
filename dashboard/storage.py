"""How static files are served in production: joined, named by their content, compressed."""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

JS_IMPORT = re.compile(r'^import (?:(\{[^}]+\}) from )?"(\./[^"]+)";\n', re.MULTILINE)
JS_EXPORT = re.compile(r"^export ((?:async )?function (\w+))", re.MULTILINE)
CSS_IMPORT = re.compile(r'^@import "([^"]+)";$', re.MULTILINE)
# Comments that have their lines for themselves: they are for who reads the source.
JS_COMMENT = re.compile(r"^ *(?://.*|/\*\*.*\*/)\n", re.MULTILINE)
CSS_COMMENT = re.compile(r"^ */\*.*?\*/\n", re.MULTILINE | re.DOTALL)


class HashedStorage(CompressedManifestStaticFilesStorage):
    """Makes one file each of our modules and of our style sheets: a dozen small ones weigh 12 kB more on the way."""

    support_js_module_import_aggregation = True

    def post_process(self, paths: dict[str, Any], **options: Any) -> Iterator[Any]:
        """Put the joined files in the place of `app.js` and `app.css`; the rest is whitenoise's."""
        with TemporaryDirectory() as folder:
            joined = FileSystemStorage(folder)
            for name, join in (("app.js", joined_script), ("app.css", joined_styles)):
                if name in paths:
                    (Path(folder) / name).write_text(join(Path(settings.STATICFILES_DIRS[0]) / name))
                    paths = {**paths, name: (joined, name)}
            yield from super().post_process(paths, **options)


def joined_script(path: Path, known: set[Path] | None = None) -> str:
    """A module with those that it imports before it, each once, without comments, in a function of its own."""
    known = set() if known is None else known
    known.add(path)
    text, before = path.read_text(), ""
    for _, address in JS_IMPORT.findall(text):
        other = (path.parent / address).resolve()
        if other not in known:
            before += joined_script(other, known)
    body = JS_IMPORT.sub(lambda found: f"const {found[1]} = {_name(found[2])};\n" if found[1] else "", text)
    given = ", ".join(name for _, name in JS_EXPORT.findall(body))
    body = JS_COMMENT.sub("", JS_EXPORT.sub(r"\1", body))
    if re.search(r"^(?:import|export)\b", body, re.MULTILINE):
        raise ValueError(f"{path.name} imports or exports in a way that cannot be joined (dashboard/storage.py).")
    return f"{before}const {_name(path.name)} = (() => {{\n{body}\nreturn {{ {given} }};\n}})();\n"


def _name(address: str) -> str:
    """The name of what a module gives."""
    return f"from_{Path(address).stem}"


def joined_styles(path: Path) -> str:
    """A style sheet with those that it imports in their places; what they name lies beside this one's folder."""

    def imported(found: re.Match[str]) -> str:
        return (path.parent / found[1]).read_text().replace('url("../', 'url("')

    return CSS_COMMENT.sub("", CSS_IMPORT.sub(imported, path.read_text()))
