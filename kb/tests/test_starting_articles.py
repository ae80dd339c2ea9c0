"""What the starting articles show is what the tools print, and libvirt takes every document in them."""

import random
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from kb import starting_content
from kb.front_matter import ArticleFile
from kb.models import RESERVED_SLUGS, AppliesTo, Article, Check, CheckRun
from kb.rendering import render
from kb.services.check_runs import run_checks
from kb.services.checks import decide
from kb.variables import PLACE
from portal.tests.factories import make_user

STARTS = {one.slug: one for one in starting_content.starts()}
_END = "--- end of one command ---"
_DOMAIN = """<domain type='qemu'>
  <name>guest1</name>
  <memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>{}</devices>
</domain>
"""
#: Documents for old releases, which today's schema no longer describes and today's libvirt still takes.
_OLD = ("<parent>scsi_host5</parent>",)


def fences(article: ArticleFile, language: str) -> Iterator[str]:
    """The blocks of code in ``language``, also those in an admonition, with the defaults of reader variables."""
    values = {one.name: one.default for one in render(article.document.content).variables}
    found = re.finditer(
        rf"^( *)```{language}(?: [^\n]*)?\n(.*?)^\1```$", article.document.content, re.M | re.DOTALL
    )
    for match in found:
        block = "".join(line.removeprefix(match[1]) for line in match[2].splitlines(keepends=True))
        yield PLACE.sub(lambda place: values.get(place[1], place[0]), block)


def commands(article: ArticleFile) -> Iterator[tuple[str, str]]:
    """Each command that needs no root, with what the article shows that it prints."""
    for block in fences(article, "console"):
        for part in re.split(r"^(?=[$#] )", block, flags=re.M):
            if part.startswith("$ "):
                command, _, output = part[2:].partition("\n")
                yield command, output.strip()


def looks_like(shown: str, real: str) -> bool:
    """Whether ``real`` is what the article shows; a line of three dots stands for any lines."""
    pattern = "\n".join(
        re.escape(line) if line.strip() != "..." else "(?s:.*?)" for line in shown.split("\n")
    )
    return re.fullmatch(pattern, real) is not None


@pytest.mark.parametrize("start", STARTS.values(), ids=lambda start: start.slug)
def test_an_article_is_whole(start: ArticleFile) -> None:
    document = start.document
    assert document.kind in Article.Kind.values
    assert {one.component for one in document.applies_to} <= set(AppliesTo.Component.values)
    assert document.abstract.endswith(".")
    assert len(document.abstract) <= 250
    assert start.slug not in RESERVED_SLUGS
    assert len(document.tags) >= 3


@pytest.mark.parametrize("start", STARTS.values(), ids=lambda start: start.slug)
def test_links_from_article_to_article_lead_somewhere(start: ArticleFile) -> None:
    rendered = render(start.document.content).html
    ids = set(re.findall(r' id="([^"]+)"', rendered))
    inside = re.findall(r'href="#([^"]+)"', rendered)
    assert set(inside) <= ids
    for slug, section in re.findall(r'href="/kb/([^"/#]+)/(?:#([^"]+))?"', rendered):
        assert slug in STARTS
        if section:
            assert f'id="{section}"' in render(STARTS[slug].document.content).html


def test_the_parts_of_a_series_are_numbered_without_a_gap() -> None:
    parts: dict[str, list[int | None]] = {}
    for start in STARTS.values():
        if start.document.series:
            parts.setdefault(start.document.series, []).append(start.document.part)
    assert {title: sorted(filter(None, found)) for title, found in parts.items()} == {
        "A LUN of its own: NPIV and vHBA with libvirt": [1, 2, 3, 4, 5, 6]
    }


@pytest.mark.parametrize("start", STARTS.values(), ids=lambda start: start.slug)
def test_every_reader_variable_stands_somewhere_and_means_one_thing_in_a_series(start: ArticleFile) -> None:
    """What a reader types in one part of a series is in the fields of the others."""
    rendered = render(start.document.content)
    for variable in rendered.variables:
        assert f'data-variable="{variable.name}"' in rendered.html
        for other in STARTS.values():
            if start.document.series and other.document.series == start.document.series:
                namesakes = [
                    one for one in render(other.document.content).variables if one.name == variable.name
                ]
                assert namesakes in ([], [variable])
    assert not re.search(r"@[a-z_]+@", rendered.html)


@pytest.mark.services
@pytest.mark.parametrize(
    ("slug", "document"),
    [(slug, xml) for slug, start in STARTS.items() for xml in fences(start, "xml")],
)
def test_libvirt_takes_every_document(slug: str, document: str, tmp_path: Path) -> None:
    root = re.match(r"<(\w+)", document)
    assert root is not None
    if root[1] in ("disk", "controller"):
        document = _DOMAIN.format(document)
    (tmp_path / "x.xml").write_text(document.replace("scsi_host5", "scsi_host1"))
    command = {"device": "nodedev-create", "pool": "pool-define"}.get(root[1], "define")
    validate = "" if any(mark in document for mark in _OLD) else "--validate "
    done = virsh(f"{command} {validate}x.xml", tmp_path)
    assert done.returncode == 0, done.stderr


def virsh(commands: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run ``commands`` on libvirt's test driver, in one process: what it made is gone at its end."""
    argv = ["virsh", "-c", "test:///default", commands]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.services
def test_what_the_series_shows_of_the_test_driver_is_what_it_prints(tmp_path: Path) -> None:
    article = STARTS["create-a-vhba"]
    vhba, pool = fences(article, "xml")
    (tmp_path / "vhba.xml").write_text(vhba)
    (tmp_path / "pool.xml").write_text(pool)
    shown = [one for one in commands(article) if one[0].startswith("virsh -c test:")]
    shown += [one for one in commands(STARTS["find-an-npiv-hba"]) if one[0].startswith("virsh -c test:")]
    assert len(shown) == 3
    for command, expected in shown:
        done = virsh(command.removeprefix("virsh -c test:///default ").strip('"'), tmp_path)
        assert looks_like(expected, done.stdout.strip()), done.stdout + done.stderr


@pytest.mark.services
def test_the_script_finds_hbas_by_vport_ops(tmp_path: Path) -> None:
    """The loop of the article, with a virsh that lists what the test driver of libvirt 9.0 cannot list itself."""
    (script,) = fences(STARTS["remove-a-vhba-and-troubleshoot"], "bash")
    fake = tmp_path / "virsh"
    fake.write_text(
        '#!/bin/sh\ncase "$1" in nodedev-list) printf "scsi_host1\\nscsi_host2\\nscsi_host11\\n";;\n'
        '*) PATH=${PATH#*:} exec virsh -c test:///default "$@";; esac\n'
    )
    fake.chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", f'PATH={tmp_path}:"$PATH"; {script}'],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.split() == ["scsi_host1", "scsi_host2"]


def damage(folder: Path) -> None:
    """The one image of the article on repair that it does not make itself: an L2 table is overwritten."""
    made = ["qemu-img", "create", "-q", "-f", "qcow2", "l2.qcow2", "1G"]
    filled = ["qemu-io", "-c", "write -q -P 0x5a 0 4M", "-c", "write -q -P 0x6b 600M 4M", "l2.qcow2"]
    for command in (made, filled):
        subprocess.run(command, cwd=folder, check=True, timeout=60)
    with (folder / "l2.qcow2").open("r+b") as image:
        image.seek(0x40000)
        image.write(random.Random(7).randbytes(0x10000))


@pytest.mark.services
def test_what_the_article_on_repair_shows_is_what_qemu_img_prints(tmp_path: Path) -> None:
    """Of the lines that differ from version to version nothing is shown but dots."""
    damage(tmp_path)
    article = STARTS["repair-a-damaged-qcow2-image"]
    shown = [(command, output) for command, output in commands(article) if "rebase" not in command]
    script = "\n".join(f"{command}\ncode=$?; echo; echo '{_END}'; (exit $code)" for command, _ in shown)
    done = subprocess.run(
        ["bash"],
        input=script,
        cwd=tmp_path,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    printed = [part.strip() for part in done.stdout.split(_END)]
    assert len(shown) >= 15
    for (command, expected), real in zip(shown, printed, strict=False):
        assert looks_like(expected, real), f"{command}\n{real[:2000]}"


@pytest.mark.services
@pytest.mark.django_db
def test_every_block_that_is_marked_passes_once_a_maintainer_lets_it_run(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks():
        starting_content.load()
    maintainer = make_user(is_superuser=True)
    checks = list(Check.objects.select_related("article"))
    assert dict(Counter(check.article.slug for check in checks)) == {
        "create-a-vhba": 2,
        "find-an-npiv-hba": 1,
        "list-qemu-devices": 5,
        "read-a-qcow2-header": 10,
        "remove-a-vhba-and-troubleshoot": 1,
        "repair-a-damaged-qcow2-image": 7,
        "virt-manager-iso-not-shown": 1,
    }
    with django_capture_on_commit_callbacks():
        for check in checks:
            assert "fault" not in check.recipe or not check.recipe["fault"], check.recipe
            decide(check=check, maintainer=maintainer, run=True, at=timezone.now())
    for pk in {check.article_id for check in checks}:
        run_checks(pk, at=timezone.now())
    runs = CheckRun.objects.select_related("check_of__article")
    assert [(str(run.check_of), run.state, run.difference) for run in runs if run.state != "passed"] == []
    assert runs.count() == len(checks)
