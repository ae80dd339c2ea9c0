"""The pages of the maps: who may open them, what they cost, and that they go with their report."""

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from labtools import queries
from labtools.models import ImageAtlas, ImageCheck
from labtools.services import checks
from labtools.tests.factories import make_check, make_report, make_upload
from labtools.tests.mapped import as_bytes, atlas_bytes, damage, mapped_image
from portal.accounts.models import User

pytestmark = pytest.mark.django_db

Visibility = ImageCheck.Visibility
NAMES = ("report_map", "report_disk")
CONTENT = as_bytes(mapped_image())


def mapped(owner: User, content: bytes = CONTENT, **fields: Any) -> ImageCheck:
    return make_report(owner, content, **fields)


def address(name: str, check: ImageCheck, query: str = "") -> str:
    return reverse(f"labtools:{name}", args=[check.pk]) + query


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("visibility", "statuses"), [("private", (200, 404, 404)), ("unlisted", (200, 200, 200))]
)
def test_who_may_read(
    request: pytest.FixtureRequest, owner: User, name: str, visibility: str, statuses: tuple[int, ...]
) -> None:
    check = mapped(owner, visibility=visibility)

    for person, status in zip(("as_owner", "as_member", "as_stranger"), statuses, strict=True):
        response = request.getfixturevalue(person).get(address(name, check))
        assert response.status_code == status, person
        if status == 200:
            assert response["X-Robots-Tag"] == "noindex, nofollow"


@pytest.mark.parametrize("name", NAMES)
def test_there_is_no_page_without_a_map(owner: User, as_owner: Client, name: str) -> None:
    waiting = make_check(owner)
    unreadable = mapped(owner)
    ImageAtlas.objects.filter(pk=unreadable.pk).update(data=b"of another format")

    for check in (waiting, unreadable):
        assert as_owner.get(address(name, check)).status_code == 404
    page = as_owner.get(unreadable.get_absolute_url())
    assert page.status_code == 200
    assert 'id="map"' not in page.content.decode()


def test_an_unknown_layer_is_not_there(owner: User, as_owner: Client) -> None:
    check = mapped(owner)

    assert as_owner.get(address("report_disk", check, "?layer=1")).status_code == 200
    for layer in ("2", "-1", "x", "9" * 5000):
        assert as_owner.get(address("report_disk", check, f"?layer={layer}")).status_code == 404


def test_the_report_shows_both_pictures(owner: User, as_owner: Client) -> None:
    check = mapped(owner)
    text = as_owner.get(check.get_absolute_url()).content.decode()

    assert '<a href="#map">' in text
    assert 'href="map/?from=0x0&amp;to=' in text
    assert 'href="disk/?layer=0&amp;from=0x0' in text
    assert "Snapshot 2: " in text


def test_a_page_says_what_a_cluster_is_for(owner: User, as_owner: Client) -> None:
    image = mapped_image()
    hurt = damage(image)
    check = mapped(owner, as_bytes(image))
    text = as_owner.get(address("report_map", check, f"?at={hurt * 512}")).content.decode()

    assert f"Cluster {hurt} of the file" in text
    assert "damaged; the findings say how" in text
    assert "c-bad is-marked" in text
    assert f'value="{hurt * 512:#x}"' in text


def test_what_is_asked_comes_back_as_text_only(owner: User, as_owner: Client) -> None:
    check = mapped(owner)
    text = as_owner.get(address("report_map", check, "?at=<script>alert(1)</script>")).content.decode()

    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;” is not an offset." in text


@pytest.mark.parametrize("snapshots", [1, 3])
def test_pages_ask_for_the_map_once(
    owner: User, as_stranger: Client, snapshots: int, django_assert_num_queries: Any
) -> None:
    check = mapped(owner, as_bytes(mapped_image(snapshots=snapshots)))

    for name in NAMES:
        with django_assert_num_queries(2):
            as_stranger.get(address(name, check, "?at=0"))


def test_a_page_is_no_larger_for_a_larger_image(owner: User, as_stranger: Client) -> None:
    large = as_bytes(mapped_image(l2_tables=40))
    check = mapped(owner, large)

    body = as_stranger.get(address("report_map", check)).content

    assert len(large) // 512 > 768, "more clusters than cells"
    assert body.count(b"<rect") <= 768
    assert len(body) < 250_000


@pytest.mark.parametrize("name", ["report_map_json", "report_disk_json"])
def test_data_is_for_those_who_may_read_the_report(
    owner: User, as_owner: Client, as_member: Client, as_stranger: Client, name: str
) -> None:
    check = mapped(owner, visibility="private")
    assert as_owner.get(address(name, check)).status_code == 200
    for client in (as_member, as_stranger):
        assert client.get(address(name, check)).status_code == 404
    assert as_owner.get(address(name, make_check(owner))).status_code == 404


def test_data_says_what_the_picture_shows(owner: User, as_owner: Client) -> None:
    image = mapped_image()
    hurt = damage(image)
    content = as_bytes(image)
    check = mapped(owner, content)

    data = as_owner.get(
        address("report_map_json", check, f"?from=0&to={len(content)}&at={hurt * 512}")
    ).json()

    assert (data["format"], data["of"], data["cluster_size"]) == (1, "file", 512)
    cells = data["cells"]
    assert 0 < len(cells) <= 768
    assert cells[0]["offset"] == data["offset"] == 0
    assert all(a["offset"] + a["length"] == b["offset"] for a, b in pairwise(cells))
    assert cells[-1]["offset"] + cells[-1]["length"] == data["stop"] == data["length"]
    assert all(sum(cell["clusters"].values()) * 512 == cell["length"] for cell in cells)
    assert check.result is not None
    checked = check.result["reading"]["roles"]
    sums: Counter[str] = Counter()
    for cell in cells:
        sums.update(cell["clusters"])
    assert dict(sums) == {words: count for words, count in checked.items() if count}
    assert any(place["offset"] <= hurt * 512 < place["offset"] + place["length"] for place in data["damage"])
    assert data["at"]["offset"] == hurt * 512
    assert data["at"]["damaged"] is True


def test_data_leads_from_the_guests_disk_to_the_file_and_back(owner: User, as_owner: Client) -> None:
    check = mapped(owner)
    disk = as_owner.get(address("report_disk_json", check)).json()
    assert disk["layer"] == "active"
    assert disk["layers"][0] == "active"
    there = next(cell["offset"] for cell in disk["cells"] if "data" in cell["clusters"])
    told = as_owner.get(address("report_disk_json", check, f"?at={there:#x}")).json()["at"]
    (host,) = told["host_offsets"]
    cluster = as_owner.get(address("report_map_json", check, f"?at={host}")).json()["at"]
    assert cluster["role"] == "data"
    owner_of = next(one for one in cluster["owners"] if "active" in one["layers"])
    assert owner_of["kind"] == "data"
    assert owner_of["offset"] <= there < owner_of["offset"] + owner_of["length"]


@pytest.mark.parametrize("query", ["?at=x", f"?at={1 << 70}", "?from=-1", "?to=1e3"])
def test_data_of_what_is_no_place_is_an_error_in_words(owner: User, as_owner: Client, query: str) -> None:
    response = as_owner.get(address("report_map_json", mapped(owner), query))
    assert response.status_code == 400
    assert response.json()["error"].endswith(".")


def test_the_page_leads_to_its_data(owner: User, as_owner: Client) -> None:
    check = mapped(owner)
    text = as_owner.get(address("report_disk", check, "?layer=0&at=512")).content.decode()
    assert f'href="{address("report_disk_json", check)}?layer=0&amp;at=512"' in text


def test_the_map_goes_with_its_report(owner: User) -> None:
    check = mapped(owner)
    mapped(owner)
    assert ImageAtlas.objects.count() == 2

    checks.delete_image_check(check=check)
    assert ImageAtlas.objects.count() == 1
    checks.erase_member(owner)
    assert ImageAtlas.objects.count() == 0


def _again(owner: User, check: ImageCheck, content: bytes) -> None:
    """As a sample is checked again when the report's format is raised."""
    ImageCheck.objects.filter(pk=check.pk).update(state="queued", upload=make_upload(owner, content))
    checks.run_image_check(check.pk)
    check.refresh_from_db()


def test_a_check_made_again_has_the_newer_map(owner: User) -> None:
    check = mapped(owner)
    _again(owner, check, as_bytes(mapped_image(l2_tables=3)))

    atlas = queries.atlas_of(check)

    assert atlas
    assert atlas.clusters == check.length // 512 != len(CONTENT) // 512


def test_a_check_without_a_map_keeps_no_older_one(owner: User) -> None:
    check = mapped(owner)
    _again(owner, check, b"just some text\n")

    assert check.verdict == "not_qcow2"
    assert not ImageAtlas.objects.exists()


def test_a_map_is_kept_small() -> None:
    assert len(atlas_bytes(CONTENT)) < 3000
