"""Why a host gave no document: enumerated failures, each with what failed and how to mend it, for the staff."""

from __future__ import annotations

import re
from enum import StrEnum

from .document import BeyondLimits, DocumentError, HostDocument, Status, parse_document
from .labprobe import printable

#: Characters of a host's own words that a sentence quotes.
MAX_QUOTE = 300


class FailureCode(StrEnum):
    """What failed."""

    FIELD = "field"
    NO_CLIENT = "no-ssh-client"
    KEY_UNUSABLE = "key-unusable"
    UNRESOLVED = "unresolved"
    CONNECTION_REFUSED = "connection-refused"
    UNREACHABLE = "unreachable"
    CONNECT_TIMEOUT = "connect-timeout"
    BANNER_TIMEOUT = "banner-timeout"
    HOST_KEY = "host-key"
    KEY_REFUSED = "key-refused"
    DISCONNECTED = "disconnected"
    SSH = "ssh"
    COMMAND = "command"
    OTHER_OUTPUT = "other-output"
    TIMEOUT = "timeout"
    TOO_LARGE = "too-large"
    MALFORMED = "malformed"
    BEYOND_LIMITS = "beyond-limits"
    NO_QEMU = "no-qemu"
    QEMU_FAILED = "qemu-failed"
    NO_KVM = "no-kvm"
    LIBVIRT = "libvirt"


_SENTENCES: dict[FailureCode, tuple[str, str]] = {
    FailureCode.FIELD: (
        "One of the host's fields is not what it has to be.",
        "Edit the host: a plain host name or IP address, a port, a user, a key and the host's public key.",
    ),
    FailureCode.NO_CLIENT: (
        "There is no ssh client where the portal's workers run.",
        "Install openssh-client there (bin/bootstrap does), then test again.",
    ),
    FailureCode.KEY_UNUSABLE: (
        "The portal's private key for this host cannot be used.",
        "It has to be a file in LAB_KEYS_DIR, without a passphrase, that the workers' user owns and nobody else may "
        "read (chmod 600).",
    ),
    FailureCode.UNRESOLVED: (
        "The host's name has no address.",
        "Look at its spelling; try getent hosts NAME where the workers run; or enter the IP address.",
    ),
    FailureCode.CONNECTION_REFUSED: (
        "The host is there, but nothing listens on the SSH port.",
        "Start sshd on the host (systemctl status ssh), or correct the port.",
    ),
    FailureCode.UNREACHABLE: (
        "There is no way to the host from where the workers run.",
        "Is the host up? Look at routes and firewalls between the workers and the host.",
    ),
    FailureCode.CONNECT_TIMEOUT: (
        "The host did not answer the connection in time.",
        "Is the host up? A firewall that drops packets looks the same: open the SSH port to the workers' address.",
    ),
    FailureCode.BANNER_TIMEOUT: (
        "Something accepted the connection and did not speak SSH in time.",
        "Is it sshd that listens on that port? A host under heavy load, or a proxy whose host is down, looks the "
        "same.",
    ),
    FailureCode.HOST_KEY: (
        "The host showed another key than the one that is pinned for it.",
        "If the host was installed anew, compare ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on the host's own "
        "console and pin the new key. If not, somebody may be in between: do not go on.",
    ),
    FailureCode.KEY_REFUSED: (
        "The host did not let the portal's key in.",
        "Put the portal's public key into ~/.ssh/authorized_keys of that user, on one line; the file, ~/.ssh and the "
        "home directory must be writable by that user only. sshd says why in journalctl -u ssh. The private key "
        "may have no passphrase.",
    ),
    FailureCode.DISCONNECTED: (
        "The connection ended before the document did.",
        "Look into journalctl -u ssh on the host; fail2ban, MaxStartups and a proxy in between end connections "
        "like this.",
    ),
    FailureCode.SSH: (
        "ssh could not ask the host.",
        "Run the same connection by hand with ssh -v where the workers run.",
    ),
    FailureCode.COMMAND: (
        "The key is let in, but the command on the host failed.",
        'Begin the line in authorized_keys with restrict,command="/PATH/labprobe.py", make that file executable and '
        "see that python3 is installed; then run it there by hand as that user.",
    ),
    FailureCode.OTHER_OUTPUT: (
        "The host printed something else than labprobe's document.",
        'The line in authorized_keys needs command="/PATH/labprobe.py", and nothing else may print: no message of '
        "the day, no echo in the shell's start files.",
    ),
    FailureCode.TIMEOUT: (
        "The host gave no whole document in time.",
        "Run labprobe.py on the host by hand: it ends within 35 seconds. If it does there, look at the load of the "
        "host and at the network.",
    ),
    FailureCode.TOO_LARGE: (
        "The host sends more than a document may have (16 MiB).",
        "labprobe keeps to that limit: look at what the forced command really is.",
    ),
    FailureCode.MALFORMED: (
        "The document is not in form.",
        "Put the labprobe of this portal on the host. What it prints there has to be all that comes over SSH.",
    ),
    FailureCode.BEYOND_LIMITS: (
        "The document has more, or longer, than any QEMU that is known.",
        "Look at what the forced command really is. If the host's QEMU does have that, the limits of the portal "
        "(labtools/labhost/limits.py) are too narrow: tell its developers.",
    ),
    FailureCode.NO_QEMU: (
        "labprobe found no QEMU on the host.",
        "Install one (on Debian qemu-system-x86), or put its folder on the PATH of the probe's user.",
    ),
    FailureCode.QEMU_FAILED: (
        "No QEMU of the host answered.",
        "Run qemu-system-x86_64 -M none -nodefaults -nographic -qmp stdio on the host as the probe's user.",
    ),
    FailureCode.NO_KVM: (
        "The probe's user may not open /dev/kvm, so CPU models under KVM are missing.",
        "Add the user to the group kvm (usermod -aG kvm USER). If there is no /dev/kvm, switch on virtualization in "
        "the firmware and load kvm_intel or kvm_amd.",
    ),
    FailureCode.LIBVIRT: (
        "libvirt of the host gave no inventory.",
        "If the host has libvirt: is libvirtd (or virtqemud, virtstoraged, virtnodedevd) running, and may the "
        "probe's user open libvirt-sock-ro? Install python3-libvirt or libvirt-clients. Without libvirt, leave it "
        "so.",
    ),
}


class ProbeFailure(Exception):
    """A host gave no document, or less than it could: what failed and how to mend it, in sentences for the staff."""

    def __init__(self, code: str, words: str, mend: str) -> None:
        super().__init__(words)
        self.code, self.words, self.mend = code, words, mend


def failed(code: FailureCode, detail: str = "") -> ProbeFailure:
    """Return the failure of ``code`` with its sentences; ``detail`` is one more, about this host."""
    said, mend = _SENTENCES[code]
    return ProbeFailure(code, f"{said} {detail}".strip(), mend)


def quoted(words: bytes | str) -> str:
    """Return the first line of somebody's words as a bounded, printable quotation; empty for none."""
    lines = printable(words[: MAX_QUOTE * 4]).split("\n")
    line = " ".join(next((line for line in lines if line.strip()), "").split())
    return f"“{line[:MAX_QUOTE]}”" if line else ""


#: What OpenSSH's client says, in the order in which one hides another.
_SSH_WORDS: tuple[tuple[FailureCode, re.Pattern[str]], ...] = (
    (FailureCode.UNRESOLVED, re.compile(r"Could not resolve hostname", re.I)),
    (
        FailureCode.HOST_KEY,
        re.compile(
            r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|no matching host key type"
            r"|host key is known for"
        ),
    ),
    (
        FailureCode.KEY_UNUSABLE,
        re.compile(
            r"UNPROTECTED PRIVATE KEY|^Load key |no such identity|Identity file .* not accessible", re.M
        ),
    ),
    (FailureCode.KEY_REFUSED, re.compile(r"Permission denied \(|Too many authentication failures")),
    (FailureCode.BANNER_TIMEOUT, re.compile(r"timed out during banner exchange")),
    (FailureCode.CONNECTION_REFUSED, re.compile(r"Connection refused")),
    (FailureCode.UNREACHABLE, re.compile(r"No route to host|Network is unreachable|Host is down")),
    (FailureCode.CONNECT_TIMEOUT, re.compile(r"^ssh: connect to .* timed out|^Connection timed out", re.M)),
    (
        FailureCode.DISCONNECTED,
        re.compile(
            r"kex_exchange_identification|Connection (to .* )?(closed|reset)|closed by remote host|Broken pipe"
            r"|not responding|Received disconnect|Disconnected from"
        ),
    ),
)


def failure_of_ssh(log: str) -> ProbeFailure:
    """Return the failure that ssh's own log tells of."""
    for code, words in _SSH_WORDS:
        if words.search(log):
            return failed(code)
    return failed(FailureCode.SSH, quoted(log))


def read_document(data: bytes) -> HostDocument:
    """Return the document in ``data``; :class:`ProbeFailure` if it is none."""
    try:
        return parse_document(data)
    except BeyondLimits as error:
        raise failed(FailureCode.BEYOND_LIMITS, str(error)) from None
    except DocumentError as error:
        raise failed(FailureCode.MALFORMED, str(error)) from None


def shortcomings(document: HostDocument) -> tuple[ProbeFailure, ...]:
    """Return what the host could tell and did not, for who tests the connection; the document is good without."""
    found = []
    if not document.qemu and not document.inventory:
        found.append(failed(FailureCode.NO_QEMU))
    elif document.qemu and not any(qemu.status is Status.OK for qemu in document.qemu):
        found.append(failed(FailureCode.QEMU_FAILED, quoted(document.qemu[0].last_words)))
    accelerators = [each for qemu in document.qemu for each in qemu.accelerators if each.name == "kvm"]
    if any(each.status is Status.ERROR and "/dev/kvm" in each.last_words for each in accelerators):
        found.append(failed(FailureCode.NO_KVM))
    if document.libvirt_refusal:
        found.append(failed(FailureCode.LIBVIRT, quoted(document.libvirt_refusal)))
    return tuple(found)
