"""Out of the portal and back: the same bytes, nothing overwritten, nothing outside of the bundle touched."""

import datetime as dt
import hashlib
import io
import os
import stat
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from kb import bundles
from kb.bundles import Bundle, NotABundleError, read_folder, read_zip, write_folder, write_zip
from kb.documents import AppliesToRange, Document
from kb.models import Article, Attachment, Revision, SlugRedirect
from kb.services import publish_document
from kb.services.pictures import keep_picture
from kb.services.transfer import export_bundle, import_bundle
from kb.tests.factories import NOW, make_article, publish_text
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.tests.pictures import picture

LATER = NOW + dt.timedelta(days=1)
_text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=80)
_words = _text.map(lambda text: " ".join(text.split())).filter(bool)
_documents = st.builds(
    Document,
    title=_words,
    content=_text.map(lambda text: "x" + text),
    abstract=_text,
    tags=st.lists(st.sampled_from(["qcow2", "Storage", "a: b", "#x"]), max_size=3).map(tuple),
    applies_to=st.sampled_from(
        [(), (AppliesToRange("qemu", "5.2"), AppliesToRange("libvirt", "7.0", "9.0"))]
    ),
    series=st.sampled_from(["", "All of it"]),
    part=st.none() | st.integers(1, 9),
)


def export() -> bytes:
    """Everything that readers see, as a zip."""
    return write_zip(export_bundle(Article.objects.published()))


def take(bundle: Bundle, is_trial: bool = False) -> dict[str, str]:
    """Import it; what became of each article, by slug."""
    results = import_bundle(bundle=bundle, author=None, at=LATER, is_trial=is_trial)
    return {Path(one.name).stem: one.outcome.value for one in results}


@pytest.mark.django_db
@settings(deadline=None, max_examples=25)
@given(st.lists(_documents, min_size=1, max_size=3), st.none() | st.dates())
def test_export_import_export_gives_the_same_bytes_also_in_an_empty_portal(
    documents: list[Document], day: dt.date | None
) -> None:
    Revision.objects.update(based_on=None)
    Article.objects.update(current=None, status="draft")
    Article.objects.all().delete()
    for number, document in enumerate(documents):
        article = Article.objects.create(slug=f"a-{number}", title="x", reviewed_at=day)
        publish_document(article=article, document=document, author=None, at=NOW)
    first = export()
    assert set(take(read_zip(first)).values()) == {"unchanged"}
    assert export() == first
    Article.objects.update(current=None, status="draft")
    Article.objects.all().delete()
    assert set(take(read_zip(first)).values()) == {"new"}
    assert export() == first


@pytest.mark.django_db
def test_a_change_is_taken_merged_or_told_as_a_conflict() -> None:
    article = make_article("one\n\ntwo\n\nthree\n", slug="a", title="A")
    bundle = read_zip(export())
    text = bundle.articles["a"]

    def changed(old: str, new: str) -> Bundle:
        return Bundle(articles={"a": text.replace(old, new)})

    assert take(changed("one", "ONE"), is_trial=True) == {"a": "changed"}
    assert Article.objects.get().html.startswith("<p>one</p>")
    publish_text(article, "one\n\ntwo\n\nTHREE\n", at=LATER)
    assert take(changed("one", "ONE")) == {"a": "merged"}
    current = Article.objects.select_related("current").get().current
    assert current is not None
    assert current.content == "ONE\n\ntwo\n\nTHREE\n"
    assert take(changed("three", "3")) == {"a": "conflict"}
    assert take(Bundle(articles={"a": text})) == {"a": "unchanged"}
    assert Revision.objects.count() == 3
    assert take(Bundle(articles={"a": text.replace("base: ", "base: " + "0" * 64 + " #")})) == {
        "a": "conflict"
    }
    without = "\n".join(line for line in text.split("\n") if not line.startswith("base:"))
    assert take(Bundle(articles={"a": without.replace("one", "1")})) == {"a": "conflict"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("slug", "text", "said"),
    [
        ("a", "no head", "does not begin with a head"),
        ("a", "---\nslug: b\ntitle: T\n---\nx", "The head says the slug b."),
        ("new", "---\nslug: new\ntitle: T\n---\nx", "belongs to another page"),
        ("old", "---\nslug: old\ntitle: T\n---\nx", "belongs to another page"),
        ("gone", "---\nslug: gone\ntitle: T\n---\nx", "was deleted here"),
        ("a", "---\nslug: a\ntitle: T\n---\n", "has no text"),
        ("a", "---\nslug: a\ntitle: T\n---\n" + "x" * 50_000, "Break it into paragraphs"),
        ("a", "---\nslug: a\ntitle: T\nkind: poem\n---\nx", "kind: one of"),
        ("a", "---\nslug: a\ntitle: T\napplies_to: [bochs 2]\n---\nx", "applies_to: a component"),
        ("a", f"---\nslug: a\ntitle: {'T' * 121}\n---\nx", "title: 120 characters"),
        ("a", f"---\nslug: a\ntitle: T\ntags: [{'t' * 51}]\n---\nx", "tags: 20 at most"),
    ],
)
def test_a_file_that_cannot_be_taken_says_why_and_changes_nothing(slug: str, text: str, said: str) -> None:
    kept = make_article(slug="kept")
    SlugRedirect.objects.create(slug="old", article=kept)
    make_article(slug="gone", deleted_at=NOW)
    before = list(Article.objects.order_by("pk").values())
    results = import_bundle(bundle=Bundle(articles={slug: text}), author=None, at=LATER)
    assert [result.outcome.value for result in results] == ["refused"]
    assert said in results[0].sentence
    assert list(Article.objects.order_by("pk").values()) == before


def zipped(**files: bytes) -> bytes:
    """A zip of files by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_names_of_another_form_are_not_read() -> None:
    hostile = {
        "../articles/x.md": b"x",
        "/articles/x.md": b"x",
        "articles/../../x.md": b"x",
        "articles/X.md": b"x",
        "articles/x.md.exe": b"x",
        "articles\\x.md": b"x",
        "pictures/evil.svg": b"<svg/>",
    }
    bundle = read_zip(zipped(**hostile, **{"top/articles/good.md": b"good"}))
    assert bundle.articles == {"good": "good"}
    assert len(bundle.left) == len(hostile)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no zip"),
        (b"PK\x03\x04 cut", "no zip"),
        (zipped(**{"articles/a.md": b"\xff"}), "not text in UTF-8"),
        (zipped(**{"articles/a.md": b" " * (bundles.MAX_FILE + 1)}), "larger than 8 MiB"),
        (zipped(**{f"pictures/{'0' * 64}.png": b"x"}), "not the picture that its name says"),
        (zipped(**{f"articles/a{n}.md": b"" for n in range(bundles.MAX_FILES + 1)}), "more than 5,000 files"),
    ],
)
def test_a_zip_beyond_its_bounds_is_refused_in_words(data: bytes, said: str) -> None:
    with pytest.raises(NotABundleError, match=said):
        read_zip(data)


def test_a_zip_that_unpacks_without_end_stops_at_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "MAX_ALL", 3 * bundles.MAX_FILE)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(10):
            archive.writestr(f"articles/a{number}.md", b" " * bundles.MAX_FILE)
    assert len(buffer.getvalue()) < 200_000
    with pytest.raises(NotABundleError, match="All files together"):
        read_zip(buffer.getvalue())


def test_a_link_in_a_zip_or_folder_is_never_followed(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("articles/a.md")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    assert read_zip(buffer.getvalue()).left == ["articles/a.md"]
    (tmp_path / "articles").mkdir()
    os.symlink("/etc/passwd", tmp_path / "articles" / "a.md")
    os.mkfifo(tmp_path / "articles" / "b.md")
    assert read_folder(tmp_path) == Bundle(left=["articles/a.md", "articles/b.md"])
    os.symlink("/etc", tmp_path / "pictures")
    assert "pictures" not in "".join(read_folder(tmp_path).left)


def test_a_folder_is_brought_in_step_and_the_rest_of_it_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "README.md").write_text("mine")
    first = Bundle(articles={"a": "A", "b": "B"})
    assert write_folder(first, tmp_path) == (["articles/a.md", "articles/b.md"], [])
    (tmp_path / "articles" / "notes.txt").write_text("mine, too")
    touched = (tmp_path / "articles" / "a.md").stat().st_mtime_ns
    assert write_folder(Bundle(articles={"a": "A", "c": "C"}), tmp_path) == (
        ["articles/c.md"],
        ["articles/b.md"],
    )
    assert (tmp_path / "articles" / "a.md").stat().st_mtime_ns == touched
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        *("README.md", "a.md", "c.md", "notes.txt")
    ]


@pytest.mark.django_db
def test_the_commands_go_out_and_back_and_say_what_they_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_article("Words.", slug="a")
    make_article(None, slug="draft")
    call_command("kb_export", tmp_path / "kb")
    call_command("kb_export", tmp_path / "kb.zip")
    said = capsys.readouterr().out
    assert "wrote articles/a.md" in said
    assert "1 articles, 0 pictures." in said
    assert read_folder(tmp_path / "kb") == read_zip((tmp_path / "kb.zip").read_bytes())
    path = tmp_path / "kb" / "articles" / "a.md"
    path.write_text(path.read_text().replace("Words.", "Better words."))
    call_command("kb_import", tmp_path / "kb", dry_run=True)
    assert "changed   articles/a.md" in capsys.readouterr().out
    assert Revision.objects.count() == 1
    call_command("kb_import", tmp_path / "kb")
    assert Article.objects.get(slug="a").html == "<p>Better words.</p>"
    path.write_text("rubbish")
    with pytest.raises(CommandError, match="were not taken"):
        call_command("kb_import", tmp_path / "kb")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("kb_import", tmp_path / "nothing")


@pytest.mark.django_db
def test_everybody_takes_zips_away_and_reviewers_bring_them_back(
    as_stranger: Client, as_member: Client, as_owner: Client, owner: User
) -> None:
    article = make_article("Words.", slug="a")
    make_article(slug="hidden")
    Article.objects.filter(slug="hidden").update(status="archived")
    whole = as_stranger.get("/kb/export.zip").content
    assert list(read_zip(whole).articles) == ["a"]
    assert as_stranger.get("/kb/a.zip").content == whole
    assert as_stranger.get("/kb/hidden.zip").status_code == 404
    for client, status in ((as_stranger, 404), (as_member, 404)):
        assert client.post("/kb/import/", {"file": SimpleUploadedFile("a.zip", whole)}).status_code == status
    assert as_stranger.get("/kb/import/").status_code == 302
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    bundle = read_zip(whole)
    bundle.articles["a"] = bundle.articles["a"].replace("Words.", "<Better> words.")
    bundle.left.append("<b>")
    form = {"file": SimpleUploadedFile("a.zip", write_zip(bundle)), "is_trial": "on"}
    page = as_owner.post("/kb/import/", form).content.decode()
    assert "What would happen" in page
    assert ">changed</span" in page
    assert Revision.objects.filter(article=article).count() == 1
    form = {"file": SimpleUploadedFile("a.zip", write_zip(bundle))}
    page = as_owner.post("/kb/import/", form).content.decode()
    assert "What happened" in page
    assert "Waits for review." in page
    revision = Revision.objects.filter(article=article).order_by("-pk")[0]
    assert (revision.author, revision.reviewer, revision.content) == (owner, None, "<Better> words.\n")
    assert revision.state == "submitted"
    assert Article.objects.get(pk=article.pk).html == "<p>Words.</p>"
    wrong = as_owner.post("/kb/import/", {"file": SimpleUploadedFile("a.zip", b"no zip")})
    assert wrong.status_code == 400
    assert "The file is no zip" in wrong.content.decode()


def texts(*slugs: str, words: str = "New.") -> Bundle:
    """Files of articles that the portal does not have."""
    return Bundle(articles={slug: f"---\nslug: {slug}\ntitle: T {slug}\n---\n{words}\n" for slug in slugs})


@pytest.mark.django_db
def test_what_a_member_brings_waits_and_reviewers_hear_of_it_once(owner: User, member: User) -> None:
    User.objects.filter(pk=member.pk).update(is_staff=True)
    say = {result.name: result for result in import_bundle(bundle=texts("a", "b"), author=owner, at=LATER)}
    assert {result.outcome.value for result in say.values()} == {"new"}
    assert {(one.state, one.author, one.reviewer) for one in Revision.objects.all()} == {
        ("submitted", owner, None)
    }
    assert not Article.objects.published().exists()
    mail = OutboxMessage.objects.get()
    assert (mail.to_email, mail.subject) == (member.email, "To review: 2 imported articles")
    assert "- T a\n- T b\n" in mail.text_body
    again = import_bundle(bundle=texts("a"), author=owner, at=LATER)
    assert [(one.outcome.value, one.sentence) for one in again] == [
        ("unchanged", "It waits for review already.")
    ]
    import_bundle(bundle=texts("a", words="Newer."), author=owner, at=LATER)
    states = Revision.objects.filter(article__slug="a").order_by("pk").values_list("state", flat=True)
    assert list(states) == ["withdrawn", "submitted"]
    other = import_bundle(bundle=texts("a"), author=member, at=LATER)
    assert "waits for its first review" in other[0].sentence
    assert OutboxMessage.objects.count() == 2


@pytest.mark.django_db
def test_a_trial_of_a_member_changes_nothing_and_mails_nobody(owner: User, member: User) -> None:
    User.objects.filter(pk=member.pk).update(is_staff=True)
    results = import_bundle(bundle=texts("a"), author=owner, at=LATER, is_trial=True)
    assert results[0].outcome.value == "new"
    assert not Article.objects.exists()
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db
def test_an_archived_article_stays_in_the_archive() -> None:
    make_article("Words.", slug="a")
    bundle = read_zip(export())
    bundle.articles["a"] = bundle.articles["a"].replace("Words.", "Other words.")
    Article.objects.update(status="archived")
    assert take(bundle) == {"a": "refused"}
    assert Article.objects.get().status == "archived"


@pytest.mark.django_db
def test_pictures_go_along_and_come_back_as_they_were_or_written_anew() -> None:
    photo = keep_picture(
        file=io.BytesIO(picture(form="JPEG")), name="p.jpg", alt="A rack", author=None, at=NOW, is_own=True
    )
    sharp = keep_picture(file=io.BytesIO(picture(form="PNG")), name="s.png", alt="A map", author=None, at=NOW)
    text = f"![A rack]({photo.get_absolute_url()})\n\n![A map]({sharp.get_absolute_url()})\n"
    make_article(text, slug="a")
    first = export()
    bundle = read_zip(first)
    assert sorted(bundle.pictures) == sorted([f"{photo.sha256}.jpg", f"{sharp.sha256}.png"])
    assert "(../pictures/" in bundle.articles["a"]

    def empty() -> None:
        Article.objects.update(current=None, status="draft")
        Article.objects.all().delete()
        Attachment.objects.all().delete()

    empty()
    import_bundle(bundle=bundle, author=None, at=LATER, is_own=True)
    assert export() == first
    assert Attachment.objects.get(sha256=photo.sha256).alt == "A rack"
    empty()
    import_bundle(bundle=bundle, author=None, at=LATER)
    assert Attachment.objects.filter(sha256=sharp.sha256).exists()
    anew = Attachment.objects.exclude(sha256=sharp.sha256).get()
    assert anew.sha256 != photo.sha256, "a stranger's photo is not kept byte for byte"
    assert anew.get_absolute_url() in Article.objects.get().html
    empty()
    data = b"no picture"
    sha = hashlib.sha256(data).hexdigest()
    text = f"---\nslug: a\ntitle: T\n---\n![x](../pictures/{sha}.png)"
    results = import_bundle(
        bundle=Bundle(articles={"a": text}, pictures={f"{sha}.png": data}), author=None, at=LATER, is_own=True
    )
    assert results[0].outcome.value == "refused"
    assert not Article.objects.exists()
