"""The page that says how to prepare a host is right about what it says, and the file is for staff."""

from __future__ import annotations

import hashlib
import html
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from labtools.labhost import labprobe
from labtools.labhost.tests.ssh_hosts import make_key, public, ssh_host
from labtools.labhost.transport import probe_ssh, read_document
from labtools.views.bring import PLACE
from portal.tests.factories import make_user

SOURCE = Path(labprobe.__file__).read_bytes()


@pytest.fixture
def staff_client(client: Client) -> Client:
    client.force_login(make_user(is_staff=True))
    return client


@pytest.mark.django_db
def test_staff_get_the_very_file_as_an_attachment(staff_client: Client, tmp_path: Path) -> None:
    answer = staff_client.get(reverse("labtools:labprobe"))
    assert answer.content == SOURCE
    assert answer["Content-Type"] == "text/x-python; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="labprobe.py"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Content-SHA256"] == hashlib.sha256(SOURCE).hexdigest()
    (tmp_path / "labprobe.py").write_bytes(answer.content)
    argv = [sys.executable, "-I", "labprobe.py", "--demonstration"]
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=True, cwd=tmp_path, timeout=60)
    assert read_document(done.stdout).inventory


@pytest.mark.django_db
def test_the_file_is_not_there_for_members_and_strangers(client: Client) -> None:
    address = reverse("labtools:labprobe")
    assert client.get(address).headers["Location"].startswith("/accounts/login/")
    client.force_login(make_user())
    assert client.get(address).status_code == 404


@pytest.mark.django_db
def test_only_staff_see_the_portals_keys(client: Client, settings: Settings, tmp_path: Path) -> None:
    settings.LAB_KEYS_DIR = tmp_path
    key = public(make_key(tmp_path / "lab"))
    page = reverse("labtools:host_bring")
    digest = hashlib.sha256(SOURCE).hexdigest()
    for person, sees in ((None, False), (make_user(), False), (make_user(is_staff=True), True)):
        if person is not None:
            client.force_login(person)
        text = client.get(page).content.decode()
        assert digest in text
        assert (key.split()[1] in text) is sees
        assert (reverse("labtools:labprobe") in text) is sees
        assert "PRIVATE KEY" not in text


@pytest.mark.django_db
def test_the_line_of_the_page_lets_the_portal_start_the_file_and_nothing_else(
    staff_client: Client, settings: Settings, tmp_path: Path
) -> None:
    with ssh_host(tmp_path) as host:
        settings.LAB_KEYS_DIR = tmp_path
        page = html.unescape(staff_client.get(reverse("labtools:host_bring")).content.decode())
        line = next(
            line for line in re.findall(r"<code>(restrict,.*?)</code>", page) if line.endswith(" client")
        )
        program = tmp_path / "labprobe.py"
        program.write_text(f"#!/bin/sh\nexec {sys.executable} {labprobe.__file__} --demonstration\n")
        program.chmod(0o755)
        (tmp_path / "authorized_keys").write_text(line.replace(PLACE, str(program)) + "\n")
        assert read_document(probe_ssh(host.access)).inventory
