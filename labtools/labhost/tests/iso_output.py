"""Output of the ISO doctor's commands, put together from parts, as a Fedora or Debian host prints it."""

from __future__ import annotations

from labtools.labhost.tests.iso_host import make_iso

PATH = "/srv/isos/fedora.iso"
POOL_TABLE = """ Name   State    Autostart
----------------------------
 isos   active   yes"""
POOL_XML = (
    "<pool type='dir'>\n  <name>isos</name>\n  <target>\n    <path>/srv/isos</path>\n  </target>\n</pool>"
)
NAMEI = """f: /srv/isos/fedora.iso
drwxr-xr-x root root /
drwxr-xr-x root root srv
drwxr-xr-x root root isos
-rw-r--r-- root root fedora.iso"""
VOLUMES = """ Name         Path
---------------------------------------
 fedora.iso   /srv/isos/fedora.iso"""
CAPABILITIES = """    <secmodel>
      <model>selinux</model>
      <doi>0</doi>
      <baselabel type='kvm'>system_u:system_r:svirt_t:s0</baselabel>
    </secmodel>
    <secmodel>
      <model>dac</model>
      <doi>0</doi>
      <baselabel type='kvm'>+107:+107</baselabel>
    </secmodel>"""


def od(data: bytes) -> str:
    """As ``od -A n -t x1 -v`` prints it."""
    return "\n".join(" " + data[at : at + 16].hex(" ") for at in range(0, len(data), 16))


def label(kind: str) -> str:
    """``ls -ldZ`` of the directory and the file, as of Fedora 39, with this type on the file."""
    return (
        "drwxr-xr-x. 2 root root unconfined_u:object_r:var_t:s0 4096 Nov  3 10:00 /srv/isos/\n"
        f"-rw-r--r--. 1 root root unconfined_u:object_r:{kind}:s0 131072 Nov  3 10:00 /srv/isos/fedora.iso"
    )


def make_output(**changes: str | None) -> str:
    """The output for a host on which all is well; ``changes`` replaces parts (``_`` for ``-``), None leaves one out."""
    image = make_iso()
    parts: dict[str, str | None] = {
        "path": PATH,
        "real-path": PATH,
        "id": "uid=1000(asha) gid=1000(asha) groups=1000(asha),10(wheel),962(libvirt)",
        "libvirt": "Using library: libvirt 10.1.0\nRunning against daemon: 10.1.0",
        "pools": POOL_TABLE,
        "pool-xml": POOL_XML,
        "pool-info": "Name:           isos\nState:          running\nPersistent:     yes\nAutostart:      yes",
        "pool-folder": "/srv/isos",
        "volumes": VOLUMES,
        "entries": "stat: cannot statx '/srv/isos/.[!.]*': No such file or directory",
        "volume": "<volume type='file'>\n  <target>\n    <format type='iso'/>\n  </target>\n</volume>",
        "namei": NAMEI,
        "getfacl": "",
        "labels": label("virt_content_t"),
        "stat": f"type=regular file size={len(image)} mode=644 uid=0 gid=0",
        "mount": "xfs    rw,relatime,seclabel,attr2,inode64 /srv",
        "begin": od(image[:64]),
        "descriptor": od(image[32768:32960]),
        "capabilities": CAPABILITIES,
        "qemu-user": "qemu:x:107:107:qemu user:/:/sbin/nologin\nuid=107(qemu) gid=107(qemu) groups=107(qemu),36(kvm)",
        "qemu-conf": "",
        "selinux": "1",
        "apparmor": "cat: /sys/module/apparmor/parameters/enabled: No such file or directory",
        "session": "cat: '/home/asha/.config/libvirt/storage/*.xml': No such file or directory",
        "session-active": "ls: cannot access '/run/user/1000/libvirt/storage/run': No such file or directory",
        "connections": "['qemu:///system', 'qemu:///session']",
        "end": "",
    }
    parts |= {name.replace("_", "-"): text for name, text in changes.items()}
    return "".join(f"\n== iso-doctor: {name}\n{text}\n" for name, text in parts.items() if text is not None)
