"""Lines of articles that become steps, and everything else that somebody could try instead."""

import pytest

from labtools.recipes import Refused, build_argv, check_document, read_command, step_from_json
from labtools.recipes.steps import Step
from labtools.recipes.templates import TEMPLATES, Place


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        (
            "qemu-img create -f qcow2 -o cluster_size=64k,lazy_refcounts=on disk.qcow2 1000M",
            "qemu-img create -f qcow2 -o cluster_size=64k,lazy_refcounts=on disk.qcow2 1000M",
        ),
        ("qemu-img create disk.qcow2 1G -f qcow2", "qemu-img create -f qcow2 disk.qcow2 1G"),
        ("qemu-img info --output json disk.qcow2", "qemu-img info --output=json disk.qcow2"),
        ("qemu-img create -f qcow2 -b a.qcow2 -F qcow2 b.qcow2", None),
        ("qemu-system-x86_64 -device virtio-net-pci,help", None),
        ("qemu-system-x86_64 -machine help", None),
        ("xxd -s 72 -l 48 disk.qcow2", "xxd -l 48 -s 72 disk.qcow2"),
        ("virsh vol-list default-pool", "virsh -c test:///default vol-list default-pool"),
        ("virsh -c test:///default pool-list --all", None),
        ("virsh --connect=test:///default version", "virsh -c test:///default version"),
        ("virsh nodedev-create vhba.xml", "virsh -c test:///default nodedev-create vhba.xml"),
        ("cp --reflink=auto bad.qcow2 work.qcow2", None),
    ],
)
def test_commands_are_written_anew(line: str, argv: str | None) -> None:
    steps = tuple(step_from_json(step.to_json()) for step in read_command(line))
    assert " ".join(build_argv(steps)) == (argv or line)


def test_commands_in_one_word_of_virsh_share_its_test_driver() -> None:
    steps = read_command('virsh -c test:///default "pool-define pool.xml; pool-start vhba"')
    assert build_argv(steps) == ["virsh", "-c", "test:///default", "pool-define pool.xml; pool-start vhba"]
    earlier = read_command("virsh nodedev-create vhba.xml")
    assert (
        build_argv(steps[1:], earlier, "mark-1")[-1]
        == "nodedev-create vhba.xml; echo mark-1; pool-start vhba"
    )


def test_options_that_may_be_given_twice() -> None:
    (step,) = read_command("qemu-io -c 'write -q -P 0x5a 0 4M' -c 'write 600M 4M' disk.qcow2")
    assert build_argv((step,)) == [
        "qemu-io",
        "-c",
        "write -q -P 0x5a 0 4M",
        "-c",
        "write 600M 4M",
        "disk.qcow2",
    ]


_IMAGE = "qemu-img create -f qcow2 {} 1G"
ATTACKS = [
    # the shell
    *(
        f"qemu-img info disk.qcow2{tail}"
        for tail in (";id", " && id", " | id", " > /etc/x", " & id", "\nid", "\rid")
    ),
    *(
        f"qemu-img info {word}"
        for word in ("$(id)", "`id`", "$HOME", "*.qcow2", "~/d.qcow2", "{a,b}.qcow2", "@file")
    ),
    *(
        f"qemu-img info {word}"
        for word in ("d\\ isk.qcow2", "a\x00.qcow2", "‑disk.qcow2", "disk․qcow2", "ｄisk.qcow2")
    ),
    "qemu-img info 'a\nb.qcow2'",
    "qemu-img info 'disk.qcow2",
    "PATH=/tmp qemu-img info disk.qcow2",
    "LD_PRELOAD=x.qcow2 qemu-img info disk.qcow2",
    *(
        "sh -c id",
        "bash",
        "/usr/bin/qemu-img info d.qcow2",
        "./qemu-img info d.qcow2",
        "sudo virsh list",
        "env virsh list",
    ),
    "",
    "''",
    "qemu-img info " + "a" * 600 + ".qcow2",
    # names that lead elsewhere
    *(
        _IMAGE.format(name)
        for name in ("/etc/shadow", "../disk.qcow2", "a/b.qcow2", ".qcow2", "-disk.qcow2", "disk")
    ),
    *(
        _IMAGE.format(name)
        for name in ("json:x.qcow2", "file:disk.qcow2", "nbd:x:1.qcow2", "nbd://h/d.qcow2", "vhba.xml")
    ),
    'qemu-img info \'json:{"driver":"file","filename":"/etc/shadow"}\'',
    "qemu-img info --image-opts driver=file,filename=/etc/shadow",
    "qemu-img info -- --help",
    "qemu-img info -U disk.qcow2",
    "qemu-img info --object secret,id=a,file=/etc/shadow disk.qcow2",
    "qemu-img info --trace file=/tmp/x disk.qcow2",
    "qemu-img create -f qcow2 -b /etc/shadow -F raw disk.qcow2",
    "qemu-img create -f qcow2 -b nbd:h:1 -F raw disk.qcow2",
    "qemu-img convert -O qcow2 -B /etc/passwd a.qcow2 b.qcow2",
    "qemu-img convert -O vmdk -o subformat=twoGbMaxExtentSparse a.qcow2 b.vmdk",
    "qemu-img convert -f ssh -O raw a.qcow2 b.raw",
    *(
        f"qemu-img create -f qcow2 -o {option} disk.qcow2 1G"
        for option in (
            *(
                "backing_file=/etc/shadow",
                "data_file=/etc/shadow",
                "cluster_size=64k,backing_file=/etc/shadow",
            ),
            *(
                "encrypt.key-secret=a",
                "preallocation=full",
                "cluster_size=64k,cluster_size=64k",
                "compat=1.1,,data_file=x",
            ),
        )
    ),
    "qemu-img create -f qcow2 disk.qcow2 99999999T",
    "qemu-img create -f qcow2 disk.qcow2 17T",
    "qemu-img create -f qcow2 -f raw disk.qcow2 1G",
    "qemu-img create -fqcow2 disk.qcow2 1G",
    "qemu-img create -f qcow2",
    "qemu-img dd if=/etc/shadow of=disk.qcow2",
    "qemu-img rebase -u -b /etc/shadow disk.qcow2",
    "qemu-img snapshot -c a/../b disk.qcow2",
    "truncate -s 300G disk.raw",
    # qemu-io has commands of its own that open files and sleep
    *(
        f"qemu-io -c '{command}' disk.qcow2"
        for command in (
            "open /etc/shadow",
            "write -s /etc/shadow 0 1M",
            "write 0 1G",
            "sleep 99999",
            "read 0 1M; id",
        )
    ),
    # QEMU would start a machine, listen, or write
    *(
        f"qemu-system-x86_64 {options}"
        for options in (
            *(
                "-drive file=/etc/shadow",
                "-netdev user,id=a",
                "-chardev file,id=a,path=/tmp/x",
                "-qmp unix:/tmp/s,server",
            ),
            *(
                "-readconfig /etc/shadow",
                "-monitor stdio",
                "-device help -monitor stdio",
                "-device virtio-net-pci",
            ),
            *(
                "-device help,file=x",
                "-incoming exec:id",
                "",
                "-device a,b=c,help",
                "-machine help -S",
                "-version x",
            ),
        )
    ),
    # virsh
    *(
        f"virsh {words}"
        for words in (
            *(
                "-c qemu:///system list",
                "-c qemu+ssh://host/system list",
                "-c qemu+ext:///x?command=id list",
                "-c",
            ),
            *(
                "connect qemu:///system",
                "edit test",
                "console test",
                "shell",
                "cd /",
                "echo x",
                "help",
                "dump test /tmp/x",
            ),
            *("-d 0 list", "-l /tmp/log list", "--file x list", "-r -c qemu:///system list", "-e ^] list"),
            *("pool-define /etc/passwd", "pool-define ../a.xml", "pool-define disk.qcow2", "nodedev-create"),
            *(
                "dumpxml test --migratable",
                "vol-upload a --pool b /etc/passwd",
                "vol-download a b /tmp/x",
                "destroy test",
            ),
            *(
                '"list; connect qemu:///system"',
                '"list; !id"',
                '"list;"',
                "list; list",
                '"list" ; id',
                '"list;;list"',
            ),
            *('"nodedev-dumpxml a\nconnect qemu:///system"', "nodedev-dumpxml 'a; connect qemu:///system'"),
            *(
                "pool-define-as a dir --target /../etc",
                "pool-define-as a dir --target relative",
                "nodedev-list --cap '--all'",
            ),
        )
    ),
]


@pytest.mark.parametrize("line", ATTACKS)
def test_anything_else_is_refused_with_a_sentence(line: str) -> None:
    with pytest.raises(Refused) as caught:
        read_command(line)
    said = str(caught.value)
    assert said.endswith(".")
    assert len(said) < 800
    assert said.isprintable(), (
        "what a stranger typed must not come through as control or invisible characters"
    )


@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        {"template": "sh -c", "arguments": {"command": "id"}},
        {"template": "qemu-img info", "arguments": {"image": "/etc/shadow"}},
        {"template": "qemu-img info", "arguments": {"image": "disk.qcow2\n"}},
        {"template": "qemu-img info", "arguments": {"image": ["disk.qcow2"]}},
        {"template": "qemu-img info", "arguments": {"image": "disk.qcow2", "object": "secret"}},
        {"template": "qemu-img info", "arguments": {"image": "disk.qcow2", "backing-chain": "--x"}},
        {"template": "qemu-img info", "arguments": {}},
        {"template": "virsh nodedev-dumpxml", "arguments": {"device": "a; connect qemu:///system"}},
    ],
)
def test_stored_steps_are_not_believed(stored: object) -> None:
    with pytest.raises(Refused):
        step_from_json(stored)
    if isinstance(stored, dict):
        with pytest.raises(Refused):
            build_argv((Step(stored["template"], stored["arguments"]),))


def test_no_argument_of_virsh_can_end_a_command_of_its_session() -> None:
    for template in TEMPLATES.values():
        if template.place is Place.TEST_DRIVER:
            for argument in template.arguments:
                for text in ("a b", "a;b", "a'b", 'a"b', "a\\b", "a\nb", "--a", "-a", ""):
                    assert argument.kind is None or not argument.kind.takes(text), (
                        template.name,
                        argument.name,
                    )


GOOD = "<device><parent>scsi_host1</parent></device>"


@pytest.mark.parametrize("text", [GOOD, f"<?xml version='1.0' encoding='utf-8'?>\n<!-- x -->{GOOD}"])
def test_plain_documents_are_taken(text: str) -> None:
    check_document("vhba.xml", text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("vhba.xml", f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>{GOOD}'),
        ("vhba.xml", f'<!doctype a SYSTEM "http://host/a.dtd">{GOOD}'),
        ("vhba.xml", f'<?xml version="1.0" encoding="UTF-7"?>{GOOD}'),
        ("vhba.xml", f'<?xml version="1.0"?><?xml-stylesheet href="file:///etc/passwd"?>{GOOD}'),
        ("vhba.xml", "<device>&x;</device>"),
        ("vhba.xml", '# Disk DescriptorFile\nRW 1 FLAT "/etc/passwd" 0\n'),
        ("vhba.xml", "<a>" + "x" * 40_000 + "</a>"),
        ("../vhba.xml", GOOD),
        ("vhba.qcow2", GOOD),
        ("vhba.xml\n", GOOD),
    ],
)
def test_documents_that_lead_elsewhere_are_refused(name: str, text: str) -> None:
    with pytest.raises(Refused):
        check_document(name, text)
