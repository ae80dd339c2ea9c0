"""The first article: its facts, and every command in it run as it stands."""

import re
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from django.contrib.auth.models import Group

from kb import starting_content
from kb.front_matter import ArticleFile, to_text
from kb.models import Article, Revision
from kb.roles import is_reviewer
from kb.tests.factories import NOW, publish_text
from portal.accounts.models import User
from portal.tests.factories import make_user

HEADER_ARTICLE = next(one for one in starting_content.starts() if one.slug == "read-a-qcow2-header")
_END = "--- end of one command ---"


@pytest.mark.parametrize("start", starting_content.starts(), ids=lambda start: start.slug)
def test_file_is_named_as_its_article_and_is_as_an_export_writes_it(start: ArticleFile) -> None:
    text = (starting_content.FOLDER / f"{start.slug}.md").read_text(encoding="utf-8")
    assert to_text(start) == text
    assert start.reviewed is not None


@pytest.mark.django_db
def test_loading_makes_the_articles_once_and_never_overwrites_them() -> None:
    starts = starting_content.starts()
    made = [f"article “{start.document.title}”" for start in starts]
    groups = ["group “Knowledge base reviewers”", "group “Lab maintainers”"]
    assert starting_content.load() == [*groups, *made]
    assert Article.objects.published().count() == len(starts)
    article = Article.objects.get(slug="read-a-qcow2-header")
    assert [tag.slug for tag in article.tags.all()] == ["qcow2", "qemu-img", "storage"]
    assert [str(version) for version in article.applies_to.all()] == ["QEMU 7.2"]
    assert starting_content.load() == []
    publish_text(article, "Edited.", author=None, at=NOW)
    Article.objects.filter(pk=article.pk).update(title="Edited title", status="archived")
    article.tags.clear()
    assert starting_content.load() == []
    edited = Article.objects.get(pk=article.pk)
    assert (edited.title, edited.status, edited.html) == ("Edited title", "archived", "<p>Edited.</p>")
    assert (edited.tags.count(), Revision.objects.filter(article=edited).count()) == (0, 2)


def test_article_states_the_size_of_its_example_exactly() -> None:
    text = HEADER_ARTICLE.document.content
    assert 0x3E800000 == 1_048_576_000 == 1000 * 2**20
    assert "1,048,576,000 bytes are 1000 MiB" in text
    assert 0x3E800000_00000000 == 4_503_599_627_370_496_000
    assert "4,503,599,627,370,496,000 bytes" in text


def test_article_has_every_field_of_the_header_where_the_specification_puts_it() -> None:
    rows = re.findall(r"^\| (\d+)(?:–(\d+))? \| (\w+) \|", HEADER_ARTICLE.document.content, re.M)
    fields = [(int(first), int(last or first), name) for first, last, name in rows]
    assert [(first, name) for first, _, name in fields] == [
        (0, "magic"), (4, "version"), (8, "backing_file_offset"), (16, "backing_file_size"), (20, "cluster_bits"),
        (24, "size"), (32, "crypt_method"), (36, "l1_size"), (40, "l1_table_offset"), (48, "refcount_table_offset"),
        (56, "refcount_table_clusters"), (60, "nb_snapshots"), (64, "snapshots_offset"),
        (72, "incompatible_features"), (80, "compatible_features"), (88, "autoclear_features"),
        (96, "refcount_order"), (100, "header_length"), (104, "compression_type"), (105, "padding"),
    ]  # fmt: skip
    assert all(last + 1 == following[0] for (_, last, _), following in pairwise(fields))
    assert fields[-1][1] == 111


def _commands(text: str) -> Iterator[tuple[str, str]]:
    for block in re.findall(r"```console[^\n]*\n(.*?)```", text, re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            yield command, output.strip()


@pytest.mark.services
def test_every_command_of_the_article_prints_what_the_article_shows(tmp_path: Path) -> None:
    """What qemu-img says of a file it made or opened differs between versions by a line; all else may not."""
    commands = list(_commands(HEADER_ARTICLE.document.content))
    script = "\n".join(f"{command}\n_code=$?; echo; echo '{_END}'; (exit $_code)" for command, _ in commands)
    done = subprocess.run(
        ["bash"],
        input=script,
        cwd=tmp_path,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    printed = [part.strip() for part in done.stdout.split(_END)]
    assert len(commands) == 32
    for (command, shown), real in zip(commands, printed, strict=False):
        if command.startswith(("qemu-img create", "qemu-img info")):
            assert "1048576000" in real
        else:
            assert real == shown, command


@pytest.mark.django_db
def test_group_of_reviewers_is_made_once_and_left_as_administrators_have_it() -> None:
    starting_content.load()
    user = make_user()
    group = Group.objects.get(name="Knowledge base reviewers")
    user.groups.add(group)
    assert is_reviewer(User.objects.get(pk=user.pk))
    group.permissions.clear()
    starting_content.load()
    assert not is_reviewer(User.objects.get(pk=user.pk))
