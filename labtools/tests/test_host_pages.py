"""Pages of lab hosts: who sees what, in how many queries, and what staff can do."""

import csv
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries, Settings

from labtools.host_forms import LabHostForm
from labtools.models import LabHost
from labtools.queries import hosts as queries
from labtools.queries.hosts import state_of
from labtools.services import hosts
from labtools.tests.lab_hosts import (
    AT,
    HOST_KEY,
    cpu,
    device,
    make_document,
    make_document_json,
    make_host,
    make_lab_keys,
    make_seen_host,
    record,
)
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
LISTS = ("host_list", "host_list_json", "host_list_csv", "change_list", "change_list_json", "change_list_csv")
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def as_staff() -> Client:
    """A browser in which staff is signed in."""
    client = Client()
    client.force_login(make_user(is_staff=True), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture(autouse=True)
def _keys(settings: Settings, tmp_path: Path) -> None:
    settings.LAB_KEYS_DIR = make_lab_keys(tmp_path / "keys")


def url(name: str, **arguments: str) -> str:
    """Of a page of the lab."""
    return reverse(f"labtools:{name}", kwargs=arguments)


def text(client: Client, address: str) -> str:
    """What a page says; fails the test unless it is 200."""
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode("utf-8-sig")


SSH: dict[str, Any] = {
    "transport": "ssh",
    "ssh_host": "lab.example.org",
    "ssh_port": 22,
    "ssh_user": "labprobe",
    "ssh_key_name": "lab",
    "ssh_host_key": HOST_KEY,
}


class TestWhoSeesWhat:
    @pytest.fixture(autouse=True)
    def _hosts(self) -> None:
        make_seen_host("pune-1", make_document(version="7.2.22"))
        self.private = make_seen_host("secret-host", make_document(version="9.9.99"), visibility="private")

    def addresses(self) -> list[str]:
        """All that would show the private host."""
        snapshot = {"digest": self.private.current.snapshot_id if self.private.current else ""}
        one = [url(name, slug="secret-host") for name in ("host", "host_json", "host_csv")]
        return one + [url(name, **snapshot) for name in ("snapshot", "snapshot_json", "snapshot_csv")]

    def test_private_hosts_are_not_there_for_strangers_and_members(
        self, as_stranger: Client, as_member: Client, as_staff: Client
    ) -> None:
        for address in self.addresses():
            assert [client.get(address).status_code for client in (as_stranger, as_member)] == [404, 404]
            assert "9.9.99" in text(as_staff, address)

    def test_lists_and_feeds_name_public_hosts_only(
        self, as_stranger: Client, as_member: Client, as_staff: Client
    ) -> None:
        for name in LISTS:
            for client in (as_stranger, as_member):
                page = text(client, url(name))
                assert "7.2.22" in page
                assert "9.9.99" not in page
                assert "secret-host" not in page.lower()
            assert "9.9.99" in text(as_staff, url(name))
        for client in (as_stranger, as_staff):  # one feed for all: caches may keep it
            feed = text(client, url("change_feed"))
            assert "7.2.22" in feed
            assert "9.9.99" not in feed

    def test_a_snapshot_that_a_public_host_shares_does_not_name_the_private_one(
        self, as_stranger: Client
    ) -> None:
        shared = make_document(version="9.9.99")
        make_seen_host("open-host", shared)
        for name in ("snapshot", "snapshot_json"):
            page = text(as_stranger, url(name, digest=shared.content_hash))
            assert "open-host" in page.lower()
            assert "secret-host" not in page.lower()

    def test_a_host_that_became_private_is_gone_with_all_that_it_had(self, as_stranger: Client) -> None:
        LabHost.objects.filter(slug="pune-1").update(visibility="private")
        for name in (*LISTS, "change_feed"):
            assert "7.2.22" not in text(as_stranger, url(name))


#: What a stranger must never read; each is where the portal really keeps such a thing.
SECRETS = (
    "/srv/secret-path",
    "secret-path",
    "secret-ssh-host",
    "secret-user",
    "secret-key-name",
    "secret-words",
    "secret-mend",
    "secret-in-problem",
    HOST_KEY.split()[1],
)


def make_host_of_secrets() -> LabHost:
    """A public host that failed lately, with something to hide in every field that has such things."""
    raw = make_document_json()
    raw["qemu"][0]["accelerators"]["kvm"]["last_words"] = "/srv/secret-path/qemu-system-x86_64: no KVM"
    raw["qemu"][0]["devices"][1]["last_words"] = "/srv/secret-path/qemu-system-x86_64: no module"
    broken = dict(raw["qemu"][0], binary="/srv/secret-path/broken", status="died", version="", package="")
    broken |= {"last_words": "/srv/secret-path/broken: cannot load /srv/secret-path/lib.so", "devices": []}
    broken |= {"machines": [], "objects": [], "accelerators": {}, "target": "arm"}
    raw["qemu"].append(broken)
    raw["problems"] = ["left out, the document would be too large: /srv/secret-path/secret-in-problem/qemu"]
    return make_seen_host(
        "pune-1",
        make_document(raw),
        transport="ssh",
        ssh_host="secret-ssh-host.example.org",
        ssh_user="secret-user",
        ssh_key_name="secret-key-name",
        ssh_host_key=HOST_KEY,
        failures=3,
        last_answer_at=AT,
        last_failure="refused",
        last_failure_words="secret-words of secret-ssh-host",
        last_failure_mend="secret-mend",
        shortcomings=[{"words": "secret-words", "mend": "secret-mend"}],
    )


def lab_addresses(host: LabHost) -> list[str]:
    """Every address of the lab that takes a GET without more than this host, its snapshot or its QEMU."""
    from labtools.urls import urlpatterns

    assert host.current is not None
    known = {
        "slug": host.slug,
        "digest": host.current.snapshot_id,
        "name": "virtio-gpu-gl-pci",
        "target": "x86_64",
    }
    addresses = []
    for pattern in urlpatterns:
        arguments = pattern.pattern.converters
        if pattern.name and set(arguments) <= set(known):
            base = reverse(f"labtools:{pattern.name}", kwargs={name: known[name] for name in arguments})
            pinned = f"{host.current.snapshot_id}:x86_64"
            addresses += [base, f"{base}?on={host.slug}:x86_64", f"{base}?on={pinned}&on={host.slug}:x86_64"]
    return addresses


def test_no_address_of_the_lab_tells_strangers_or_members_what_is_a_hosts_own(
    as_stranger: Client, as_member: Client
) -> None:
    host = make_host_of_secrets()
    told = []
    for address in lab_addresses(host):
        for client in (as_stranger, as_member):
            page = b"".join(client.get(address)).decode("utf-8", "replace")
            told += [(address, secret) for secret in SECRETS if secret in page]
    assert told == []


def test_staff_read_what_failed_how_it_is_reached_and_where_qemu_lies(as_staff: Client) -> None:
    make_host_of_secrets()
    page = text(as_staff, url("host", slug="pune-1"))
    missing = [secret for secret in SECRETS if secret not in page and secret != HOST_KEY.split()[1]]
    assert missing == []


def test_staff_read_that_a_host_changes_too_often(
    as_staff: Client, as_member: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "It gave 3 different answers within a day"
    monkeypatch.setattr("labtools.queries.hosts.MAX_NEW_A_DAY", 2)
    host = make_seen_host("pune-1", at=timezone.now() - timedelta(hours=3))
    record(host, make_document(version="9.0.1"), at=timezone.now() - timedelta(hours=2))
    assert words[:8] not in text(as_staff, url("host", slug="pune-1"))
    record(host, make_document(version="9.0.2"), at=timezone.now() - timedelta(hours=1))
    assert words in text(as_staff, url("host", slug="pune-1"))
    assert words[:8] not in text(as_member, url("host", slug="pune-1"))


def test_no_key_is_ever_shown(as_staff: Client) -> None:
    host = make_seen_host("pune-1", **SSH)
    for name in ("host", "host_edit", "host_json"):
        assert "private half" not in text(as_staff, url(name, slug=host.slug))
    page = text(as_staff, url("host_add"))
    assert HOST_KEY in page
    assert "private half" not in page


@pytest.mark.parametrize(
    ("kind", "name", "command"),
    [
        ("devices", "x >fstab #", "qemu-system-x86_64 -device 'x >fstab #,help'"),
        ("machines", "m*(e:id:)", "qemu-system-x86_64 -M 'm*(e:id:),help'"),
        ("cpus", "c*(e:id:)", "qemu-system-x86_64 -accel kvm -M none -nodefaults -cpu 'c*(e:id:),enforce'"),
    ],
)
def test_a_command_to_copy_is_one_command_whatever_a_host_calls_its_things(
    kind: str, name: str, command: str, as_stranger: Client
) -> None:
    raw = make_document_json()
    qemu = raw["qemu"][0]
    qemu["devices"] = [device("x >fstab #", properties="virtio-net-pci")]
    qemu["machines"][0]["name"] = "m*(e:id:)"
    qemu["accelerators"]["tcg"]["cpus"] = [cpu("c*(e:id:)")]
    make_seen_host("liar", make_document(raw))

    page = as_stranger.get(f"/lab/{kind}/{quote(name)}/", {"on": "liar:x86_64"})

    assert f"</span>{escape(command)}</code>" in page.content.decode()


def test_words_of_a_host_are_text_and_no_markup(as_stranger: Client, as_staff: Client) -> None:
    raw = make_document_json()
    raw["qemu"][0]["version"] = "<script>1</script>"
    raw["qemu"][0]["package"] = "<script>2</script>"
    raw["qemu"][0]["accelerators"]["kvm"]["last_words"] = "<script>3</script>"
    raw["problems"] = ["<script>4</script>"]
    host = make_seen_host("pune-1", make_document(raw), name="<script>5</script>")
    raw["qemu"][0]["version"] = "1.0</title><script>6</script>"
    record(host, make_document(raw), at=AT + timedelta(hours=1))
    LabHost.objects.update(failures=1, last_failure="x", last_failure_words="<script>7</script>\n<b>")
    for client in (as_stranger, as_staff):
        for address in lab_addresses(LabHost.objects.get()):
            response = client.get(address)
            if response["Content-Type"].startswith("text/html"):
                for number in range(1, 8):
                    assert f"<script>{number}" not in response.content.decode(), address
    ElementTree.fromstring(as_stranger.get(url("change_feed")).content)  # noqa: S314 (our own)


class TestStates:
    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"transport": "reference"}, "reference"),
            ({"is_enabled": False, "failures": 3}, "disabled"),
            ({}, "never-asked"),
            ({"failures": 1}, "never-answered"),
            ({"last_answer_at": AT}, "fresh"),
            ({"last_answer_at": AT - timedelta(hours=2)}, "fresh"),
            ({"last_answer_at": AT - timedelta(hours=2, seconds=1)}, "stale"),
            ({"last_answer_at": AT, "failures": 1}, "silent"),
        ],
    )
    def test_each_state_has_its_word(self, fields: dict[str, Any], code: str) -> None:
        assert state_of(LabHost(**fields), AT).code == code

    def test_the_circuit_is_open_from_the_third_failure_until_the_next_try(self) -> None:
        later = AT + timedelta(minutes=1)
        assert queries.is_circuit_open(LabHost(failures=3, next_probe_at=later), AT)
        assert not queries.is_circuit_open(LabHost(failures=2, next_probe_at=later), AT)
        assert not queries.is_circuit_open(LabHost(failures=3, next_probe_at=AT), AT)

    def test_a_host_that_fell_silent_says_since_when(self, as_stranger: Client) -> None:
        host = make_seen_host(
            last_answer_at=AT, failures=4, next_probe_at=timezone.now() + timedelta(hours=1)
        )
        assert "silent since" in text(as_stranger, url("host_list"))
        assert "paused after 4 failures" in text(as_stranger, url("host_list"))
        assert "silent since" in text(as_stranger, host.get_absolute_url())


class TestContent:
    def test_a_host_shows_its_qemu_why_kvm_is_not_usable_and_where_to_go(self, as_stranger: Client) -> None:
        host = make_seen_host()
        page = text(as_stranger, host.get_absolute_url())
        assert "QEMU 7.2.22" in page
        assert "3 device types" in page
        assert "kvm not usable" in page
        assert "/dev/kvm cannot be opened by the probe&#x27;s user" in page
        assert host.current is not None
        assert host.current.snapshot.get_absolute_url() in page
        data = json.loads(text(as_stranger, url("host_json", slug=host.slug)))
        assert data["page"].endswith(host.get_absolute_url())
        assert data["qemu"][0]["on"] == "pune-1:x86_64"
        assert data["qemu"][0]["accelerators"]["kvm"]["usable"] is False
        assert "binary" not in data["qemu"][0]

    def test_a_snapshot_stays_when_its_host_moved_on(self, as_stranger: Client) -> None:
        host, old = make_seen_host(), make_document()
        record(host, make_document(version="9.0.0"), at=AT + timedelta(days=1))
        page = text(as_stranger, url("snapshot", digest=old.content_hash))
        assert "QEMU 7.2.22" in page
        assert "9.0.0" not in page
        data = json.loads(text(as_stranger, url("snapshot_json", digest=old.content_hash)))
        assert data["digest"] == old.content_hash
        assert [one["host"] for one in data["seen"]] == ["pune-1"]
        assert [one["name"] for one in data["qemu"][0]["devices"]] == [
            "virtio-blk-pci",
            "virtio-gpu-gl-pci",
            "virtio-net-pci",
        ]
        assert data["qemu"][0]["on"] == f"{old.content_hash}:x86_64"

    @pytest.mark.parametrize("digest", ["0" * 64, "abc", "A" * 64])
    def test_a_hash_that_nobody_had_is_not_there(self, digest: str, as_stranger: Client) -> None:
        assert as_stranger.get(url("snapshot", digest=digest)).status_code == 404

    def test_the_feed_tells_what_changed_newest_first(self, as_stranger: Client) -> None:
        host = make_seen_host()
        record(host, make_document(version="9.0.0"), at=AT + timedelta(days=1))
        make_seen_host("debian-13", make_document(version="10.0.2"), transport="reference")
        data = json.loads(text(as_stranger, url("change_list_json")))["changes"]
        assert [entry["changes"][0] for entry in data] == [
            "QEMU 7.2.22 to 9.0.0",
            "seen for the first time: QEMU 7.2.22 for x86_64",
        ]
        root = ElementTree.fromstring(as_stranger.get(url("change_feed")).content)  # noqa: S314 (our own)
        titles = [entry.findtext(f"{ATOM}title") for entry in root.iter(f"{ATOM}entry")]
        assert titles == [
            "Pune-1: QEMU 7.2.22 to 9.0.0",
            "Pune-1: seen for the first time: QEMU 7.2.22 for x86_64",
        ]
        links = [entry.find(f"{ATOM}link") for entry in root.iter(f"{ATOM}entry")]
        assert links[0] is not None
        assert "/lab/snapshots/" in links[0].attrib["href"]
        rows = list(csv.reader(text(as_stranger, url("change_list_csv")).splitlines()))
        assert rows[0][3] == "Change"
        assert len(rows) > 2

    def test_an_unchanged_feed_is_not_sent_twice(self, as_stranger: Client) -> None:
        make_seen_host()
        first = as_stranger.get(url("change_feed"))
        again = as_stranger.get(url("change_feed"), headers={"If-None-Match": first["ETag"]})
        assert again.status_code == 304

    def test_tables_as_csv_have_a_row_for_each_qemu(self, as_stranger: Client) -> None:
        make_seen_host()
        make_host("pune-2")
        rows = list(csv.reader(text(as_stranger, url("host_list_csv")).splitlines()))
        assert [row[0] for row in rows] == ["Host", "pune-1", "pune-2"]
        assert rows[1][5:7] == ["7.2.22", "x86_64"]
        rows = list(csv.reader(text(as_stranger, url("host_csv", slug="pune-1")).splitlines()))
        assert rows[1][:7] == ["pune-1:x86_64", "7.2.22", "Debian 7.2.22", "x86_64", "ok", "yes", "no"]

    def test_an_empty_lab_says_what_comes(self, as_stranger: Client, as_staff: Client) -> None:
        assert "no host to see yet" in text(as_stranger, url("host_list"))
        assert url("host_add") in text(as_staff, url("host_list"))
        assert "Nothing was seen yet" in text(as_stranger, url("change_list"))
        make_host()
        assert "has not been asked yet" in text(as_stranger, url("host", slug="pune-1"))


class TestStaff:
    def fields(self, **more: object) -> dict[str, object]:
        """A form as a browser sends it."""
        base = {
            "name": "Pune 1",
            "slug": "pune-1",
            "visibility": "private",
            "position": 100,
            "is_enabled": "on",
        }
        return base | SSH | more

    def test_staff_add_a_host_and_see_it_being_asked(self, as_staff: Client) -> None:
        response = as_staff.post(url("host_add"), self.fields())
        assert response.status_code == 302
        assert response["Location"] == url("host", slug="pune-1") + "#probing"
        host = LabHost.objects.get()
        assert (host.visibility, host.probe_state) == ("private", "queued")
        page = text(as_staff, url("host", slug="pune-1"))
        assert "waits for a worker" in page
        assert 'hx-trigger="every 1s"' in page

    def test_a_new_host_is_private_unless_staff_say_otherwise(self, as_staff: Client) -> None:
        page = text(as_staff, url("host_add"))
        checked = [line for line in page.split("<input") if "checked" in line and 'name="visibility"' in line]
        assert len(checked) == 1
        assert 'value="private"' in checked[0]

    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("ssh_host", "-oProxyCommand=id", "Give a host name"),
            ("ssh_user", "Root", "Give a user name"),
            ("ssh_port", "0", "from 1 to 65535"),
            ("ssh_port", "65536", "from 1 to 65535"),
            ("ssh_key_name", "open", "valid choice"),
            ("ssh_key_name", "", "required"),
            ("ssh_host", "", "required"),
            ("ssh_host_key", "ssh-ed25519 AAAA", "not a whole key"),
            ("transport", "reference", "valid choice"),
            ("transport", "qemu+ext", "valid choice"),
            ("slug", "bring", "address of the lab"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(
        self, field: str, value: str, words: str, as_staff: Client
    ) -> None:
        response = as_staff.post(url("host_add"), self.fields(**{field: value}))
        assert response.status_code == 422
        assert words in response.context["form"].errors[field][0]
        assert not LabHost.objects.exists()

    def test_a_host_is_edited(self, as_staff: Client) -> None:
        as_staff.post(url("host_add"), self.fields())
        response = as_staff.post(url("host_edit", slug="pune-1"), self.fields(name="Pune", ssh_port=""))
        assert response.status_code == 302
        host = LabHost.objects.get()
        assert (host.name, host.ssh_port, host.probe_state) == ("Pune", 22, "queued")

    def test_two_who_edit_one_host_at_once_do_not_undo_each_other(self, as_staff: Client) -> None:
        as_staff.post(url("host_add"), self.fields())
        edit = url("host_edit", slug="pune-1")
        seen = as_staff.get(edit).context["form"].initial["seen"]
        assert f'name="seen" value="{seen}"' in text(as_staff, edit)
        long = "Of the first. " * 40
        first = self.fields(name="Pune of the first", position=7, description=long, seen=seen)
        del first["is_enabled"]
        assert as_staff.post(edit, first).status_code == 302
        # Sent twice, it is no conflict with itself.
        assert as_staff.post(edit, first).status_code == 302
        second = self.fields(description="Written by the second", seen=seen)
        response = as_staff.post(edit, second)
        assert response.status_code == 422
        page = " ".join(response.content.decode().split())
        assert "Somebody else changed this host" in page
        assert "name: “Pune of the first”" in page
        assert "position: “7”" in page
        assert "is enabled: no" in page
        assert f"description: “{long[:99]}…”" in page
        assert "Written by the second</textarea>" in page
        stored = LabHost.objects.get()
        assert (stored.name, stored.position, stored.description) == ("Pune of the first", 7, long.strip())
        again = response.context["form"]["seen"].value()
        assert f'name="seen" value="{again}"' in page
        assert as_staff.post(edit, second | {"seen": again}).status_code == 302
        stored.refresh_from_db()
        assert (stored.name, stored.description) == ("Pune 1", "Written by the second")

    def test_another_fault_hides_no_conflict(self, as_staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        make_host()
        edit = url("host_edit", slug="pune-1")
        seen = as_staff.get(edit).context["form"].initial["seen"]
        LabHost.objects.update(name="Pune of the first")

        def refuse(host: LabHost) -> None:
            raise ValidationError("The key is gone.")

        with monkeypatch.context() as patched:
            patched.setattr(hosts, "_check", refuse)
            response = as_staff.post(edit, self.fields(seen=seen))
        assert response.status_code == 422
        assert response.context["form"]["seen"].value() == seen
        response = as_staff.post(edit, self.fields(seen=seen))
        assert "Somebody else changed this host" in response.content.decode()

    def test_what_the_workers_write_is_nobodys_edit(self, as_staff: Client) -> None:
        make_host()
        edit = url("host_edit", slug="pune-1")
        seen = as_staff.get(edit).context["form"].initial["seen"]
        LabHost.objects.update(failures=3, probe_state="queued", last_failure="timeout")
        record(LabHost.objects.get(), make_document())
        assert as_staff.post(edit, self.fields(name="Other", seen=seen)).status_code == 302

    def test_a_host_that_is_deleted_while_it_is_edited_is_a_404(
        self, as_staff: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_host()
        check = LabHostForm.is_valid

        def is_valid(form: LabHostForm) -> bool:
            LabHost.objects.all().delete()
            return check(form)

        monkeypatch.setattr(LabHostForm, "is_valid", is_valid)
        response = as_staff.post(url("host_edit", slug="pune-1"), self.fields())
        assert response.status_code == 404
        assert "Somebody deleted this lab host just now." in response.content.decode()

    def test_asking_now_closes_an_open_circuit_for_one_try(self, as_staff: Client) -> None:
        make_seen_host(failures=5, next_probe_at=timezone.now() + timedelta(hours=3), last_answer_at=AT)
        assert "open: left alone" in text(as_staff, url("host", slug="pune-1"))
        assert as_staff.post(url("host_ask", slug="pune-1")).status_code == 302
        assert LabHost.objects.get().probe_state == "queued"
        page = as_staff.post(url("host_ask", slug="pune-1"), follow=True).content.decode()
        assert "is being asked already" in page

    def test_the_part_that_htmx_asks_for_ends_the_polling_with_the_answer(self, as_staff: Client) -> None:
        host = make_host(probe_state="running", probe_started_at=AT)
        part = as_staff.get(host.get_absolute_url(), headers={"HX-Request": "true"})
        assert b"every 1s" in part.content
        assert b"<h1" not in part.content
        LabHost.objects.update(
            probe_state="idle",
            failures=1,
            last_failure="refused",
            last_failure_words="No.",
            last_failure_mend="Do.",
        )
        part = as_staff.get(host.get_absolute_url(), headers={"HX-Request": "true"})
        assert b"every 1s" not in part.content
        assert b"No." in part.content
        assert b"How to mend it:</strong> Do." in part.content
        assert b"Test connection" in part.content

    def test_what_a_good_answer_lacks_is_said_to_staff(self, as_staff: Client, as_member: Client) -> None:
        lacking = [{"words": "It has no <b>.", "mend": "Give it one."}]
        host = make_seen_host(last_answer_at=AT, shortcomings=lacking)
        assert "It has no &lt;b&gt;." in text(as_staff, host.get_absolute_url())
        assert "It has no" not in text(as_member, host.get_absolute_url())

    def test_a_host_is_disabled_enabled_and_deleted(self, as_staff: Client) -> None:
        make_seen_host()
        as_staff.post(url("host_enabled", slug="pune-1"), {"enabled": "no"})
        assert not LabHost.objects.get().is_enabled
        as_staff.post(url("host_enabled", slug="pune-1"), {"enabled": "yes"})
        assert LabHost.objects.get().is_enabled
        assert as_staff.post(url("host_enabled", slug="pune-1"), {"enabled": "x"}).status_code == 400
        assert "cannot be undone" in text(as_staff, url("host_delete", slug="pune-1"))
        assert LabHost.objects.exists()
        assert as_staff.post(url("host_delete", slug="pune-1")).status_code == 302
        assert not LabHost.objects.exists()

    @pytest.mark.parametrize("name", ["host_edit", "host_ask", "host_enabled", "host_delete"])
    def test_references_cannot_be_acted_on(self, name: str, as_staff: Client) -> None:
        make_seen_host(transport="reference")
        response = as_staff.post(url(name, slug="pune-1"), {"enabled": "no"})
        assert response.status_code == 404
        assert LabHost.objects.filter(is_enabled=True, probe_state="idle").exists()

    @pytest.mark.parametrize("name", ["host_edit", "host_ask", "host_enabled", "host_delete", "host_add"])
    def test_others_can_do_none_of_it(self, name: str, as_member: Client, as_stranger: Client) -> None:
        make_seen_host()
        address = url(name) if name == "host_add" else url(name, slug="pune-1")
        fields = self.fields(slug="other", enabled="no")
        assert as_member.post(address, fields).status_code == 404
        response = as_stranger.post(address, fields)
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("account_login"))
        host = LabHost.objects.get()
        assert (host.slug, host.is_enabled, host.probe_state) == ("pune-1", True, "idle")

    def test_a_member_gets_no_part_of_probing(self, as_member: Client) -> None:
        make_host_of_secrets()
        part = as_member.get(url("host", slug="pune-1"), headers={"HX-Request": "true"}).content.decode()
        assert "secret-words" not in part
        assert "<h1" in part


class TestAdmin:
    @pytest.fixture
    def as_admin(self) -> Client:
        """A browser in which somebody is signed in who may do everything."""
        client = Client()
        user = make_user(is_staff=True, is_superuser=True)
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    def test_a_host_is_added_changed_and_deleted_by_the_same_rules(self, as_admin: Client) -> None:
        add = reverse("admin:labtools_labhost_add")
        fields = TestStaff().fields()
        assert as_admin.post(add, fields | {"ssh_host": "-x"}).status_code == 200
        assert not LabHost.objects.exists()
        assert as_admin.post(add, fields).status_code == 302
        host = LabHost.objects.get()
        change = reverse("admin:labtools_labhost_change", args=[host.pk])
        assert as_admin.post(change, fields | {"name": "Other"}).status_code == 302
        assert LabHost.objects.get().name == "Other"
        delete = reverse("admin:labtools_labhost_delete", args=[host.pk])
        assert as_admin.post(delete, {"post": "yes"}).status_code == 302
        assert not LabHost.objects.exists()

    def test_what_was_seen_is_for_looking(self, as_admin: Client) -> None:
        host = make_seen_host(transport="reference")
        assert host.current is not None
        for model, pk in (
            ("snapshot", host.current.snapshot_id),
            ("sighting", host.current.pk),
            ("labhost", host.pk),
        ):
            assert as_admin.get(reverse(f"admin:labtools_{model}_changelist")).status_code == 200
            address = reverse(f"admin:labtools_{model}_change", args=[pk])
            assert as_admin.get(address).status_code == 200
            assert as_admin.post(address, {}).status_code == 403


@pytest.mark.parametrize(
    ("address", "at_most"),
    [
        (lambda: url("host_list"), 4),
        (lambda: url("host_list_json"), 4),
        (lambda: url("host", slug="pune-0"), 8),
        (lambda: url("change_list"), 5),
        (lambda: url("change_feed"), 3),
    ],
)
def test_queries_do_not_grow_with_the_hosts(
    address: Callable[[], str],
    at_most: int,
    as_stranger: Client,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make_seen_host("pune-0", make_document(version="7.2.0"))
    with django_assert_max_num_queries(at_most) as found:
        as_stranger.get(address())
    for number in (1, 2):
        host = make_seen_host(f"pune-{number}", make_document(version=f"7.2.{number}"))
        record(host, make_document(version=f"8.2.{number}"), at=AT + timedelta(days=1))
    with django_assert_num_queries(len(found)):
        as_stranger.get(address())
