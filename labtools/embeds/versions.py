"""Which QEMU and libvirt public hosts have now, and the versions measured with the project."""

import re

from labtools.queries.sources import sources

#: A host's own word is taken for a version if it looks like one.
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+~-]{0,29}", re.ASCII)


def versions() -> list[str]:
    """Such as ``QEMU 10.0.2, libvirt 11.3.0``: of hosts first, the newest QEMU first."""
    found = [one for one in sources(None) if _VERSION.fullmatch(one.emulator.version)]
    found.sort(key=lambda one: one.version_key, reverse=True)
    found.sort(key=lambda one: one.host.is_reference)
    return list(dict.fromkeys(_words(one.emulator.version, one.snapshot.libvirt_version) for one in found))


def _words(qemu: str, libvirt: str) -> str:
    return f"QEMU {qemu}, libvirt {libvirt}" if _VERSION.fullmatch(libvirt) else f"QEMU {qemu}"
