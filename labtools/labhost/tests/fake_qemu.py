"""A QEMU that misbehaves: enough QMP to be probed, and one fault named by its own file name.

Written for the tests only; each start appends its process id to ``<program>.pids``.
"""

import json
import os
import subprocess
import sys
import time

fault = os.path.basename(sys.argv[0]).removeprefix("qemu-system-")
with open(sys.argv[0] + ".pids", "a") as pids:
    pids.write(f"{os.getpid()}\n")
    if fault == "child":
        pids.write(f"{subprocess.Popen(['sleep', '600']).pid}\n")


def say(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def answer(command: str, arguments: dict[str, str]) -> object:
    if command == "qom-list-types":
        return [{"name": name} for name in ("good-a", "good-b", "deadly", "good-c", "refused")]
    if command == "query-target":
        return {"arch": "x86_64"}
    if command == "human-monitor-command":
        return 'Storage devices:\r\nname "good-a", bus PCI, alias "ga", desc "A, \\"good\\" one"\r\n'
    if command == "device-list-properties":
        return misbehave(arguments["typename"])
    return []


def misbehave(typename: str) -> object:
    if typename == "refused":
        return None
    if typename == "deadly":
        if fault == "dies":
            sys.stderr.write("last\x1b[31m words\n")
            sys.exit(1)
        if fault in ("hangs", "child"):
            time.sleep(600)
        if fault == "floods":
            while True:
                os.write(1, b"x" * 65536)
        if fault == "chatters":
            while True:
                os.write(2, b"y" * 65536)
    stray = [{"name": "gpio\ufffd0", "type": "bool"}] if fault == "stray" else []
    return [*stray, {"name": "p", "type": "bool", "default-value": True}]


if fault == "silent":
    time.sleep(600)
if fault == "garbage":
    print("[" * 100_000, flush=True)
    time.sleep(600)
say({"QMP": {"version": {"qemu": {"major": 9, "minor": 1, "micro": 2}, "package": "fake"}}})
for line in sys.stdin:
    question = json.loads(line)
    given = answer(question["execute"], question.get("arguments", {}))
    say({"error": {"class": "GenericError", "desc": "no"}} if given is None else {"return": given})
# As a real QEMU does on -qmp stdio, it outlives its input.
time.sleep(600)
