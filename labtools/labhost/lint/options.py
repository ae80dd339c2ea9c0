"""QEMU's own options: which take a value. Names of ``-help`` of QEMU 5.2 to 11.1; a snapshot does not list them."""

from __future__ import annotations

_ALONE = """
    S s alt-grab async-teardown audio-help ctrl-grab curses daemonize enable-hax enable-kvm enable-sync-profile
    full-screen h help mem-prealloc no-acpi no-fd-bootchk no-hpet no-kvm no-quit no-reboot no-shutdown no-user-config
    nodefaults nographic nouserconfig old-param one-insn-per-tb only-migratable portrait preconfig sdl semihosting
    singlestep snapshot usb version win2k-hack xen-attach xen-domid-restrict
"""
_WITH_VALUE = """
    D L M accel acpitable action add-fd append audio audiodev balloon bios blockdev boot cdrom chardev chroot compat
    cpu d debugcon device dfilter display drive dtb dump-vmstate echr fda fdb fsdev fw_cfg g gdb global hda hdb hdc hdd
    icount incoming initrd iscsi k kernel loadvm m machine mem-path mon monitor msg mtdblock name net netdev nic numa
    object option-rom overcommit parallel pflash pidfile plugin prom-env qmp qmp-pretty readconfig realtime rotate rtc
    run-with runas sandbox sd seed semihosting-config serial set shim smbios smp soundhw spice tb-size tpmdev trace
    usbdevice uuid vga virtfs vnc watchdog watchdog-action writeconfig xen-domid
"""
#: Options that stand alone.
FLAGS = frozenset(_ALONE.split())
#: Options with a value in the word that follows.
WITH_VALUE = frozenset(_WITH_VALUE.split())

#: Options whose value defines a name that devices refer to: the kind of the name, and the keys that may hold it.
NAMING = {
    "netdev": ("netdev", ("id",)),
    "chardev": ("chardev", ("id",)),
    "drive": ("drive", ("id",)),
    "blockdev": ("drive", ("node-name",)),
    "audiodev": ("audiodev", ("id",)),
    "tpmdev": ("tpmdev", ("id",)),
    "fsdev": ("fsdev", ("id",)),
    "object": ("object", ("id",)),
    "nic": ("netdev", ("id",)),
}

#: Keys whose value is a secret wherever they stand.
SECRET_KEYS = frozenset(
    {"password", "passwd", "password-secret-data", "secret", "data", "key", "osk", "ticket"}
)
