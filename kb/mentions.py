"""Names in an article's code: which words may be a device type, an option, a machine type or a CPU model.

The rule, for the lab then decides by exact name:

- Where the text says what is named, every word counts, however short: ``-device nvme``, ``-machine pc``, ``-M virt``,
  ``-cpu host``, ``-global ide-hd.drive=x``, ``machine='q35'`` in XML. What follows a device type behind a comma, up to
  ``=``, may be its option.
- A word alone counts only if it cannot well be a word of the language or of a shell: it has a letter, at least three
  signs, and a digit or an inner hyphen or a dot. ``pc``, ``help``, ``host``, ``max``, ``none``, ``virt`` and ``nvme``
  alone are no names. What begins with a hyphen or has a slash is an option of a program or a path.
- Inline code counts as a whole, never a part of it. In fences every word is looked at; of console fences, commands and
  output alike.
"""

import re
from collections.abc import Iterable, Iterator

from kb.markup import Fence
from portal.embeds.names import Candidate

#: Candidates of one text; further ones are not asked for.
MAX_CANDIDATES = 400
_COMMANDS = (
    "qemu-img qemu-io qemu-nbd qemu-kvm qemu-system-aarch64 qemu-system-arm qemu-system-i386 qemu-system-ppc64 "
    "qemu-system-riscv64 qemu-system-s390x qemu-system-x86_64 virsh virt-install virt-manager virt-clone virt-xml "
    "virt-viewer virt-host-validate virt-xml-validate virt-sparsify virt-resize virt-customize virt-builder "
    "guestfish guestmount libvirtd virtqemud xl lsblk lsscsi rescan-scsi-bus.sh multipath modprobe lspci "
    "systool systemctl journalctl restorecon semanage setfacl getfacl"
)
#: Commands that are worth finding an article by.
COMMANDS = frozenset(_COMMANDS.split())
_CONSOLES = frozenset({"console", "shell-session", "bash", "sh", "shell"})
_FLAGS = {"device": "device", "machine": "machine", "M": "machine", "cpu": "cpu", "global": "option"}
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}"
_OPTION = re.compile(rf"(?:^|\s)--?(device|machine|M|cpu|global)[ =]['\"]?({_NAME})((?:,[^\s'\"]{{1,300}})?)")
_XML_MACHINE = re.compile(rf"\bmachine=['\"]({_NAME})['\"]")
_WORD = re.compile(_NAME)
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
_BARE = re.compile(r"(?=.{3})(?=.*[A-Za-z])(?:.*[0-9]|.*[A-Za-z0-9][-.][A-Za-z0-9]).*")
_PROMPT = re.compile(r"^\s*(?:[\w.@:~/-]{0,40}[$#]|virsh *#) +(.+)$")


def in_inline_code(code: str) -> Candidate | None:
    """What the whole of an inline code may name; None where it names nothing."""
    said = next(iter(_said(code)), None)
    if said and (code.startswith("-") and len(code.split()) == 2):
        return said
    return Candidate(code) if _WORD.fullmatch(code) and _BARE.fullmatch(code) else None


def in_fences(fences: Iterable[Fence]) -> list[Candidate]:
    """What blocks of code may name, each once, at most :data:`MAX_CANDIDATES`."""
    found: dict[Candidate, None] = {}
    for fence in fences:
        for candidate in (*_said(fence.source), *_alone(fence.source)):
            found[candidate] = None
            if len(found) >= MAX_CANDIDATES:
                return list(found)
    return list(found)


def commands_in(fences: Iterable[Fence]) -> list[str]:
    """The commands of :data:`COMMANDS` that console fences begin a line with, in order of name."""
    found = set()
    for fence in fences:
        if fence.language in _CONSOLES:
            for line in fence.source.splitlines():
                prompt = _PROMPT.match(line)
                if prompt or fence.language not in ("console", "shell-session"):
                    found.add(_command((prompt[1] if prompt else line).split()))
    return sorted(found & COMMANDS)


def _command(words: list[str]) -> str:
    """The program of a command line, without ``sudo`` and variables before it."""
    for word in words:
        if word != "sudo" and not word.startswith("-") and "=" not in word:
            return word.rpartition("/")[2]
    return ""


def _said(text: str) -> Iterator[Candidate]:
    """Names of which the text says what they are."""
    for flag, name, rest in _OPTION.findall(text):
        kind = _FLAGS[flag]
        yield Candidate(name, kind)
        if kind == "device":
            for part in rest.split(",")[1:]:
                key = part.partition("=")[0]
                if _KEY.fullmatch(key):
                    yield Candidate(f"{name}.{key}", "option")
    for name in _XML_MACHINE.findall(text):
        yield Candidate(name, "machine")


def _alone(text: str) -> Iterator[Candidate]:
    for match in _WORD.finditer(text):
        before = text[match.start() - 1 : match.start()]
        word = match[0].rstrip(".")
        if before not in ("-", "/", ".", "%", "$", "@") and _BARE.fullmatch(word):
            yield Candidate(word)
