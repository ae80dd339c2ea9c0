"""The commands that a person runs on their own machine, as one block to copy.

They only look: virsh is opened read-only (``-r``), nothing is written, started or refreshed. The block is one
``sh -c`` with a constant script, and the path is its argument: quoted once, never part of the script. The script has
neither a single quote nor a backslash, so that bash, zsh, dash and fish all take it as it stands. Each part of the
output begins with a line of its own (:data:`MARKER`), by which :mod:`.paste` finds the parts again.
"""

from __future__ import annotations

import shlex

MARKER = "== iso-doctor: "
#: The longest path that Linux takes in a system call, less the NUL (PATH_MAX).
MAX_PATH = 4095

#: LC_MESSAGES: parts are told apart by English words; LC_CTYPE stays as it is, so that names print as they are.
_BEGINNING = "env -u LC_ALL LC_MESSAGES=C LANGUAGE=C sh -c '"

_SCRIPT = """
p=$1
r=$(readlink -f -- "$p") || r=$p
part() { echo; printf "%s" "== iso-doctor: $1"; echo; }
say() { printf "%s" "$1"; echo; }
lv() { virsh -r -c qemu:///system "$@"; }
acls() { a=$1; while :; do getfacl -p -s -- "$a"; [ "$a" = / ] && break; a=${a%/*}; a=${a:-/}; done; }
{
part path; say "$p"
part real-path; say "$r"
part id; id
part libvirt; lv version --daemon
part pools; lv pool-list --all
lv pool-list --all --uuid | while read -r pool rest; do
  [ -n "$pool" ] || continue
  x=$(lv pool-dumpxml --pool "$pool")
  t=${x#*<path>}; t=${t%%</path>*}
  part pool-xml; say "$x"
  part pool-info; lv pool-info --pool "$pool"
  part pool-folder; readlink -f -- "$t"
  part volumes; lv vol-list --pool "$pool" | head -n 2000
  part entries; [ -r "$t" ] || say "unreadable: $t"
  for e in "$t"/* "$t"/.[!.]*; do
    [ -e "$e" ] || { stat -L -c %F -- "$e"; ls -ld -- "$e"; }; done 2>&1 | head -n 100
done
part volume; lv vol-dumpxml --vol "$p" || [ "$r" = "$p" ] || lv vol-dumpxml --vol "$r"
part namei; namei -l -- "$p"
part getfacl; acls "$r"; [ "$r" = "$p" ] || acls "$p"
part labels; ls -ldZ -- "$r" "${r%/*}/"
part stat; stat -L -c "type=%F size=%s mode=%a uid=%u gid=%g" -- "$p"
part mount; findmnt -n -o FSTYPE,OPTIONS,TARGET -T "$r"
if [ -f "$p" ]; then
  part begin; head -c 64 -- "$p" | od -A n -t x1 -v
  part descriptor; dd if="$p" bs=2048 skip=16 count=1 status=none | od -A n -t x1 -v -N 192
fi
part capabilities; c=$(lv capabilities); say "$c" | awk "/<secmodel>/,/<.secmodel>/"
u=${c#*<model>dac</model>*>+}; u=${u%%[:<]*}
part qemu-user; w=$(getent passwd "$u"); say "$w"; id "${w%%:*}"
part qemu-conf; grep -E "^ *(user|group|dynamic_ownership|security_driver) *=" /etc/libvirt/qemu.conf
part selinux; cat /sys/fs/selinux/enforce
part apparmor; cat /sys/module/apparmor/parameters/enabled
part session; cat -- "${XDG_CONFIG_HOME:-$HOME/.config}"/libvirt/storage/*.xml
part session-active; ls -- "$XDG_RUNTIME_DIR"/libvirt/storage/run
part connections; gsettings get org.virt-manager.virt-manager.connections uris
part end
} 2>&1
"""


class PathRefused(ValueError):
    """The path cannot be one of a file that a pool lists; the message says why, to the person who typed it."""


def check_path(path: str) -> str:
    """Return ``path`` without blanks around it and without ``.``, ``//`` or a last ``/``; :class:`PathRefused` else.

    ``..`` is refused: what it means depends on symbolic links, which only the machine knows.
    """
    path = path.strip(" \t\r\n")
    if not path:
        raise PathRefused("Please give the path of the ISO file.")
    if not all(sign.isprintable() for sign in path):
        raise PathRefused(
            "The path has a control character or one that cannot be shown, so it cannot be copied safely."
        )
    if not path.startswith("/"):
        raise PathRefused(
            "Please give the whole path, from / on. This prints it: readlink -f -- NAME-OF-THE-FILE.iso"
        )
    if len(path.encode("utf-8", "surrogatepass")) > MAX_PATH:
        raise PathRefused(f"The path is longer than {MAX_PATH} bytes, which Linux does not take.")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise PathRefused("Please give the path without “..” in it.")
    if not parts:
        raise PathRefused("That is the root directory. Please give the path of the ISO file.")
    return "/" + "/".join(parts)


def command_block(path: str) -> str:
    """Return the block for ``path``, to be pasted into a shell; :class:`PathRefused` as :func:`check_path`."""
    return f"{_BEGINNING}{_SCRIPT}' iso-doctor {quoted(check_path(path))}\n"


def quoted(word: str) -> str:
    """Return ``word`` as one word of a POSIX shell."""
    return shlex.quote(word)
