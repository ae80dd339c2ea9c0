#!/usr/bin/env python3
"""Print, as one JSON document, what every QEMU binary of this machine offers and what its libvirt has.

One file, the standard library, Python 3.6 or newer, Linux, no root, no network: it may be copied anywhere,
or be the forced command of an SSH key. Each QEMU is started with no machine, sandboxed and stopped, and asked by
QMP on its standard streams (QEMU's docs/interop/qmp-spec). libvirt is asked read-only, through libvirt-python where
it is installed and through ``virsh -r`` elsewhere. No process outlives the probe.

It needs no argument. The portal uses two on its own machine: ``--demonstration`` asks libvirt's test driver and no
QEMU, ``--libvirt-socket PATH`` asks the libvirtd of that socket.

The document (format 1): ``format``, ``probed_at`` (UTC), ``host`` (``machine``, ``kernel``), ``problems``
(sentences), ``property_lists`` (SHA-256 of a list's canonical JSON to the list, each once), ``qemu``: one entry
a binary with ``binary``, ``status`` (ok/died/error), ``last_words``, ``version``, ``package``, ``target``,
``devices``, ``machines``, ``objects`` and ``accelerators`` (``tcg``, ``kvm``: ``status``, ``last_words``,
``sandboxed``, ``cpus``). Device types are asked for once, under the first accelerator that starts: their properties are
class facts and do not differ. All lists are in order of name, so equal hosts give equal bytes.

``libvirt`` (may be missing): ``uri``, ``through``, ``version`` and ``hypervisor_version`` (as libvirt packs them:
9.1.2 is 9001002; 0: no answer), ``capabilities``, ``domain_capabilities``, ``node_devices``, ``networks`` (XML),
``pools`` (``xml``, ``active``, ``persistent``, ``autostart``, ``volumes``), ``refused``: kind to the reason why it is
missing or not whole; the kind ``connection`` where libvirt cannot be reached, and nothing else is there.
"""

import ctypes
import glob
import hashlib
import importlib
import json
import os
import re
import resource
import select
import shlex
import signal
import subprocess
import sys
import time
import urllib.parse
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union

Json = Dict[str, Any]

FORMAT = 1
#: Seconds: the whole probe; one QEMU until its greeting; one answer.
DEADLINE, START_LIMIT, ANSWER_LIMIT = 30.0, 10.0, 5.0
#: Bytes: the document; one answer of QEMU; how much of its standard error is kept.
DOCUMENT_LIMIT, ANSWER_BYTES, LAST_WORDS_BYTES = 16 << 20, 8 << 20, 2048
#: The address space of one QEMU, in bytes. An idle one without a machine needs about 2 GiB, mostly unused.
ADDRESS_SPACE = 16 << 30
#: libvirt: seconds for all questions, which are asked at once; bytes of one answer and of one question's process.
LIBVIRT_LIMIT, LIBVIRT_BYTES, LIBVIRT_SPACE = 8.0, 2 << 20, 2 << 30
#: How many things of one kind are read, and how many volumes of one pool.
THINGS, VOLUMES = 2000, 5000
SYSTEM, DEMONSTRATION = "qemu:///system", "test:///default"
#: How many binaries are probed, and how often one may die and be started again.
BINARIES, DEATHS = 40, 64
ACCELERATORS: Sequence[str] = ("tcg", "kvm")
PR_SET_PDEATHSIG = 1
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)

_ASCII = re.compile(r"[ -~]+\Z")
_QDM = re.compile(r'name "([^"]+)"(?:, bus ([^,"]+))?(?:, alias "([^"]*)")?(?:, desc "(.*)")?(, no-user)?$')


class Stopped(BaseException):
    """A signal asked the probe to end, or nobody reads its output any more."""


class QemuGone(Exception):
    """QEMU ended, fell silent or said something that is not QMP; says which and its last words."""

    def __init__(self, status: str, last_words: str) -> None:
        super().__init__(last_words)
        self.status = status
        self.last_words = last_words


def printable(words: Union[bytes, str]) -> str:
    """Return bytes or text as text for a page: lines are kept, other control characters become ``?``."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text.expandtabs()).strip()


class Refused(Exception):
    """QEMU answered a question with an error."""


class Keeper:
    """A small process that ends every QEMU should the probe itself be killed outright.

    It holds the reading end of a pipe; the pipe closes when the probe dies, however it dies. PR_SET_PDEATHSIG
    alone would miss a QEMU that a wrapper script started.
    """

    def __init__(self) -> None:
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(writing)
                self._keep(reading)
            finally:
                os._exit(0)
        os.close(reading)
        self._writing = writing

    @staticmethod
    def _keep(reading: int) -> None:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        groups = set()
        with os.fdopen(reading) as orders:
            for order in orders:
                group = int(order[1:])
                if order[0] == "+":
                    groups.add(group)
                else:
                    groups.discard(group)
        for group in groups:
            end_group(group)

    def watch(self, group: int) -> None:
        """End ``group`` if the probe dies."""
        os.write(self._writing, b"+%d\n" % group)

    def forget(self, group: int) -> None:
        """``group`` has ended."""
        os.write(self._writing, b"-%d\n" % group)

    def close(self) -> None:
        """End the keeper."""
        os.close(self._writing)
        os.waitpid(self.pid, 0)


def end_group(group: int) -> None:
    """Kill every process of a process group; one that is gone already is fine."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def before_exec(libc: Any, parent: int, address_space: int = ADDRESS_SPACE) -> Callable[[], None]:
    """Return what the child does between fork and exec: die with its parent, keep to limits, dump no core."""

    def prepare() -> None:
        os.setsid()
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for what, wanted in ((resource.RLIMIT_AS, address_space), (resource.RLIMIT_CPU, int(DEADLINE))):
            hard = resource.getrlimit(what)[1]
            limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(what, (limit, limit))

    return prepare


class Qemu:
    """One throwaway QEMU without a machine, and the conversation with it."""

    def __init__(self, probe: "Probe", binary: str, accelerator: str, sandboxed: bool = True) -> None:
        self._probe = probe
        self._words = b""
        self._heard = bytearray()
        self._lines = []  # type: List[bytes]
        argv = [binary, "-M", "none", "-nodefaults", "-nographic", "-S", "-accel", accelerator]
        argv += ["-qmp", "stdio"]
        if sandboxed:
            argv += ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny"]
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                preexec_fn=before_exec(probe.libc, os.getpid()),
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise QemuGone("error", "could not be started: %s" % error) from None
        probe.keeper.watch(self._process.pid)
        probe.alive.append(self)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._in = self._process.stdin
        self._out = self._process.stdout.fileno()
        self._err = self._process.stderr.fileno()
        self._poll = select.poll()
        for stream in (self._out, self._err):
            os.set_blocking(stream, False)
            self._poll.register(stream, select.POLLIN)
        self._poll.register(probe.reader, 0)  # reports only that the reader has gone
        try:
            self.greeting = self._greet()
        except BaseException:
            self.end()
            raise

    def _greet(self) -> Json:
        until = time.monotonic() + START_LIMIT
        greeting = self._message(until)
        if not isinstance(greeting.get("QMP"), dict):
            raise QemuGone("error", "did not greet as QMP does")
        self._say("qmp_capabilities", {})
        self._answer(until)
        return dict(greeting["QMP"])

    def ask(self, command: str, **arguments: object) -> Any:
        """Return the answer to one question; :class:`Refused` if QEMU declines."""
        self._say(command, arguments)
        return self._answer(time.monotonic() + ANSWER_LIMIT)

    def ask_many(self, command: str, key: str, values: List[str]) -> Iterator[Any]:
        """Yield the answer (or :class:`Refused`) to one question about each of ``values``, in order.

        The next question goes out before an answer is decoded, so that QEMU works while the caller does; never
        two at a time, so that a death is of the question whose answer is missing.
        """
        for index, value in enumerate(values):
            if index == 0:
                self._say(command, {key: value})
            until = time.monotonic() + ANSWER_LIMIT
            line = self._line(until)
            is_asked = line.startswith(b'{"return":') and index + 1 < len(values)
            if is_asked:
                self._say(command, {key: values[index + 1]})
            try:
                yield self._answer(until, line)
            except Refused as refusal:
                yield refusal
            if not is_asked and index + 1 < len(values):
                self._say(command, {key: values[index + 1]})

    def _say(self, command: str, arguments: Json) -> None:
        try:
            self._in.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        except OSError:
            pass  # it has gone; the next reading says so with its last words

    def _answer(self, until: float, line: Optional[bytes] = None) -> Any:
        while True:
            message = self._message(until, line)
            line = None
            if "return" in message:
                return message["return"]
            if "error" in message:
                error = message["error"]
                text = error.get("desc") if isinstance(error, dict) else error
                raise Refused(printable(str(text)[:LAST_WORDS_BYTES]))

    def _line(self, until: float) -> bytes:
        while not self._lines:
            self._hear(until)
        return self._lines.pop(0)

    def _message(self, until: float, line: Optional[bytes] = None) -> Json:
        try:
            message = json.loads((line or self._line(until)).decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise QemuGone("error", self.last_words() or "said something that is not QMP")
        return message

    def _hear(self, until: float) -> None:
        """Wait for bytes until ``until`` (monotonic seconds) and put whole lines by."""
        left = min(until, self._probe.until) - time.monotonic()
        events = self._poll.poll(max(0, int(left * 1000) + 1)) if left > 0 else []
        if not events:
            raise QemuGone("error", self.last_words() or "gave no answer in time")
        for stream, event in events:
            if stream == self._probe.reader:
                if event & (select.POLLERR | select.POLLHUP):
                    raise Stopped("nobody reads the document")
                self._poll.unregister(stream)
                continue
            piece = os.read(stream, 1 << 16)
            if stream == self._err:
                self._words = (self._words + piece)[-LAST_WORDS_BYTES:]
                if not piece:
                    self._poll.unregister(stream)
            elif not piece:
                raise QemuGone("died", self._died())
            else:
                self._take(piece)

    def _take(self, piece: bytes) -> None:
        if b"\n" in piece:
            first, rest = piece.split(b"\n", 1)
            lines = [bytes(self._heard) + first, *rest.split(b"\n")]
            self._heard = bytearray(lines.pop())
            self._lines += lines
        else:
            self._heard += piece
        if len(self._heard) > ANSWER_BYTES:
            raise QemuGone("error", "an answer of more than %d bytes" % ANSWER_BYTES)

    def _died(self) -> str:
        """QEMU closed its output: return its last words, or how it ended."""
        until = time.monotonic() + 1
        while self._process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        try:
            while True:
                piece = os.read(self._err, 1 << 16)
                if not piece or time.monotonic() > until:
                    break
                self._words = (self._words + piece)[-LAST_WORDS_BYTES:]
        except OSError:
            pass
        code = self._process.returncode
        how = "closed its output" if code is None else "ended with exit code %d" % code
        if code is not None and code < 0:
            how = "was killed by signal %d" % -code
        return self.last_words() or how

    def last_words(self) -> str:
        """What it wrote last on standard error, as text."""
        return printable(self._words)

    def end(self) -> None:
        """Kill it and all it started, and wait for it."""
        if self in self._probe.alive:
            end_group(self._process.pid)
            self._process.wait()
            self._probe.alive.remove(self)
            self._probe.keeper.forget(self._process.pid)
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                if stream is not None:
                    stream.close()


class Session:
    """QEMU of one binary and accelerator, started again after each question that ended it."""

    def __init__(self, probe: "Probe", binary: str, accelerator: str) -> None:
        self.sandboxed = True
        self._start = lambda: Qemu(probe, binary, accelerator, self.sandboxed)  # type: Callable[[], Qemu]
        self._starts_left = DEATHS
        try:
            self.qemu = self._start()
        except QemuGone as gone:
            if "-sandbox" not in gone.last_words:
                raise
            # Built without seccomp. It has no machine and no device, and still dies with the probe.
            self.sandboxed = False
            self.qemu = self._start()

    def restart(self) -> None:
        """Replace the QEMU; :class:`QemuGone` if it does not start or did so too often."""
        self.qemu.end()
        self._starts_left -= 1
        if self._starts_left < 0:
            raise QemuGone("error", "QEMU ended too often")
        self.qemu = self._start()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.qemu.end()


class Probe:
    """One run over all binaries, with its clock and what it found. ``reader`` is where the document will go."""

    def __init__(self, reader: int = 1) -> None:
        self.until = time.monotonic() + DEADLINE
        self.reader = reader
        self.libc = ctypes.CDLL(None)
        self.alive = []  # type: List[Union[Qemu, Question]]
        self.problems = []  # type: List[str]
        self.lists = {}  # type: Dict[str, List[Json]]
        self._full = 0
        self.keeper = Keeper()

    def close(self) -> None:
        """End every process that is left."""
        for process in list(self.alive):
            process.end()
        self.keeper.close()

    def document(self, binaries: List[str], libvirt: Optional[Json] = None) -> Json:
        """Probe each of ``binaries`` and return the document, with libvirt's answers in it."""
        if len(binaries) > BINARIES:
            self.problems.append("%d QEMU binaries were found, %d probed" % (len(binaries), BINARIES))
        uname = os.uname()
        document = {
            "format": FORMAT,
            "probed_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "host": {"machine": uname.machine, "kernel": uname.release},
            "qemu": [self.binary(binary) for binary in binaries[:BINARIES]],
            "property_lists": self.lists,
            "problems": self.problems,
        }
        if libvirt is not None:
            document["libvirt"] = libvirt
        return document

    def binary(self, path: str) -> Json:
        """Return one entry of ``qemu``."""
        entry = {}  # type: Json
        entry.update(binary=path, status="ok", last_words="", version="", package="", target="")
        entry.update(devices=[], machines=[], objects=[], accelerators={})
        for accelerator in ACCELERATORS:
            found = {"status": "ok", "last_words": "", "sandboxed": True, "cpus": []}  # type: Json
            entry["accelerators"][accelerator] = found
            if accelerator == "kvm" and not os.access("/dev/kvm", os.R_OK | os.W_OK):
                found.update(status="error", last_words="/dev/kvm cannot be opened by the probe's user")
                continue
            try:
                with Session(self, path, accelerator) as session:
                    found["sandboxed"] = session.sandboxed
                    found["cpus"] = _cpus(_ask(session.qemu, "query-cpu-definitions"))
                    if not entry["devices"]:
                        _facts(entry, session.qemu)
                        entry["devices"] = self._devices(session)
            except QemuGone as gone:
                found.update(status=gone.status, last_words=gone.last_words)
            except (KeyError, TypeError, ValueError, AttributeError):
                found.update(status="error", last_words="answered in a form that QEMU does not use")
        if not any(found["status"] == "ok" for found in entry["accelerators"].values()):
            first = entry["accelerators"][ACCELERATORS[0]]
            entry.update(status=first["status"], last_words=first["last_words"])
        return entry

    def _devices(self, session: Session) -> List[Json]:
        """Ask for every device type's properties; start QEMU again after each type that ends it."""
        groups = _groups(session.qemu)
        names = _names(_ask(session.qemu, "qom-list-types", implements="device", abstract=False))
        devices = []  # type: List[Json]

        def take(answer: Any) -> None:
            name = names[len(devices)]
            devices.append(self._device(name, groups.get(name, {}), answer))

        while len(devices) < len(names):
            try:
                for answer in session.qemu.ask_many(
                    "device-list-properties", "typename", names[len(devices) :]
                ):
                    take(answer)
            except QemuGone as gone:
                take(gone)
                try:
                    session.restart()
                except QemuGone as never:  # it does not start again, or the time is up
                    while len(devices) < len(names):
                        take(QemuGone("error", "not asked: " + never.last_words))
        return devices

    def _device(self, name: str, group: Json, answer: Any) -> Json:
        """Return one entry of ``devices``; its property list is kept once, by hash."""
        device = {"name": name, "status": "ok", "last_words": "", "properties": None}
        device.update(group="", bus="", alias="", description="", user_creatable=None)
        device.update(group)
        if isinstance(answer, list):
            # A property of QEMU 5.2's aspeed.gpio-ast2500 is named by bytes past the end of a table.
            rows = [_property(row) for row in answer if isinstance(row, dict) and _is_ascii(row.get("name"))]
            rows.sort(key=lambda row: row["name"])
            text = canonical(rows)
            digest = hashlib.sha256(text).hexdigest()
            if digest not in self.lists:
                self._full += len(text)
                if self._full > DOCUMENT_LIMIT // 2:
                    device.update(status="error", last_words="left out: the document is full")
                    return device
                self.lists[digest] = rows
            device["properties"] = digest
        elif isinstance(answer, QemuGone):
            device.update(status=answer.status, last_words=answer.last_words)
        else:
            device.update(status="error", last_words=str(answer) or "answered with no list")
        return device


def canonical(value: object) -> bytes:
    """Return ``value`` as canonical JSON: keys in order, ASCII, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def _ask(qemu: Qemu, command: str, **arguments: object) -> List[Json]:
    """Ask for a list; one that this QEMU does not know is empty."""
    try:
        answer = qemu.ask(command, **arguments)
    except Refused:
        return []
    return [item for item in answer if isinstance(item, dict)] if isinstance(answer, list) else []


def _facts(entry: Json, qemu: Qemu) -> None:
    version = qemu.greeting["version"]
    entry["version"] = "%(major)d.%(minor)d.%(micro)d" % version["qemu"]
    entry["package"] = str(version.get("package", ""))
    try:
        entry["target"] = str(qemu.ask("query-target")["arch"])
    except Refused:
        entry["target"] = os.path.basename(entry["binary"]).replace("qemu-system-", "")
    entry["machines"] = _machines(_ask(qemu, "query-machines"))
    entry["objects"] = _names(_ask(qemu, "qom-list-types", implements="user-creatable", abstract=False))


def _groups(qemu: Qemu) -> Dict[str, Json]:
    try:
        return parse_qdm(str(qemu.ask("human-monitor-command", **{"command-line": "info qdm"})))
    except Refused:
        return {}


def parse_qdm(text: str) -> Dict[str, Json]:
    """Return, by device name, what HMP's ``info qdm`` says: group, bus, alias, description, user_creatable."""
    devices, group = {}, ""
    for line in text.splitlines():
        match = _QDM.match(line)
        if match:
            name, bus, alias, description, hidden = match.groups()
            devices[name] = {
                "group": group,
                "bus": bus or "",
                "alias": alias or "",
                "description": description or "",
                "user_creatable": not hidden,
            }
        elif line.endswith(" devices:"):
            group = line[: -len(" devices:")]
    return devices


def _names(items: List[Json]) -> List[str]:
    return sorted({str(item["name"]) for item in items})


def _is_ascii(name: object) -> bool:
    """Whether ``name`` is a text that could be a name at all."""
    return isinstance(name, str) and _ASCII.match(name) is not None


def _property(row: Json) -> Json:
    kept = {"name": str(row["name"]), "type": str(row.get("type", ""))}
    if row.get("description"):
        kept["description"] = str(row["description"])
    if "default-value" in row:
        kept["default"] = row["default-value"]
    return kept


def _machines(items: List[Json]) -> List[Json]:
    machines = [
        {
            "name": str(item["name"]),
            "alias": str(item.get("alias", "")),
            "default": bool(item.get("is-default", False)),
            "deprecated": bool(item.get("deprecated", False)),
            "cpu_max": int(item.get("cpu-max", 0)),
            "default_cpu": str(item.get("default-cpu-type", "")),
        }
        for item in items
    ]
    return sorted(machines, key=lambda machine: machine["name"])


def _cpus(items: List[Json]) -> List[Json]:
    cpus = [
        {
            "name": str(item["name"]),
            "type": str(item.get("typename", "")),
            "alias_of": str(item.get("alias-of", "")),
            "deprecated": bool(item.get("deprecated", False)),
            "migration_safe": bool(item.get("migration-safe", False)),
            "static": bool(item.get("static", False)),
            # None: this QEMU does not say (some targets never do).
            "unavailable": sorted({str(feature) for feature in item["unavailable-features"]})
            if "unavailable-features" in item
            else None,
        }
        for item in items
    ]
    return sorted(cpus, key=lambda cpu: cpu["name"])


def find_binaries(folders: Optional[List[str]] = None, emulators: Sequence[str] = ()) -> List[str]:
    """Return the paths of all QEMU system emulators, each program once: PATH, libexec, libvirt's ``emulators``."""
    if folders is None:
        folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
        folders += ["/usr/bin", "/usr/local/bin", "/usr/libexec", "/usr/lib/qemu", "/usr/libexec/qemu"]
    candidates = list(emulators)
    for folder in folders:
        for pattern in ("qemu-system-*", "qemu-kvm"):
            candidates += glob.glob(os.path.join(glob.escape(folder), pattern)) if folder else []
    found = {}  # type: Dict[str, str]
    for path in sorted(candidates):
        # /bin may be a link to /usr/bin; the name itself is kept, a wrapper and its program are two.
        path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        if os.path.isfile(path) and os.access(path, os.X_OK) and path.isprintable():
            real = os.path.realpath(path)
            # Of several names the program's own: Debian 13 has qemu-system-amd64 beside qemu-system-x86_64.
            if real not in found or path == real:
                found[real] = path
    return sorted(found.values())


class Question:
    """One question to libvirt, in a process of its own: no signal interrupts libvirt, but a process can be killed.

    The process writes a line of JSON for each thing, so that what came before it fell silent is kept.
    """

    def __init__(self, probe: Probe, kind: str, uri: str) -> None:
        self._probe = probe
        self.kind = kind
        self._heard = bytearray()
        self._is_full = self._is_over = False
        parent = os.getpid()
        self.stream, writing = os.pipe()
        # No signal may find the child between its birth and the end of the handlers that it was born with.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
        try:
            self._pid = os.fork()
            if self._pid == 0:
                try:
                    _prepare_question(writing, before_exec(probe.libc, parent, LIBVIRT_SPACE))
                    _answer_question(kind, uri)
                finally:
                    os._exit(0)
            os.close(writing)
            probe.keeper.watch(self._pid)
            probe.alive.append(self)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)

    def hear(self) -> None:
        """Take what there is to read; end the process at its end, or when it said too much."""
        piece = os.read(self.stream, 1 << 16)
        self._heard += piece
        self._is_over = not piece
        self._is_full = len(self._heard) > LIBVIRT_BYTES
        if self._is_over or self._is_full:
            self.end()

    def answers(self) -> List[Any]:
        """Return the things on the whole lines; the last is null, or a text that says what is wrong."""
        lines = bytes(self._heard).split(b"\n")[:-1]
        found = [json.loads(line.decode("ascii")) for line in lines]
        if found and (found[-1] is None or isinstance(found[-1], str)):
            return found
        if self._is_full:
            found.append("the answer is larger than %d bytes; the rest is left out" % LIBVIRT_BYTES)
        elif not self._is_over:
            found.append("gave no whole answer in %g seconds" % LIBVIRT_LIMIT)
        else:
            found.append("the question ended before its answer did")
        return found

    def end(self) -> None:
        """Kill the process and all it started, and wait for it."""
        if self in self._probe.alive:
            end_group(self._pid)
            try:
                os.kill(self._pid, signal.SIGKILL)  # it may not have come to have a group of its own
            except ProcessLookupError:
                pass
            os.waitpid(self._pid, 0)
            os.close(self.stream)
            self._probe.alive.remove(self)
            self._probe.keeper.forget(self._pid)


def _prepare_question(writing: int, prepare: Callable[[], None]) -> None:
    """In the child: default signals, nothing open but the pipe as standard output, a group of its own, limits."""
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream, source in ((0, nothing), (1, writing), (2, nothing)):
        os.dup2(source, stream)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            try:
                os.close(int(name))
            except OSError:  # that of the list itself
                pass
    prepare()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)


def _answer_question(kind: str, uri: str) -> None:
    """In the child: write each thing on a line, and a text with the reason or null at the end."""
    end = None  # type: Optional[str]
    try:
        for thing in _ask_libvirt(kind, uri):
            _write_line(thing)
    except NoLibvirt as error:
        end = str(error)
    _write_line(end)


def _write_line(thing: Any) -> None:
    line = canonical(thing) + b"\n"
    while line:
        line = line[os.write(1, line) :]


def _ask_libvirt(kind: str, uri: str) -> Iterator[Any]:
    try:
        asked = Library(uri)  # type: Union[Library, Virsh]
    except ImportError:
        asked = Virsh(uri)
    return iter(getattr(asked, kind)())


class NoLibvirt(Exception):
    """libvirt refused, or cannot be reached; the words are its own."""


class Library:
    """libvirt asked through libvirt-python, in its words. ImportError where that is not installed."""

    def __init__(self, uri: str) -> None:
        self._libvirt = importlib.import_module("libvirt")  # type: Any
        self._libvirt.registerErrorHandler(lambda *_: None, None)
        self._connection = self._call(self._libvirt.openReadOnly, uri)  # type: Any

    def _call(self, question: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return question(*arguments)
        except self._libvirt.libvirtError as error:
            raise NoLibvirt(printable(str(error))[:LAST_WORDS_BYTES]) from None

    def host(self) -> Iterator[Any]:
        """Through what, the two versions, the capabilities."""
        yield ["through", "libvirt-python"]
        yield ["version", self._call(self._connection.getLibVersion)]
        yield ["hypervisor_version", self._call(self._connection.getVersion)]
        yield ["capabilities", self._call(self._connection.getCapabilities)]

    def domain_capabilities(self) -> Iterator[Any]:
        """Of a guest by default. libvirt refuses that to read-only connections (error 29), and says so."""
        yield [self._call(self._connection.getDomainCapabilities)]

    def node_devices(self) -> Iterator[Any]:
        """The XML of each."""
        return self._each(self._call(self._connection.listAllDevices))

    def networks(self) -> Iterator[Any]:
        """The XML of each."""
        return self._each(self._call(self._connection.listAllNetworks))

    def _each(self, things: List[Any]) -> Iterator[Any]:
        for thing in things[:THINGS]:
            try:
                yield [thing.XMLDesc()]
            except self._libvirt.libvirtError:
                continue  # it vanished while the others were read

    def pools(self) -> Iterator[Any]:
        """Every pool with its flags, then every volume with the number of its pool: a pool may hang, and does."""
        active = []
        pools = self._call(self._connection.listAllStoragePools)[:THINGS]
        for pool in sorted(pools, key=lambda pool: str(pool.name())):
            try:
                found = {"xml": pool.XMLDesc(), "active": bool(pool.isActive()), "volumes": []}
                found.update(persistent=bool(pool.isPersistent()), autostart=bool(pool.autostart()))
            except self._libvirt.libvirtError:
                continue
            yield found
            active.append(pool if found["active"] else None)
        for number, pool in enumerate(active):
            try:
                volumes = pool.listAllVolumes()[:VOLUMES] if pool is not None else []
            except self._libvirt.libvirtError:
                continue
            for (text,) in self._each(volumes):
                yield [number, text]


class Virsh:
    """libvirt asked through ``virsh -r``, for hosts without libvirt-python. Gives what :class:`Library` gives."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def _run(self, *words: str) -> str:
        """Return what ``virsh`` prints; it runs in the process group of the question and ends with it."""
        argv = ["virsh", "--readonly", "--quiet", "--connect", self._uri, *words]
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
            )
        except OSError:
            raise NoLibvirt("neither libvirt-python nor virsh can be started on this host") from None
        assert process.stdout is not None
        assert process.stderr is not None
        out = process.stdout.read(LIBVIRT_BYTES)
        words_of_error = printable(process.stderr.read(LAST_WORDS_BYTES)).replace("error: ", "")
        if process.wait() != 0 and not out.strip():
            raise NoLibvirt(" ".join(words_of_error.split()) or "virsh failed and did not say why")
        return out.decode("utf-8", "replace")

    def _names(self, *words: str) -> List[str]:
        # Tables are padded on the right, also those of one column.
        return [line.rstrip() for line in self._run(*words).split("\n") if line.strip()]

    def _documents(self, root: str, commands: List[List[str]]) -> Iterator[Tuple[int, str]]:
        """Yield the XML documents that ``commands`` print, each with the number of its command, several a process."""
        whole = re.compile(r"<%s(?=[\s>]).*?</%s>" % (root, root), re.DOTALL)
        for first in range(0, len(commands), 50):
            batch = commands[first : first + 50]
            # virsh reads quotes as a shell does, and takes what follows an option's name for its value.
            line = "; ".join(" ".join(shlex.quote(word) for word in words) for words in batch)
            for number, text in enumerate(whole.findall(self._run(line))):
                yield first + number, text

    def host(self) -> Iterator[Any]:
        """Through what, the two versions, the capabilities."""
        yield ["through", "virsh"]
        text = self._run("version", "--daemon")
        for key, words in (
            ("version", "Running against daemon:"),
            ("hypervisor_version", "Running hypervisor:"),
        ):
            match = re.search(words + r" (?:\S+ )?(\d+)\.(\d+)\.(\d+)", text)
            numbers = [int(number) for number in match.groups()] if match else [0, 0, 0]
            yield [key, numbers[0] * 1000000 + numbers[1] * 1000 + numbers[2]]
        yield ["capabilities", self._run("capabilities")]

    def domain_capabilities(self) -> Iterator[Any]:
        """Of a guest by default; refused to read-only connections."""
        yield [self._run("domcapabilities")]

    def node_devices(self) -> Iterator[Any]:
        """The XML of each."""
        names = self._names("nodedev-list")[:THINGS]
        for _, text in self._documents("device", [["nodedev-dumpxml", "--device", name] for name in names]):
            yield [text]

    def networks(self) -> Iterator[Any]:
        """The XML of each."""
        names = self._names("net-list", "--all", "--name")[:THINGS]
        for _, text in self._documents("network", [["net-dumpxml", "--network", name] for name in names]):
            yield [text]

    def pools(self) -> Iterator[Any]:
        """Every pool with its flags, then every volume with the number of its pool."""
        names = sorted(self._names("pool-list", "--all", "--name"))[:THINGS]
        active, persistent, autostart = (
            set(self._names("pool-list", "--name", *more))
            for more in ([], ["--all", "--persistent"], ["--all", "--autostart"])
        )
        known = []
        for name in names:
            for _, text in self._documents("pool", [["pool-dumpxml", "--pool", name]]):
                known.append(name)
                found = {"xml": text, "active": name in active, "volumes": []}  # type: Json
                found.update(persistent=name in persistent, autostart=name in autostart)
                yield found
        for number, name in enumerate(known):
            for text in self._volumes(name) if name in active else []:
                yield [number, text]

    def _volumes(self, pool: str) -> Iterator[str]:
        try:
            rows = self._names("vol-list", "--pool", pool)[:VOLUMES]
        except NoLibvirt:
            return
        # A table of names and paths. A file's path ends with its name, which tells blanks in it from the column's.
        matches = [
            re.match(r" ?(\S.*?) +/(?:.*/)?\1$", row) or re.match(r" ?(\S.*?) {3,}\S", row) for row in rows
        ]
        commands = [["vol-dumpxml", "--pool", pool, "--vol", match.group(1)] for match in matches if match]
        for _, text in self._documents("volume", commands):
            yield text


KINDS = ("host", "domain_capabilities", "node_devices", "networks", "pools")


def read_libvirt(probe: Probe, uri: str) -> Json:
    """Ask libvirt all questions at once and return the section ``libvirt``; never longer than its limit."""
    until = min(time.monotonic() + LIBVIRT_LIMIT, probe.until)
    questions = [Question(probe, kind, uri) for kind in KINDS]
    waiting = select.poll()
    for question in questions:
        waiting.register(question.stream, select.POLLIN)
    waiting.register(probe.reader, 0)
    by_stream = {question.stream: question for question in questions}
    while by_stream and time.monotonic() < until:
        for stream, event in waiting.poll(max(1, int((until - time.monotonic()) * 1000))):
            if stream == probe.reader:
                if event & (select.POLLERR | select.POLLHUP):
                    raise Stopped("nobody reads the document")
                waiting.unregister(stream)
                continue
            by_stream[stream].hear()
            if by_stream[stream] not in probe.alive:
                waiting.unregister(stream)
                del by_stream[stream]
    for question in questions:
        question.end()
    return _section(uri, {question.kind: question.answers() for question in questions})


def _section(uri: str, answers: Dict[str, List[Any]]) -> Json:
    refused = {kind: answers[kind].pop() for kind in KINDS}
    section = {"uri": uri, "through": "", "version": 0, "hypervisor_version": 0, "capabilities": ""}  # type: Json
    section.update((key, value) for key, value in answers["host"])
    if not section["version"]:
        return {"uri": uri, "refused": {"connection": refused["host"] or "libvirt names no version"}}
    section["domain_capabilities"] = "".join(text for (text,) in answers["domain_capabilities"])
    for kind in ("node_devices", "networks"):
        section[kind] = sorted(text for (text,) in answers[kind])
    pools = [pool for pool in answers["pools"] if isinstance(pool, dict)]
    for answer in answers["pools"]:
        if isinstance(answer, list):
            pools[answer[0]]["volumes"].append(answer[1])
    section["pools"] = pools
    section["refused"] = {kind: words for kind, words in refused.items() if words}
    return section


def emulators_of(libvirt: Json) -> List[str]:
    """Return the emulators that the capabilities in the section ``libvirt`` name."""
    return re.findall(r"<emulator>(/[^<&]{1,1000})</emulator>", libvirt.get("capabilities", ""))


def _stop(number: int, _frame: object) -> None:
    raise Stopped("signal %d" % number)


def dump(document: Json) -> bytes:
    """Return the document's bytes, at most :data:`DOCUMENT_LIMIT`: what is too much is left out, and said."""
    text = canonical(document)
    while len(text) > DOCUMENT_LIMIT and document["qemu"]:
        left_out = document["qemu"].pop()
        document["problems"].append("left out, the document would be too large: %s" % left_out["binary"])
        used = {device["properties"] for entry in document["qemu"] for device in entry["devices"]}
        lists = document["property_lists"]
        document["property_lists"] = {digest: lists[digest] for digest in lists if digest in used}
        text = canonical(document)
    return text


def arguments_of(words: Sequence[str]) -> Tuple[str, bool]:
    """Return the URI of libvirt and whether QEMU is asked; ValueError for arguments that there are not."""
    if not words:
        return SYSTEM, True
    if list(words) == ["--demonstration"]:
        return DEMONSTRATION, False
    if len(words) == 2 and words[0] == "--libvirt-socket" and os.path.isabs(words[1]):
        return SYSTEM + "?socket=" + urllib.parse.quote(words[1]), True
    raise ValueError("usage: labprobe.py [--demonstration | --libvirt-socket /PATH]")


def main(arguments: Sequence[str] = ()) -> int:
    """Probe this machine and print the document; exit code 0 also where there is no QEMU to ask."""
    try:
        uri, asks_qemu = arguments_of(arguments)
    except ValueError as error:
        sys.stderr.write("%s\n" % error)
        return 2
    for number in ENDING_SIGNALS:
        signal.signal(number, _stop)
    # Everything has its own limit; this one also ends a wait for a reader that does not read.
    signal.setitimer(signal.ITIMER_REAL, DEADLINE + ANSWER_LIMIT)
    probe = None
    try:
        probe = Probe()
        libvirt = read_libvirt(probe, uri)
        binaries = find_binaries(emulators=emulators_of(libvirt)) if asks_qemu else []
        text = dump(probe.document(binaries, libvirt))
        while text:
            text = text[os.write(1, text) :]
        os.write(1, b"\n")
        return 0
    except (Stopped, BrokenPipeError) as stopped:
        sys.stderr.write("labprobe: stopped: %s\n" % stopped)
        return 1
    finally:
        for number in ENDING_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        if probe is not None:
            probe.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
