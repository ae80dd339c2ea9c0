"""What browsers and tests get from other projects is exactly what package.json names and bin/vendor copied."""

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOMES = [ROOT / "static" / "vendor", ROOT / "portal" / "tests" / "vendor"]
TOOLS = {"@biomejs/biome", "esbuild"}  # run from node_modules, never served
BUNDLED = ("@codemirror/", "@lezer/")  # one module together, named after the package that draws the editor


def _asked_for() -> dict[str, str]:
    manifest = json.loads((ROOT / "package.json").read_text())
    return {**manifest["dependencies"], **manifest["devDependencies"]}


@pytest.mark.parametrize("home", HOMES, ids=lambda home: home.parent.name)
def test_vendored_files_match_their_sums(home: Path) -> None:
    lines = (home / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    found = {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in home.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS"
    }
    assert found == sums


def test_vendored_folders_are_the_versions_of_package_json() -> None:
    asked = {
        f"{name.rsplit('/', 1)[-1]}-{version}"
        for name, version in _asked_for().items()
        if name not in TOOLS and not name.startswith(BUNDLED)
    }
    asked.add(f"codemirror-{_asked_for()['@codemirror/view']}")
    folders = [folder for home in HOMES for folder in home.iterdir() if folder.is_dir()]
    assert {folder.name for folder in folders} == asked
    assert [folder.name for folder in folders if not list(folder.glob("LICENSE*"))] == []


def test_bundle_has_the_licences_and_versions_of_its_parts() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    text = next(HOMES[0].glob("codemirror-*/LICENSE")).read_text()
    parts = dict(re.findall(r"^((?:@[\w-]+/)?[\w-]+) (\d+\.\d+\.\d+)$", text, re.MULTILINE))
    assert {name for name in _asked_for() if name.startswith(BUNDLED)} <= set(parts)
    assert {name: packages[f"node_modules/{name}"]["version"] for name in parts} == parts
    assert text.count("Permission is hereby granted, free of charge") == len(parts), "all are MIT"


def test_package_json_and_lock_name_exact_versions_and_no_registry() -> None:
    text = (ROOT / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    for name, version in _asked_for().items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert packages[f"node_modules/{name}"]["version"] == version
    assert '"resolved"' not in text
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_pages_and_styles_name_only_vendored_files_that_exist() -> None:
    sources = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "static" / "css").glob("*.css")]
    named = {match for path in sources for match in re.findall(r"vendor/([\w./-]+)", path.read_text())}
    assert named
    assert [name for name in named if not (HOMES[0] / name).is_file()] == []
