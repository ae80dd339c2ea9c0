"""The page that explains the format: whole, and linked from where one would look for it."""

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from labtools.qcow2 import HEADER_FIELDS, format_tables
from labtools.tests.factories import make_image, make_report
from portal.accounts.models import User

pytestmark = pytest.mark.django_db

ADDRESS = "/lab/qcow2/"


@pytest.mark.parametrize("person", ["as_owner", "as_member", "as_stranger"])
def test_everybody_reads_every_row(person: str, request: pytest.FixtureRequest) -> None:
    client: Client = request.getfixturevalue(person)
    html = client.get(ADDRESS).content.decode()
    rows = [row for table in format_tables() for row in table.rows]
    assert re.findall(r'<tr id="([^"]+)">', html) == [row.id for row in rows]
    assert all(f'<td data-label="Name">{field.name}</td>' in html for field in HEADER_FIELDS)


def test_every_jump_lands(as_stranger: Client) -> None:
    html = as_stranger.get(ADDRESS).content.decode()
    jumps = re.findall(r'href="#([\w-]+)"', html)
    assert "compressed-l2-entry" in jumps
    assert [jump for jump in jumps if f'id="{jump}"' not in html] == []


def test_the_lab_the_images_and_a_report_lead_here(as_owner: Client, owner: User, tmp_path: Path) -> None:
    report = make_report(owner, make_image(tmp_path / "image").read_bytes())
    for address in (reverse("labtools:index"), reverse("labtools:image_list"), report.get_absolute_url()):
        assert f'href="{ADDRESS}"' in as_owner.get(address).content.decode(), address
