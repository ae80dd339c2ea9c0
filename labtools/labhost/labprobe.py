#!/usr/bin/env python3
"""Print, as one JSON document, what every QEMU binary of this machine offers.

One file, the standard library, Python 3.6 or newer, Linux, no root, no network: it may be copied anywhere,
or be the forced command of an SSH key. It takes no argument. Each QEMU is started with no machine, sandboxed
and stopped, and asked by QMP on its standard streams (QEMU's docs/interop/qmp-spec); none outlives the probe.

The document (format 1): ``format``, ``probed_at`` (UTC), ``host`` (``machine``, ``kernel``), ``problems``
(sentences), ``property_lists`` (SHA-256 of a list's canonical JSON to the list, each once), ``qemu``: one entry
a binary with ``binary``, ``status`` (ok/died/error), ``last_words``, ``version``, ``package``, ``target``,
``devices``, ``machines``, ``objects`` and ``accelerators`` (``tcg``, ``kvm``: ``status``, ``last_words``,
``sandboxed``, ``cpus``). Device types are asked for once, under the first accelerator that starts: their properties are
class facts and do not differ. All lists are in order of name, so equal hosts give equal bytes.
"""

import ctypes
import glob
import hashlib
import json
import os
import re
import resource
import select
import signal
import subprocess
import sys
import time
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Union

Json = Dict[str, Any]

FORMAT = 1
#: Seconds: the whole probe; one QEMU until its greeting; one answer.
DEADLINE, START_LIMIT, ANSWER_LIMIT = 30.0, 10.0, 5.0
#: Bytes: the document; one answer of QEMU; how much of its standard error is kept.
DOCUMENT_LIMIT, ANSWER_BYTES, LAST_WORDS_BYTES = 16 << 20, 8 << 20, 2048
#: The address space of one QEMU, in bytes. An idle one without a machine needs about 2 GiB, mostly unused.
ADDRESS_SPACE = 16 << 30
#: How many binaries are probed, and how often one may die and be started again.
BINARIES, DEATHS = 40, 64
ACCELERATORS: Sequence[str] = ("tcg", "kvm")
PR_SET_PDEATHSIG = 1
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)

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


def before_exec(libc: Any, parent: int) -> Callable[[], None]:
    """Return what the child does between fork and exec: die with its parent, keep to limits, dump no core."""

    def prepare() -> None:
        os.setsid()
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for what, wanted in ((resource.RLIMIT_AS, ADDRESS_SPACE), (resource.RLIMIT_CPU, int(DEADLINE))):
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
        self.alive = []  # type: List[Qemu]
        self.problems = []  # type: List[str]
        self.lists = {}  # type: Dict[str, List[Json]]
        self._full = 0
        self.keeper = Keeper()

    def close(self) -> None:
        """End every process that is left."""
        for qemu in list(self.alive):
            qemu.end()
        self.keeper.close()

    def document(self, binaries: List[str]) -> Json:
        """Probe each of ``binaries`` and return the document."""
        if len(binaries) > BINARIES:
            self.problems.append("%d QEMU binaries were found, %d probed" % (len(binaries), BINARIES))
        uname = os.uname()
        return {
            "format": FORMAT,
            "probed_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "host": {"machine": uname.machine, "kernel": uname.release},
            "qemu": [self.binary(binary) for binary in binaries[:BINARIES]],
            "property_lists": self.lists,
            "problems": self.problems,
        }

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
            rows = [_property(row) for row in answer if isinstance(row, dict) and "name" in row]
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


def find_binaries(folders: Optional[List[str]] = None) -> List[str]:
    """Return the paths of all QEMU system emulators, each program once: PATH, libexec, libvirt's emulators."""
    emulators = []
    if folders is None:
        emulators = libvirt_emulators()
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
            found.setdefault(os.path.realpath(path), path)
    return sorted(found.values())


def libvirt_emulators() -> List[str]:
    """Return the emulators that libvirt of this machine names, or none where virsh has no answer."""
    try:
        process = subprocess.Popen(
            ["virsh", "-r", "-c", "qemu:///system", "capabilities"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            preexec_fn=before_exec(ctypes.CDLL(None), os.getpid()),
        )
    except (OSError, subprocess.SubprocessError):
        return []
    try:
        text = process.communicate(timeout=ANSWER_LIMIT)[0][:ANSWER_BYTES].decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        return []
    finally:
        end_group(process.pid)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    return re.findall(r"<emulator>(/[^<&]{1,1000})</emulator>", text)


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


def main() -> int:
    """Probe this machine and print the document; exit code 0 also where there is no QEMU to ask."""
    for number in ENDING_SIGNALS:
        signal.signal(number, _stop)
    # Everything has its own limit; this one also ends a wait for a reader that does not read.
    signal.setitimer(signal.ITIMER_REAL, DEADLINE + ANSWER_LIMIT)
    probe = None
    try:
        probe = Probe()
        text = dump(probe.document(find_binaries()))
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
    sys.exit(main())
