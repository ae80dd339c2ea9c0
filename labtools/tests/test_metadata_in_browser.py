"""The metadata of an image, taken out of it by the reader's browser: what the command packs, to the byte."""

import base64
import functools
import gzip
import io
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from labtools.qcow2 import ImageError
from labtools.qcow2.corpus.differential import make
from labtools.qcow2.corpus.sound import Recipe, build
from labtools.qcow2.skeleton.container import open_container, unpack
from labtools.qcow2.tests.makers import make_luks
from labtools.qcow2.tests.test_skeleton import MARKER, damaged, is_small, pack, write_filled
from portal.tests.browser import NewPage, axe_findings, overflow
from portal.tests.factories import PASSWORD
from portal.tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.xdist_group("metadata-browser")]

STATIC = Path(__file__).parents[2] / "static"
SEEDS = range(80)
PACK = """async (withSuspects) => {
  const load = (name) => import(`/js/lab/skeleton/${name}.js`);
  const [{ Image }, { planSkeleton }, { fingerprint, packSkeleton }] = await Promise.all(
    ["image", "plan", "pack"].map(load));
  const image = new Image(document.querySelector("input").files[0]);
  const said = () => {};
  try {
    const before = await fingerprint(image);
    const plan = await planSkeleton(image, said);
    const blob = await packSkeleton({ image, plan, withSuspects, before, said });
    const url = await new Promise((done) => {
      const reader = new FileReader();
      reader.onload = () => done(reader.result);
      reader.readAsDataURL(blob);
    });
    return { plan, data: url.slice(url.indexOf(",") + 1) };
  } catch (error) {
    return { refused: error.message };
  }
}"""


class _Files(SimpleHTTPRequestHandler):
    """The scripts as they stand, and a page with a place for a file."""

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>x</title><input type=file>")

    def log_message(self, *args: object) -> None:
        """Quietly."""


@pytest.fixture
def scripts(new_page: NewPage) -> Iterator[Page]:
    """A page beside the scripts."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Files, directory=STATIC)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        yield page
        server.shutdown()


def packed_by(page: Page, path: Path, *, suspects: bool) -> dict[str, Any]:
    """Plan and file that the scripts make, or why they refuse."""
    page.set_input_files("input", path)
    made: dict[str, Any] = page.evaluate(PACK, suspects)
    if "data" in made:
        made["data"] = base64.b64decode(made["data"])
    return made


def test_the_browser_packs_what_the_command_packs(scripts: Page, tmp_path: Path) -> None:
    """Byte for byte, the same ranges under suspicion; of what QEMU does not open it may take more, and doubt it."""
    path, archive, same, more = tmp_path / "image.qcow2", tmp_path / "packed", 0, 0
    for seed in SEEDS:
        image, done = make(seed)
        image.write(path)
        made = packed_by(scripts, path, suspects=True)
        try:
            plan, packed = pack(path, suspects=True)
        except ImageError:
            assert "refused" in made, (seed, done)
            continue
        assert "data" in made, (seed, done, made)
        theirs, ours = (open_container(io.BytesIO(data))[0] for data in (packed, made["data"]))
        if theirs.ranges != ours.ranges:
            assert not plan.complete, (seed, done)
            assert all(
                any(one.offset <= each.offset and each.end <= one.end for one in ours.ranges)
                for each in theirs.ranges
            )
            more += 1
            continue
        assert theirs.facts == ours.facts, (seed, done)
        suspects = sorted((one["offset"], one["length"]) for one in made["plan"]["suspects"])
        assert suspects == sorted((one.place.offset, one.place.length) for one in plan.suspects), (seed, done)
        assert len(made["plan"]["names"]) == plan.private_names, (seed, done)
        if is_small(image):
            unpacked = []
            for data in (packed, made["data"]):
                archive.write_bytes(data)
                (tmp_path / "out").unlink(missing_ok=True)
                unpack(archive, tmp_path / "out")
                unpacked.append((tmp_path / "out").read_bytes())
            assert unpacked[0] == unpacked[1], (seed, done)
        same += 1
    assert (same, more) >= (len(SEEDS) * 0.95, 0)
    assert more <= 2


def test_no_byte_of_the_guests_data_leaves_the_browser_unasked(scripts: Page, tmp_path: Path) -> None:
    path, suspected = tmp_path / "image.qcow2", 0
    shifted = [(MARKER + MARKER)[at : at + 8] for at in range(0, len(MARKER), 4)]
    for seed in range(60):
        image, done = make(seed)
        if not is_small(image):
            continue
        write_filled(image, path)
        made = packed_by(scripts, path, suspects=False)
        if "refused" in made:
            continue
        assert not any(part in gzip.decompress(made["data"]) for part in shifted), (seed, done)
        suspected += bool(made["plan"]["suspects"])
    assert suspected > 5


def test_tar_unpacks_it_and_a_luks_header_is_not_in_it(scripts: Page, tmp_path: Path) -> None:
    path, archive = tmp_path / "image.qcow2", tmp_path / "packed.tar.gz"
    make_luks(path, "qcow2")
    made = packed_by(scripts, path, suspects=True)
    archive.write_bytes(made["data"])
    done = subprocess.run(
        ["tar", "-xzf", archive, "-C", tmp_path], capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")
    unpacked = (tmp_path / "metadata.qcow2").read_bytes()
    assert len(unpacked) == path.stat().st_size
    assert made["plan"]["luksBytes"] > 100_000
    assert b"LUKS\xba\xbe" not in unpacked
    check = subprocess.run(
        ["qemu-img", "check", tmp_path / "metadata.qcow2"], capture_output=True, check=False
    )
    assert check.returncode == 3


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a qcow2 image"),
        (b"KDMV" + bytes(600), "not a qcow2 image"),
        (b"QFI\xfb\0\0\0\3" + bytes(20), "ends inside the header"),
        (b"QFI\xfb\0\0\0\1" + bytes(600), "old format"),
    ],
)
def test_other_files_are_refused_in_words(scripts: Page, tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "other"
    path.write_bytes(data)
    assert said in packed_by(scripts, path, suspects=False)["refused"]


def test_a_file_of_more_clusters_than_a_browser_should_count_is_refused(
    scripts: Page, tmp_path: Path
) -> None:
    path = tmp_path / "image.qcow2"
    image = build(Recipe(cluster_bits=9))
    image.length = 1 << 36
    image.write(path)
    assert "more than a browser should count" in packed_by(scripts, path, suspects=False)["refused"]


# ------------------------------------------------------------------------------------------- the page


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    env = {"UPLOAD_MAX_BYTES": str(2 << 20)}
    with Stack(tmp_path_factory.mktemp("metadata"), run=("redis", "web", "images"), env=env) as running:
        running.python("from portal.tests.factories import make_user\nmake_user('owner@example.org')\n")
        yield running


def upload_page(new_page: NewPage, stack: Stack, **options: Any) -> Page:
    page = new_page(**options)
    page.goto(f"{stack.url}/accounts/login/?next=/lab/images/")
    page.get_by_label("E-mail address").fill("owner@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(f"{stack.url}/lab/images/")
    return page


def test_metadata_alone_goes_to_its_report(stack: Stack, new_page: NewPage, tmp_path: Path) -> None:
    path = tmp_path / "vm.qcow2"
    build(Recipe(snapshots=2, backing=True)).write(path)
    page = upload_page(new_page, stack)
    page.get_by_label("Its metadata alone").check()
    page.locator("input[type=file]").set_input_files(path)
    panel = page.locator("[data-metadata]")
    expect(panel.get_by_text("Nothing has been sent yet.")).to_be_visible()
    expect(panel.get_by_role("button", name="Send the metadata")).to_be_focused()
    panel.get_by_text("Among it 3 names that may be private").click()
    expect(panel.get_by_text("backing file:")).to_be_visible()
    assert stack.sql("SELECT count(*) FROM labtools_upload") == [(0,)]
    assert axe_findings(page) == []
    page.keyboard.press("Shift+Tab")
    panel.get_by_role("button", name="Send the metadata").press("Enter")
    page.wait_for_url(re.compile(r"/lab/images/[0-9a-f-]{36}/$"), timeout=30_000)
    expect(page.get_by_text("metadata supplied by the client").first).to_be_visible(timeout=30_000)


def test_what_may_be_the_guests_is_asked_about(stack: Stack, new_page: NewPage, tmp_path: Path) -> None:
    path = tmp_path / "vm.qcow2"
    damaged(path)
    page = upload_page(new_page, stack, width=360, color_scheme="dark")
    page.get_by_label("Its metadata alone").check()
    page.locator("input[type=file]").set_input_files(path)
    panel = page.locator("[data-metadata]")
    expect(
        panel.get_by_text("may be the guest’s data, because a damaged pointer may lead there")
    ).to_be_visible()
    panel.get_by_role("button", name="Send the metadata").click()
    expect(panel.get_by_text("Say whether the ranges")).to_be_visible()
    assert axe_findings(page) == []
    assert overflow(page) == 0
    panel.get_by_label("Leave them out").check()
    panel.get_by_role("button", name="Send the metadata").click()
    page.wait_for_url(re.compile(r"/lab/images/[0-9a-f-]{36}/$"), timeout=30_000)


def test_an_image_that_is_too_large_is_offered_this_way(
    stack: Stack, new_page: NewPage, tmp_path: Path
) -> None:
    path = tmp_path / "large.qcow2"
    image = build(Recipe())
    image.length = 8 << 20
    image.write(path)
    page = upload_page(new_page, stack)
    page.locator("input[type=file]").set_input_files(path)
    panel = page.locator("[data-metadata]")
    expect(panel.get_by_text("Nothing has been sent yet.")).to_be_visible()
    panel.get_by_role("button", name="Cancel").click()
    expect(page.locator("form[data-upload]")).to_be_visible()

    path.write_bytes(b"KDMV" + bytes(3 << 20))
    page.locator("input[type=file]").set_input_files(path)
    expect(panel.get_by_text("not a qcow2 image")).to_be_visible()
    expect(panel.get_by_role("button", name="Send the whole image")).to_be_hidden()


def test_an_image_that_changes_meanwhile_is_not_sent(stack: Stack, new_page: NewPage, tmp_path: Path) -> None:
    path = tmp_path / "vm.qcow2"
    build(Recipe()).write(path)
    page = upload_page(new_page, stack)
    page.get_by_label("Its metadata alone").check()
    page.locator("input[type=file]").set_input_files(path)
    panel = page.locator("[data-metadata]")
    expect(panel.get_by_text("Nothing has been sent yet.")).to_be_visible()
    with path.open("r+b") as file:
        file.seek(40)
        file.write(b"\1")
    panel.get_by_role("button", name="Send the metadata").click()
    expect(panel.get_by_text("was written to, or went away, while")).to_be_visible()
