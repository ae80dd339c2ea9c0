"""The pages of a report: who may open and change it, what they say, that nothing of an image reaches them raw."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labtools import report_page
from labtools.models import ImageCheck
from labtools.qcow2.tests.build import Image, snapshot
from labtools.services import samples
from labtools.services.checks import MAX_WAITING
from labtools.tests.factories import (
    make_check,
    make_image,
    make_image_with_snapshot_and_bad_refcount,
    make_report,
)
from portal.accounts.models import User

pytestmark = pytest.mark.django_db

State, Visibility = ImageCheck.State, ImageCheck.Visibility
HTMX = {"HX-Request": "true"}
PERSONS = ("as_owner", "as_member", "as_stranger")


def page(client: Client, check: ImageCheck, **headers: Any) -> str:
    response = client.get(check.get_absolute_url(), headers=headers)
    assert response.status_code == 200
    return str(response.content.decode())


@pytest.fixture
def report(owner: User, tmp_path: Path) -> ImageCheck:
    """A finished, corrupt, private report of the owner."""
    image = make_image_with_snapshot_and_bad_refcount(tmp_path / "image")
    return make_report(owner, image.read_bytes(), visibility=Visibility.PRIVATE)


def test_every_jump_on_the_page_lands(owner: User, report: ImageCheck, as_owner: Client) -> None:
    text = page(as_owner, report)
    jumps = re.findall(
        r'href="#([\w-]+)"',
        text[text.index('class="jumps') : text.index("</nav>", text.index('class="jumps'))],
    )
    assert jumps[:5] == ["next", "map", "layers", "repair", "reading"]
    assert jumps[5:] == ["findings", "header", "extensions", "features", "snapshots", "qemu-img", "about"]
    assert [name for name in jumps if f'id="{name}"' not in text] == []
    # A short answer needs no list of its parts.
    assert 'class="jumps' not in page(as_owner, make_report(owner, b"just some text\n"))


class TestWhoMay:
    @pytest.mark.parametrize("name", ["report", "report_json"])
    @pytest.mark.parametrize(
        ("visibility", "statuses"),
        [("private", (200, 404, 404)), ("unlisted", (200, 200, 200)), ("public", (200, 200, 200))],
    )
    @pytest.mark.parametrize("state", [State.QUEUED, State.FAILED])
    def test_read(
        self,
        request: pytest.FixtureRequest,
        owner: User,
        name: str,
        visibility: str,
        statuses: tuple[int, ...],
        state: str,
    ) -> None:
        check = make_check(owner, visibility=visibility, state=state, filename="secret-name.qcow2")
        for person, status in zip(PERSONS, statuses, strict=True):
            client = request.getfixturevalue(person)
            response = client.get(reverse(f"labtools:{name}", args=[check.pk]))
            assert response.status_code == status, person
            assert (b"secret-name" in response.content) == (status == 200)
            assert client.head(reverse(f"labtools:{name}", args=[check.pk])).status_code == status
            assert client.post(reverse(f"labtools:{name}", args=[check.pk])).status_code == 405

    @pytest.mark.parametrize(
        ("visibility", "statuses"),
        [("private", (302, 404, 302)), ("unlisted", (302, 403, 302)), ("public", (302, 403, 302))],
    )
    @pytest.mark.parametrize("name", ["report_visibility", "report_delete"])
    def test_change(
        self,
        request: pytest.FixtureRequest,
        owner: User,
        name: str,
        visibility: str,
        statuses: tuple[int, ...],
    ) -> None:
        check = make_check(owner, visibility=visibility, state=State.FAILED)
        url = reverse(f"labtools:{name}", args=[check.pk])
        for person, status in list(zip(PERSONS, statuses, strict=True))[::-1]:
            response = request.getfixturevalue(person).post(url, {"visibility": "public"})
            assert response.status_code == status, person
            if person == "as_stranger":
                assert response["Location"].startswith(reverse("account_login"))
            unchanged = ImageCheck.objects.filter(pk=check.pk, visibility=visibility).exists()
            assert unchanged or person == "as_owner"

    def test_delete_asks_first_and_only_the_owner(
        self, as_owner: Client, as_member: Client, as_stranger: Client, owner: User
    ) -> None:
        check = make_check(owner, visibility="public")
        url = reverse("labtools:report_delete", args=[check.pk])
        assert b"Delete this report?" in as_owner.get(url).content
        assert as_member.get(url).status_code == 403
        assert as_stranger.get(url).status_code == 302
        assert as_owner.put(url).status_code == 405
        assert ImageCheck.objects.filter(pk=check.pk).exists()
        assert as_owner.post(url)["Location"] == reverse("labtools:image_list")
        assert not ImageCheck.objects.exists()

    def test_sample_reports_belong_to_nobody(self, as_owner: Client, as_stranger: Client) -> None:
        samples.ensure_sample_reports()
        check = ImageCheck.objects.get(sample="corrupt")
        assert "Damaged" in page(as_stranger, check)
        assert as_owner.post(reverse("labtools:report_delete", args=[check.pk])).status_code == 403
        assert "Check this sample now" in page(as_owner, check)
        assert "Check this sample now" not in page(as_stranger, check)

    def test_visibility_is_saved_and_rubbish_refused(self, as_owner: Client, owner: User) -> None:
        check = make_check(owner)
        url = reverse("labtools:report_visibility", args=[check.pk])
        assert as_owner.post(url, {"visibility": "private"})["Location"] == check.get_absolute_url()
        check.refresh_from_db()
        assert check.visibility == "private"
        for rubbish in ({}, {"visibility": "everyone"}, {"visibility": "\0"}, {"visibility": "x" * 9999}):
            assert as_owner.post(url, rubbish).status_code == 400
        check.refresh_from_db()
        assert check.visibility == "private"

    @pytest.mark.parametrize("name", ["nonsense", "00000000-0000-0000-0000-000000000000", "..%2f..", "%00"])
    def test_rubbish_addresses_are_404(self, as_owner: Client, name: str) -> None:
        for address in (f"/lab/images/{name}/", f"/lab/images/{name}.json", f"/lab/images/{name}/delete/"):
            assert as_owner.get(address).status_code == 404

    def test_private_pages_are_kept_by_no_cache_and_no_search_engine(
        self, as_owner: Client, report: ImageCheck
    ) -> None:
        response = as_owner.get(report.get_absolute_url())
        assert "no-store" in response["Cache-Control"]
        assert "private" in response["Cache-Control"]
        assert "HX-Request" in response["Vary"]
        assert '<meta name="robots" content="noindex">' in response.content.decode()
        ImageCheck.objects.update(visibility=Visibility.PUBLIC)
        assert "noindex" not in page(as_owner, report)


class TestCheckSample:
    def test_member_gets_a_check_of_their_own(self, as_owner: Client, owner: User) -> None:
        response = as_owner.post(reverse("labtools:check_sample", args=["leaking"]))
        check = ImageCheck.objects.get(owner=owner)
        assert response["Location"] == check.get_absolute_url()
        assert check.is_working

    def test_stranger_signs_in_first_and_rubbish_is_404(self, as_owner: Client, as_stranger: Client) -> None:
        url = reverse("labtools:check_sample", args=["healthy"])
        assert as_stranger.post(url)["Location"].startswith(reverse("account_login"))
        assert as_owner.get(url).status_code == 405
        assert as_owner.post(reverse("labtools:check_sample", args=["passwd"])).status_code == 404
        assert not ImageCheck.objects.exists()

    def test_too_many_are_refused_with_a_sentence(self, as_owner: Client, owner: User) -> None:
        for _ in range(MAX_WAITING):
            make_check(owner)
        response = as_owner.post(reverse("labtools:check_sample", args=["healthy"]))
        assert response["Location"] == reverse("labtools:image_list")
        assert ImageCheck.objects.count() == MAX_WAITING


class TestAtWork:
    def test_page_polls_while_it_works_and_links_a_refresh(self, as_owner: Client, owner: User) -> None:
        check = make_check(owner, state=State.RUNNING, stage="hashing", progress=42)
        text = page(as_owner, check)
        assert f'hx-get="{check.get_absolute_url()}?stage=hashing"' in text
        assert "hx-trigger" in text
        assert f'<a href="{check.get_absolute_url()}">Refresh this page</a>' in text
        assert '<progress max="100" value="42"' in text
        assert re.search(r'role="status" id="live"', text)

    def test_part_alone_is_given_to_htmx(self, as_owner: Client, owner: User) -> None:
        check = make_check(owner)
        text = page(as_owner, check, **HTMX)
        assert text.lstrip().startswith("<div")
        assert "<html" not in text
        assert 'hx-swap-oob="innerHTML:#live"' in text

    def test_stage_is_spoken_once(self, as_owner: Client, owner: User) -> None:
        check = make_check(owner, state=State.RUNNING, stage="header")
        url = check.get_absolute_url()
        assert "hx-swap-oob" in as_owner.get(url + "?stage=hashing", headers=HTMX).content.decode()
        assert "hx-swap-oob" not in as_owner.get(url + "?stage=header", headers=HTMX).content.decode()

    @pytest.mark.parametrize("state", [State.FAILED, State.ERRORED])
    def test_failure_says_why_and_polls_no_more(self, as_owner: Client, owner: User, state: str) -> None:
        check = make_check(owner, state=state, failure="The file is <gone>.")
        text = page(as_owner, check, **HTMX)
        assert "The file is &lt;gone&gt;." in text
        assert "hx-trigger" not in text
        assert reverse("labtools:image_list") in text

    @pytest.mark.parametrize(
        ("stage", "states"),
        [
            ("waiting", ["next in line", "to come", "to come", "to come", "to come", "to come"]),
            ("hashing", ["done", "7 %", "to come", "to come", "to come", "to come"]),
            ("check", ["done", "done", "done", "done", "done", "at work"]),
        ],
    )
    def test_stages(self, stage: str, states: list[str]) -> None:
        rows = report_page.stages(ImageCheck(stage=stage, progress=7))
        assert [row.state for row in rows] == states
        assert [row.current for row in rows].count(True) == 1


class TestFinished:
    def test_report_shows_verdict_facts_and_findings(self, as_owner: Client, report: ImageCheck) -> None:
        text = page(as_owner, report)
        assert len(re.findall("<h1", text)) == 1
        assert "Damaged: qemu-img check counts 1 corruption." in text
        assert "Stop the guest, copy the file, work on the copy." in text
        assert report.sha256 in text
        assert "<dd>16 MiB</dd>" in text
        assert "before-update" in text
        assert "ERROR cluster 5 refcount=0 reference=" in text
        assert "qemu-img check: messages, word for word" in text
        assert "hx-trigger" not in text
        assert "kept until" in text
        assert re.search(r"<dt>corruptions</dt>\s*<dd>1</dd>", text)
        assert "<dt>image-end-offset</dt>" in text

    def test_field_and_bytes_link_to_each_other(self, as_owner: Client, report: ImageCheck) -> None:
        text = page(as_owner, report)
        for name, offset in (("magic", 0), ("size", 24), ("nb_snapshots", 60), ("header_length", 100)):
            byte = re.search(rf'<a[^>]*id="b-{offset}"[^>]*>', text)
            assert byte, name
            assert f'href="#field-{name}"' in byte[0]
            assert f'data-span="field-{name}"' in byte[0]
            row = re.search(rf'<tr[^>]*id="field-{name}"[^>]*>.*?</tr>', text, re.S)
            assert row, name
            assert f'data-span="field-{name}"' in row[0]
            assert f'href="#b-{offset}"' in row[0]
        targets = set(re.findall(r'href="#([^"]+)"', text)) - {"main"}
        assert targets <= set(re.findall(r'id="([^"]+)"', text))

    def test_every_byte_of_the_dump_is_shown_once(self, as_owner: Client, report: ImageCheck) -> None:
        assert report.result is not None
        dump = report.result["header"]["dump"]["data"]
        shown = re.findall(r'class="hex-byte[^>]*data-span[^>]*>([0-9a-f]{2})<', page(as_owner, report))
        assert "".join(shown) == dump

    def test_broken_rule_that_qemu_img_passes(self, as_owner: Client, owner: User) -> None:
        check = make_report(owner, Image(compatible=1 << 9, refcount_table_offset=0x10000).bytes())
        text = page(as_owner, check)
        assert "byte-bad" in text
        assert 'href="#field-compatible_features"' in text

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", "The file is empty."),
            (b"QFI\xfb\0\0\0\3", "ends inside the header"),
            (b"\x1f\x8b\x08" + bytes(600), "compressed with gzip"),
            (Image(version=9).bytes(), "its header is broken"),
            (Image(header_length=1 << 31).bytes(), "its header is broken"),
            (Image(cluster_bits=0).bytes(), "its header is broken"),
            (Image(version=2, extensions=b"").bytes(), ""),
        ],
    )
    def test_every_kind_of_file_has_a_page(
        self, as_owner: Client, owner: User, content: bytes, sentence: str
    ) -> None:
        check = make_report(owner, content)
        assert check.state == State.FINISHED
        assert sentence in page(as_owner, check)

    def test_text_of_the_image_is_never_markup(self, as_owner: Client, owner: User) -> None:
        evil = b'"><script>alert(1)</script>'
        image = Image(
            nb_snapshots=1,
            snapshots_offset=0x40000,
            backing_file_offset=0x200,
            backing_file_size=len(evil),
            at={0x200: evil, 0x40000: snapshot(name=evil, number=b"<img src=x onerror=alert(1)>")},
        )
        check = make_report(owner, image.bytes(), filename="<b>evil</b>.qcow2")
        text = page(as_owner, check)
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "<b>evil" not in text
        assert "&lt;script&gt;alert(1)" in text
        assert "&lt;b&gt;evil&lt;/b&gt;.qcow2" in text

    def test_hundreds_of_snapshots_are_bounded_on_the_page(self, as_owner: Client, owner: User) -> None:
        table = b"".join(snapshot(number=b"%d" % n, name=b"n" * 1000) for n in range(900))
        image = Image(
            nb_snapshots=900,
            snapshots_offset=0x40000,
            length=0x40000 + len(table),
            at={0x40000: table},
        )
        text = page(as_owner, make_report(owner, image.bytes()))
        assert len(text) < 500_000
        assert re.search(r"and \d+ more", text)

    def test_nothing_inline(self, as_owner: Client, report: ImageCheck) -> None:
        text = page(as_owner, report)
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)", text)

    def test_json_is_the_whole(self, as_owner: Client, report: ImageCheck) -> None:
        response = as_owner.get(reverse("labtools:report_json", args=[report.pk]))
        assert response["X-Robots-Tag"] == "noindex"
        data = response.json()
        assert data["id"] == str(report.pk)
        assert (data["state"], data["verdict"], data["visibility"]) == ("finished", "corrupt", "private")
        assert data["report"] == report.result

    def test_owner_alone_sees_the_controls(
        self, as_owner: Client, as_member: Client, report: ImageCheck
    ) -> None:
        ImageCheck.objects.update(visibility=Visibility.PUBLIC)
        assert 'name="visibility"' in page(as_owner, report)
        assert 'name="visibility"' not in page(as_member, report)
        assert "Delete this report" not in page(as_member, report)

    def test_bug_report_is_short_and_names_no_snapshot(self, report: ImageCheck) -> None:
        text = report_page.report_page(report, "https://lab.example/r/").bug_report
        assert text.splitlines()[0] == "Damaged: qemu-img check counts 1 corruption."
        assert text.splitlines()[-1] == "https://lab.example/r/"
        assert report.sha256 in text
        assert "corruptions 1" in text
        assert "before-update" not in text
        assert len(text) < 2000

    def test_query_count_does_not_grow(self, as_owner: Client, owner: User, tmp_path: Path) -> None:
        first = make_report(owner, make_image(tmp_path / "a").read_bytes())
        many = Image(
            nb_snapshots=3,
            snapshots_offset=0x40000,
            at={0x40000: b"".join(snapshot(number=b"%d" % n) for n in range(3))},
        )
        second = make_report(owner, many.bytes())
        page(as_owner, first)  # the first request of a session writes more
        counts = []
        for check in (first, second):
            with CaptureQueriesContext(connection) as queries:
                page(as_owner, check)
            counts.append(len(queries))
        assert counts[0] == counts[1]


def test_lab_index_shows_samples_and_works_without_them(as_stranger: Client) -> None:
    assert "not checked yet" in as_stranger.get("/lab/").content.decode()
    samples.ensure_sample_reports()
    text = as_stranger.get("/lab/").content.decode()
    for check in ImageCheck.objects.all():
        assert check.get_absolute_url() in text
    assert "2 leaked clusters belong to nobody; no data is in danger." in text
