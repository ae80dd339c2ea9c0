"""What terminals, mails, other distributions and strangers do to the output, and what cannot be had on one machine."""

from __future__ import annotations

import re
import shlex
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labtools.labhost.inventory import Inventory, Pool, Volume
from labtools.labhost.iso import (
    MAX_PASTE,
    Cause,
    Certainty,
    Diagnosis,
    Effect,
    PasteRefused,
    PathRefused,
    VolumeDescriptor,
    check_path,
    command_block,
    diagnose,
    facts_of_inventory,
    read_paste,
    read_volume_descriptor,
)
from labtools.labhost.iso.descriptor import Kind
from labtools.labhost.iso.facts import Acl, Component, Facts, QemuUser, Source
from labtools.labhost.iso.path_walk import Access, access, read_components
from labtools.labhost.tests.iso_host import make_iso
from labtools.labhost.tests.iso_output import NAMEI, PATH, POOL_TABLE, VOLUMES, label, make_output, od


def examine(**changes: str | None) -> Diagnosis:
    return diagnose(read_paste(make_output(**changes)))


def causes(diagnosis: Diagnosis) -> list[Cause]:
    return [finding.cause for finding in diagnosis.findings]


def test_all_is_well() -> None:
    found = examine()
    assert (found.findings, found.unknown) == ((), ())


MANGLED = {
    "Windows line ends": lambda text: text.replace("\n", "\r\n"),
    "old Mac line ends": lambda text: text.replace("\n", "\r"),
    "quoted in a mail": lambda text: text.replace("\n", "\n> "),
    "indented": lambda text: text.replace("\n", "\n    "),
    "colours": lambda text: text.replace("fedora.iso", "\x1b[01;31m\x1b[Kfedora.iso\x1b[m\x1b[K").replace(
        "== iso", "\x1b]0;asha@host: ~\x07\x1b[32m== iso"
    ),
    "the commands and the prompt too": lambda text: (
        f"[asha@host ~]$ {command_block(PATH)}".replace("\n", "\n> ") + text + "[asha@host ~]$ "
    ),
    "a virsh that finds no polkit": lambda text: re.sub(
        r"(== iso-doctor: (?:libvirt|pools|pool-info|volumes|volume)\n|   active   yes\n)",
        r"\1Authorization not available. Check if polkit service is running or see debug message.\n",
        text,
    ),
    "run twice": lambda text: make_output(volumes=None, end=None) + text,
}


@pytest.mark.parametrize("mangle", MANGLED.values(), ids=MANGLED)
def test_what_happens_to_text_on_its_way_changes_nothing(mangle: object) -> None:
    assert callable(mangle)
    found = diagnose(read_paste(mangle(make_output()), path=PATH))
    if mangle is MANGLED["run twice"]:
        # Two runs in one paste: the first of each part counts, and a pool is then there twice.
        assert all(finding.cause is not Cause.NOT_IN_ANY_POOL for finding in found.findings)
    else:
        assert (found.findings, found.unknown) == ((), ())


PARTS = re.findall(r"== iso-doctor: (\S+)", make_output())


@pytest.mark.parametrize("part", PARTS[1:])
@pytest.mark.parametrize("damage", ["missing", "refused", "another language", "cut"])
def test_a_part_that_is_not_there_never_makes_a_verdict(part: str, damage: str) -> None:
    texts = {
        "missing": None,
        "refused": "error: Cannot recv data: Permission denied",
        "another language": "Fehler: Das geht hier nicht",
        "cut": "",
    }
    text = make_output(**{part: texts[damage]})
    found = diagnose(read_paste(text, path=PATH))
    assert [finding for finding in found.findings if finding.certainty is Certainty.CERTAIN] == []
    assert [finding for finding in found.findings if finding.effect is Effect.HIDES] == []


@pytest.mark.parametrize(
    ("part", "check"),
    [
        ("pools", "Which storage pools"),
        ("pool-xml", "Which storage pools"),
        ("namei", "Each directory's permissions"),
        ("qemu-user", "As which user QEMU runs"),
        ("getfacl", "Access control lists"),
        ("mount", "file system"),
        ("stat", "The kind and the size"),
        ("descriptor", "ISO 9660 image and whole"),
        ("capabilities", "security driver"),
        ("labels", "SELinux label"),
    ],
)
def test_what_is_missing_is_asked_for_with_its_command(part: str, check: str) -> None:
    (unknown,) = (one for one in examine(**{part: None}).unknown if check in one.check)
    assert shlex.split(unknown.command)


def test_the_volumes_of_a_pool_are_asked_for_where_they_decide() -> None:
    for volumes in (None, "error: Failed to list volumes", VOLUMES + "\n other /srv/isos/other" * 2000):
        text = volumes.replace("fedora", "other") if volumes else None
        found = examine(volumes=text)
        assert (causes(found), [one.check for one in found.unknown]) == (
            [],
            ["Which volumes the pool isos lists"],
        )
    assert causes(examine(volumes=VOLUMES.replace("fedora", "other"))) == [Cause.POOL_STALE]


def test_libvirt_that_refuses_is_quoted() -> None:
    said = "error: failed to connect to the hypervisor\nerror: authentication unavailable"
    (unknown,) = examine(pools=said).unknown
    assert "authentication unavailable" in unknown.check


def test_a_pool_whose_facts_are_missing_hides_no_pool() -> None:
    found = examine(pools=POOL_TABLE + "\n more   active   yes")
    assert found.findings == ()
    assert "Which storage pools" in found.unknown[0].check


# ------------------------------------------------------------------- what this machine has not: recorded output
def test_a_label_that_guests_may_not_read() -> None:
    found = examine(labels=label("user_home_t"))
    (finding,) = found.findings
    assert (finding.cause, finding.certainty) == (Cause.SELINUX_LABEL, Certainty.POSSIBLE)
    assert finding.effect is Effect.STOPS_GUEST
    assert finding.evidence == (label("user_home_t").splitlines()[1],)
    commands = [step.command for step in finding.ways[0].steps]
    assert commands == [
        r"sudo semanage fcontext -a -t virt_content_t '/srv/isos/fedora\.iso'",
        "sudo restorecon -v -- /srv/isos/fedora.iso",
    ]
    assert examine(labels=label("user_home_t"), selinux="0").findings[0].effect is Effect.NOTE
    (shared,) = examine(labels=label("nfs_t")).findings
    assert "sudo setsebool -P virt_use_nfs on" in [step.command for step in shared.ways[0].steps]
    old = "-rw-r--r--. root root system_u:object_r:user_home_t:s0 /srv/isos/fedora.iso"
    assert causes(examine(labels=old)) == [Cause.SELINUX_LABEL]


def test_a_name_and_place_that_the_apparmor_helper_may_not_read() -> None:
    models = "<secmodel><model>apparmor</model></secmodel>"
    assert examine(capabilities=models).findings == ()

    def at(path: str) -> list[Cause]:
        facts = read_paste(make_output(capabilities=models).replace("/srv/isos/fedora.iso", path))
        return [cause for cause in causes(diagnose(facts)) if cause is Cause.APPARMOR_NAME]

    assert at("/data/fedora.ISO") == []
    assert at("/data/fedora") == [Cause.APPARMOR_NAME]
    assert at("/home/asha/fedora") == []
    assert at("/home/asha/.cache/fedora.iso") == [Cause.APPARMOR_NAME]


@pytest.mark.parametrize(
    ("mount", "effect", "certainty"),
    [
        (
            "fuse.sshfs  rw,nosuid,nodev,relatime,user_id=1000,group_id=1000 /srv",
            Effect.HIDES,
            Certainty.LIKELY,
        ),
        ("nfs4   rw,relatime,vers=4.2 /srv", Effect.NOTE, Certainty.POSSIBLE),
    ],
)
def test_file_systems_with_rules_of_their_own(mount: str, effect: Effect, certainty: Certainty) -> None:
    (finding,) = examine(mount=mount).findings
    assert (finding.cause, finding.effect, finding.certainty) == (Cause.LOCATION, effect, certainty)


def test_a_fuse_file_system_that_lets_others_in_is_no_cause() -> None:
    assert examine(mount="fuse.sshfs  rw,user_id=1000,allow_other /srv").findings == ()


def test_permissions_on_a_file_system_without_owners_are_mended_by_a_copy() -> None:
    namei = NAMEI.replace("drwxr-xr-x root root isos", "drwx------ asha asha isos")
    (finding,) = examine(mount="vfat rw,uid=1000 /srv", namei=namei).findings
    assert finding.cause is Cause.PARENT_NOT_SEARCHABLE
    assert "setfacl" not in " ".join(step.command for step in finding.ways[0].steps)


def test_a_removable_medium() -> None:
    text = make_output(mount="iso9660 ro,nosuid /media/asha/DISC").replace("/srv/isos", "/media/asha/DISC")
    namei = "\n".join(
        [
            "f: /media/asha/DISC/fedora.iso",
            *(f"drwxr-xr-x root root {n}" for n in ("/", "media", "asha", "DISC")),
        ]
    )
    text = text.replace(
        NAMEI.replace("/srv/isos", "/media/asha/DISC"), namei + "\n-rw-r--r-- root root fedora.iso"
    )
    assert causes(diagnose(read_paste(text))) == [Cause.LOCATION]


def test_root_may_do_everything() -> None:
    namei = NAMEI.replace("drwxr-xr-x root root isos", "drwx------ asha asha isos")
    assert causes(examine(namei=namei)) == [Cause.PARENT_NOT_SEARCHABLE]
    assert examine(namei=namei, qemu_user="uid=0(root) gid=0(root) groups=0(root)").findings == ()


# --------------------------------------------------------------------------------------------- the stored inventory
def make_inventory(*pools: Pool) -> Inventory:
    return Inventory("qemu:///system", "9.0.0", "7.2.0", "x86_64", "", (), (), pools, (), None, ())


def make_pool(**changes: object) -> Pool:
    fields: dict[str, object] = {
        "name": "isos",
        "type": "dir",
        "target_path": "/srv/isos",
        "adapter": "",
        "is_active": True,
        "is_persistent": True,
        "is_autostart": True,
        "volumes": (Volume("a.iso", "/srv/isos/a.iso", "iso", 1, 1),),
    }
    return Pool(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pool", "path", "expected"),
    [
        (make_pool(), "/srv/isos/a.iso", []),
        (make_pool(), "/srv/isos/b.iso", [Cause.POOL_STALE]),
        (make_pool(is_active=False, volumes=()), "/srv/isos/a.iso", [Cause.POOL_INACTIVE]),
        (make_pool(is_autostart=False), "/srv/isos/a.iso", [Cause.AUTOSTART_OFF]),
        (make_pool(), "/srv/isos/sub/a.iso", [Cause.SUB_DIRECTORY]),
        (make_pool(), "/srv/isos2/a.iso", [Cause.NOT_IN_ANY_POOL]),
        (
            make_pool(type="logical", volumes=()),
            "/srv/isos/a.iso",
            [Cause.NOT_IN_ANY_POOL, Cause.OTHER_POOL_TYPE],
        ),
        (make_pool(target_path="/"), "/srv/a.iso", [Cause.SUB_DIRECTORY]),
    ],
)
def test_a_lab_host_is_judged_by_its_inventory(pool: Pool, path: str, expected: list[Cause]) -> None:
    found = diagnose(facts_of_inventory(make_inventory(pool), path))
    assert causes(found) == expected
    assert any("the lab's probe does not read files" in unknown.check for unknown in found.unknown)
    assert any(unknown.command == f"namei -l -- {path}" for unknown in found.unknown)
    # Nobody looked whether the file is there, so a stale pool is likely and not certain.
    assert all(
        finding.certainty is Certainty.LIKELY
        for finding in found.findings
        if finding.cause is Cause.POOL_STALE
    )


def test_pools_that_libvirt_refused_are_not_known() -> None:
    inventory = Inventory("u", "9.0.0", "", "", "", (), (), (), (), None, (("pools", "access denied"),))
    found = diagnose(facts_of_inventory(inventory, PATH))
    assert found.findings == ()
    assert any("access denied" in unknown.check for unknown in found.unknown)


# ------------------------------------------------------------------------------------------------ paths and bounds
@pytest.mark.parametrize(
    "path",
    [
        "",
        "  ",
        "relative.iso",
        "~/x.iso",
        "/",
        "/a/../b.iso",
        "/a\nb.iso",
        "/a\x1b[0m.iso",
        "/a\0.iso",
        "/" + "a" * 4096,
    ],
)
def test_paths_that_are_refused(path: str) -> None:
    with pytest.raises(PathRefused):
        command_block(path)


def test_a_path_is_tidied() -> None:
    assert check_path(" //srv/./isos//a b.iso/\n") == "/srv/isos/a b.iso"


def test_the_block_is_one_command_with_the_path_as_its_last_word() -> None:
    path = "/srv/it's $(here) `x` \\ \".iso"
    words = shlex.split(command_block(path))
    assert words[:6] == ["env", "-u", "LC_ALL", "LC_MESSAGES=C", "LANGUAGE=C", "sh"]
    assert words[-2:] == ["iso-doctor", path]
    assert len(words) == 10
    # No shell may find anything of its own in the script: fish has escapes even between single quotes.
    assert "'" not in words[7]
    assert "\\" not in words[7]
    assert "here" not in words[7]


@pytest.mark.parametrize("text", ["", "hello", "x" * (MAX_PASTE + 1), "é" * (MAX_PASTE // 2 + 1)])
def test_texts_that_are_refused(text: str) -> None:
    with pytest.raises(PasteRefused):
        read_paste(text, path=PATH)


def test_the_output_for_another_path_is_not_taken_for_this_one() -> None:
    with pytest.raises(PasteRefused, match=r"about /srv/isos/fedora\.iso, but"):
        read_paste(make_output(), path="/srv/isos/debian.iso")


def answer_of(text: str) -> str:
    """The titles, or the refusal: whatever else is raised fails the test."""
    try:
        return "; ".join(finding.title for finding in diagnose(read_paste(text, path=PATH)).findings)
    except (PasteRefused, PathRefused) as refused:
        return str(refused)


@given(st.lists(st.tuples(st.sampled_from(PARTS[1:]), st.text(max_size=300)), min_size=1, max_size=40))
def test_no_text_ends_the_reader(parts: list[tuple[str, str]]) -> None:
    text = "".join(f"\n== iso-doctor: {name}\n{body}" for name, body in parts)
    read_paste(text, path=PATH)
    answer_of(text)


@given(st.data())
def test_no_damage_ends_the_reader(data: st.DataObject) -> None:
    text = make_output()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    middle = data.draw(st.text(max_size=40))
    answer_of(text[:start] + middle + text[end:])


def test_a_paste_made_to_be_slow_is_read_at_once() -> None:
    bodies = ("<pool>" * 40_000, "stat: cannot stat " + ": a" * 80_000, "\x1b[" * 120_000, "uid=1(" * 40_000)
    begun = time.process_time()
    for body in (*bodies, "\n" * 250_000, "<pool </pool>\n" * 18_000):
        for part in ("pool-xml", "entries", "qemu-user", "session", "namei", "volumes", "path"):
            text = f"== iso-doctor: pools\n{POOL_TABLE}\n== iso-doctor: pool-xml\nx\n== iso-doctor: {part}\n{body}"
            assert len(answer_of(text[:MAX_PASTE])) < 10_000
    assert time.process_time() - begun < 10


# -------------------------------------------------------------------------------------------------- permissions
USER = QemuUser("qemu", "107", ("107", "qemu", "36", "kvm"), "")


def allowed(mode: str, owner: str, group: str, acl: Acl | None, letter: str = "x") -> Access:
    step = Component("/d", mode, owner, group, None, "")
    return access(Facts("/d/f", Source.PASTED, acls=(("/d", acl),) if acl else ()), step, USER, letter)


@pytest.mark.parametrize(
    ("mode", "owner", "group", "answer"),
    [
        ("drwxr-xr-x", "root", "root", Access.YES),
        ("drwxr-x---", "root", "root", Access.NO),
        ("drwxr-x---", "root", "kvm", Access.YES),
        ("drwx---r-x", "root", "kvm", Access.NO),
        ("dr--r-xr-x", "qemu", "kvm", Access.NO),
        ("drwx------", "107", "root", Access.YES),
        ("drwxrwxrwt", "root", "root", Access.YES),
        ("drwxrwx--T", "root", "root", Access.NO),
        ("drwxr-s---", "root", "kvm", Access.YES),
    ],
)
def test_the_mode_decides_for_the_first_class_that_fits(
    mode: str, owner: str, group: str, answer: Access
) -> None:
    assert allowed(mode, owner, group, None) is answer


@pytest.mark.parametrize(
    ("acl", "answer"),
    [
        (Acl((("qemu", "x"),), "", (), "x", ""), Access.YES),
        (Acl((("107", "x"),), "", (), "x", ""), Access.YES),
        (Acl((("qemu", "x"),), "", (), "r", ""), Access.NO),
        (Acl((("qemu", "r"),), "rx", (("kvm", "rx"),), "rx", ""), Access.NO),
        (Acl((("other", "x"),), "", (("kvm", "rx"),), "rx", ""), Access.YES),
        (Acl((), "", (("kvm", "r"), ("36", "x")), "rx", ""), Access.YES),
        (Acl((), "", (("kvm", "x"),), "r", ""), Access.NO),
        (Acl((), "", (("wheel", "x"),), "x", ""), Access.YES),
    ],
    ids=["user", "number", "masked", "user before group", "group", "any group", "group masked", "others"],
)
def test_the_list_decides_where_there_is_one(acl: Acl, answer: Access) -> None:
    assert allowed("drwxr-x--x", "root", "root", acl) is answer


def test_namei_follows_links_from_where_they_stand() -> None:
    text = """f: /a/link/x y.iso
drwxr-xr-x root         root         /
drwxr-xr-x root         root         a
lrwxrwxrwx root         root         link -> ../b c/d
drwxr-xr-x root         root           ..
drwxr-xr-x root         domain users   b c
Drwx--x--- root         root           d
-rw-r--r-- root         root         x y.iso"""
    steps, trouble = read_components(text.splitlines(), "/a/link/x y.iso")
    assert steps is not None
    assert trouble is None
    assert [step.path for step in steps] == ["/", "/a", "/a/link", "/", "/b c", "/b c/d", "/b c/d/x y.iso"]
    assert (steps[4].group, steps[5].mode, steps[5].is_directory) == ("domain users", "Drwx--x---", True)


# --------------------------------------------------------------------------------------- the volume descriptor
def test_the_descriptor_tells_label_and_size() -> None:
    found = read_volume_descriptor(make_iso(500, b"DEBIAN 12")[32768:])
    assert found == VolumeDescriptor(Kind.PRIMARY, "DEBIAN 12", 500, 2048, True)
    assert found.volume_bytes == 1_024_000


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", Kind.NONE),
        (b"\x01CD001", Kind.OTHER),
        (b"\x00CD001" + bytes(200), Kind.OTHER),
        (b"\x00BEA01\x01" + bytes(200), Kind.UDF),
        (b"\x01CD002" + bytes(2042), Kind.NONE),
    ],
)
def test_other_sectors(data: bytes, kind: Kind) -> None:
    assert (read_volume_descriptor(data).kind, read_volume_descriptor(data).volume_bytes) == (kind, None)


@pytest.mark.parametrize("at", [83, 84, 128, 131])
def test_numbers_that_do_not_agree_are_damage(at: int) -> None:
    sector = bytearray(make_iso()[32768:34816])
    sector[at] ^= 0x10
    found = read_volume_descriptor(bytes(sector))
    assert (found.is_consistent, found.volume_bytes) == (False, None)
    assert causes(examine(descriptor=od(bytes(sector[:192])))) == [Cause.NOT_AN_ISO]


@given(st.binary(max_size=5000) | st.binary(max_size=2042).map(lambda rest: b"\x01CD001" + rest))
def test_no_bytes_end_the_descriptor(data: bytes) -> None:
    found = read_volume_descriptor(data)
    assert found.label.isprintable()
    assert found.volume_bytes is None or 0 < found.volume_bytes <= (2**32 - 1) * 2048
