"""Paths of a host stay with its staff."""

import pytest

from labtools.labhost.public_words import without_paths


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("/srv/secret/qemu-system-x86_64: bad", "…/qemu-system-x86_64: bad"),
        ("failed to open '/usr/lib/secret/qemu/hw.so': no", "failed to open '…/hw.so': no"),
        ("in (/opt/secret/), /opt/secret,/a", "in (…/secret), …/secret,…/a"),
        ("/dev/kvm cannot be opened", "/dev/kvm cannot be opened"),
        ("read/write and 1/2 of a/b/c stay", "read/write and 1/2 of a/b/c stay"),
        ("path=/srv/secret/x y", "path=…/x y"),
        ("/srv/ééé/x\n/srv/b", "…/x\n…/b"),
        ("//srv/secret/x and /srv//secret/y//", "…/x and …/y"),
        ("/" * 4_000, "/" * 4_000),
        ("", ""),
    ],
)
def test_absolute_paths_are_cut_to_their_last_part(words: str, shown: str) -> None:
    assert without_paths(words) == shown
