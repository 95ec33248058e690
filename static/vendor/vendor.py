"""Copy the few files of other projects that our pages load into this folder.

`python3 static/vendor/vendor.py` installs what package-lock.json names (npm is needed, and the internet), outside
the repository, so that no node_modules ever lies among the static files. It then copies the files, joins the icons
into one sprite and writes manifest.json: each file's package, version, licence and SHA-256. The results are committed,
so nobody needs npm to run, test or deploy closephones. tests/test_vendor.py compares the hashes.

To add an icon, add its name to ICONS (see https://tabler.io/icons) and run this again.
"""

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

# (package, file in the package, file here)
FILES = [
    ("htmx.org", "dist/htmx.min.js", "htmx.min.js"),
    ("bootstrap", "dist/js/bootstrap.bundle.min.js", "bootstrap.bundle.min.js"),
    ("@tabler/core", "dist/css/tabler.min.css", "tabler.min.css"),
    (
        "@fontsource-variable/inter",
        "files/inter-latin-wght-normal.woff2",
        "inter-latin-wght-normal.woff2",
    ),
]

# What Tabler says of a layout that no page here has. Every page would pay for it: because of these rules Chromium
# works out the style of all its elements anew whenever a class changes anywhere.
LEFT_OUT = re.compile(rb"(?<=})[^{}]*\.page:has\([^{}]*\{[^{}]*\}")

# Bootstrap's bundle holds Popper, so its licence comes along.
LICENCES = [
    ("htmx.org", "LICENSE"),
    ("bootstrap", "LICENSE"),
    ("@popperjs/core", "LICENSE.md"),
    ("@tabler/icons", "LICENSE"),
    ("@fontsource-variable/inter", "LICENSE"),
]

ICONS = """
    alert-circle alert-triangle arrow-back-up arrow-left arrow-narrow-right arrow-right ban bell bookmark building
    calendar-check calendar-plus calendar-question calendar-time check chevron-down chevron-left chevron-right
    chevron-up circle-check clock cloud cloud-download columns-3 copy dots download external-link eye eye-off
    file-text filter-off git-compare hand-stop help-circle history hourglass info-circle keyboard loader-2 lock login
    logout message microphone pencil phone phone-call phone-incoming phone-off phone-outgoing player-pause player-play
    player-stop plug-connected-x plug-x plus refresh repeat search settings tag trash upload user user-off user-plus
    users x
""".split()

STROKE = 'viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"'

# What a style sheet draws, as the shape that colour is seen through.
MASKS = ["pencil"]

# Tabler's package brings no licence file; its style sheet names the licence and the holders.
TABLER_CORE_LICENCE = """Tabler (https://tabler.io), the MIT License

Copyright 2018-2026 The Tabler Authors
Copyright 2018-2026 codecalm.net Paweł Kuna

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def main() -> None:
    """Install, copy, join, and write the manifest."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True)
        packages = Path(folder) / "node_modules"
        files = [copy(packages, *entry) for entry in FILES]
        files.append(write_sprite(packages))
        files += [write_mask(packages, name) for name in MASKS]
        copy_licences(packages)
    manifest = json.dumps({"files": files}, indent=2) + "\n"
    (HERE / "manifest.json").write_text(manifest, encoding="utf-8")


def copy(packages: Path, package: str, source: str, target: str) -> dict[str, str]:
    """Copy one file, a style sheet without what is left out, and without its pointer to a source map, which browsers
    would ask for in vain.
    """
    content = (packages / package / source).read_bytes()
    if not target.endswith(".woff2"):
        content = re.sub(rb"\s*(//# sourceMappingURL=\S+|/\*# sourceMappingURL=\S+ \*/)\s*$", b"\n", content)
    if target.endswith(".css"):
        content = LEFT_OUT.sub(b"", content)
    (HERE / target).write_bytes(content)
    return entry_for(packages, package, target)


def write_sprite(packages: Path) -> dict[str, str]:
    """Join the icons into one SVG of symbols; the stroke's width is left to our style sheet."""
    symbols = [f'<symbol id="{name}" {STROKE}>{shapes_of(packages, name)}</symbol>' for name in sorted(ICONS)]
    sprite = '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"
    (HERE / "icons.svg").write_text(sprite, encoding="utf-8")
    return entry_for(packages, "@tabler/icons", "icons.svg")


def write_mask(packages: Path, name: str) -> dict[str, str]:
    """Write one icon as an image of its own, with the stroke that our style sheet gives the others."""
    shapes = shapes_of(packages, name)
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" {STROKE} stroke-width="1.75">{shapes}</svg>\n'
    (HERE / f"{name}.svg").write_text(drawing, encoding="utf-8")
    return entry_for(packages, "@tabler/icons", f"{name}.svg")


def shapes_of(packages: Path, name: str) -> str:
    """What an icon of Tabler is made of, without the invisible square that holds its place."""
    drawing = (packages / "@tabler/icons/icons/outline" / f"{name}.svg").read_text(encoding="utf-8")
    shapes = re.findall(r"<(?!svg)[a-z]+ [^>]*/>", drawing)
    return "".join(shape.replace(" />", "/>") for shape in shapes if "M0 0h24v24H0z" not in shape)


def copy_licences(packages: Path) -> None:
    """Write every licence into licences/, one file a package."""
    folder = HERE / "licences"
    folder.mkdir(exist_ok=True)
    for package, name in LICENCES:
        shutil.copyfile(packages / package / name, folder / (package.strip("@").replace("/", "-") + ".txt"))
    (folder / "tabler-core.txt").write_text(TABLER_CORE_LICENCE, encoding="utf-8")


def entry_for(packages: Path, package: str, target: str) -> dict[str, str]:
    """Return the manifest's line about one file."""
    about = json.loads((packages / package / "package.json").read_text(encoding="utf-8"))
    return {
        "file": target,
        "package": package,
        "version": about["version"],
        "licence": about["license"],
        "sha256": hashlib.sha256((HERE / target).read_bytes()).hexdigest(),
    }


if __name__ == "__main__":
    main()
