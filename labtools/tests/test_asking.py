"""Each transport of a host is asked in its own way, with the row checked once more."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from labtools.labhost.tests.ssh_hosts import SshHost, public, ssh_host
from labtools.labhost.tests.test_document import make_raw
from labtools.labhost.transport import read_document
from labtools.models import LabHost
from labtools.services.asking import ProbeFailure, answer_of
from labtools.tests.lab_hosts import make_host


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHost]:
    with ssh_host(tmp_path_factory.mktemp("ssh")) as running:
        yield running


def make_ssh_host(server: SshHost, **fields: object) -> LabHost:
    access = server.access
    values: dict[str, object] = {"ssh_host": access.host, "ssh_port": access.port, "ssh_user": access.user}
    values |= {"ssh_key_name": "client", "ssh_host_key": public(server.folder / "host")}
    return make_host("pune-1", transport=LabHost.Transport.SSH, **values | fields)


@pytest.mark.django_db
def test_a_host_over_ssh_is_asked_with_its_key(server: SshHost, settings: Settings) -> None:
    settings.LAB_KEYS_DIR = server.folder
    (server.folder / "document").write_text(json.dumps(make_raw()))
    server.force(f"cat {server.folder}/document")
    assert read_document(answer_of(make_ssh_host(server))).qemu[0].version == "7.2.22"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fields",
    [
        {"ssh_key_name": "../client"},
        {"ssh_key_name": "/etc/ssh/ssh_host_ed25519_key"},
        {"ssh_host": "-oProxyCommand=touch x"},
        {"ssh_user": "-oProxyCommand=touch x"},
        {"ssh_host_key": "ssh-ed25519 AAAA"},
    ],
)
def test_a_row_with_a_hostile_field_reaches_no_command(
    server: SshHost, settings: Settings, fields: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LAB_KEYS_DIR = server.folder
    monkeypatch.setattr("labtools.labhost.transport.subprocess.Popen", lambda *_, **__: pytest.fail("ran"))
    with pytest.raises(ProbeFailure) as caught:
        answer_of(make_ssh_host(server, **fields))
    assert caught.value.code == "field"


@pytest.mark.django_db
def test_the_demonstration_has_an_inventory_and_no_qemu() -> None:
    found = read_document(answer_of(make_host(transport=LabHost.Transport.DEMONSTRATION)))
    assert (found.qemu, found.inventory is not None) == ((), True)
