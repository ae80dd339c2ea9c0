"""Lab hosts with a real broker, worker and beat: a third of ninety is dead, and harms nobody else."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from labtools.tests.lab_hosts import HOST_KEY, make_lab_keys
from portal.tests.processes import free_port, wait_for
from portal.tests.stack import Stack

pytestmark = pytest.mark.services

ALIVE, REFUSING, SILENT = 60, 15, 15
HOSTS = """
import json
from labtools.models import LabHost
common = {{"visibility": "public"}}
ssh = {{"transport": "ssh", "ssh_host": "127.0.0.1", "ssh_user": "labprobe", "ssh_key_name": "lab"}}
ssh["ssh_host_key"] = {key!r}
rows = [LabHost(slug=f"alive-{{n}}", name=f"Alive {{n}}", transport="demonstration") for n in range({alive})]
rows += [
    LabHost(slug=f"dead-{{n}}", name=f"Dead {{n}}", ssh_port=port, **ssh) for n, port in enumerate({ports!r})
]
# The dead ones have been due for longest: they must not be what everybody waits for.
LabHost.objects.bulk_create(reversed(rows))
"""


@contextmanager
def silent_port() -> Iterator[int]:
    """A port whose server takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        kept: list[socket.socket] = []

        def accept() -> None:
            try:
                while True:
                    kept.append(server.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for connection in kept:
                connection.close()


def states(stack: Stack) -> dict[str, tuple[str, int, str]]:
    """Of each host: the state of probing, failures, and what failed; read past Django."""
    rows = stack.sql("SELECT slug, probe_state, failures, last_failure, last_answer_at FROM labtools_labhost")
    return {slug: (state, failures, "" if answer else code) for slug, state, failures, code, answer in rows}


def test_thirty_dead_hosts_of_ninety_keep_nobody_waiting(tmp_path: Path) -> None:
    make_lab_keys(tmp_path / "lab-keys")
    env = {"LAB_PROBE_SECONDS": "20", "LAB_CONNECT_SECONDS": "1", "LAB_RETRY_SECONDS": "600"}
    with ExitStack() as open_things:
        silent = open_things.enter_context(silent_port())
        ports = [free_port() for _ in range(REFUSING)] + [silent] * SILENT
        stack = open_things.enter_context(Stack(tmp_path, run=("redis", "web", "labs", "beat"), env=env))
        stack.python(HOSTS.format(key=HOST_KEY, alive=ALIVE, ports=ports))
        slowest = 0.0

        def is_through() -> bool:
            nonlocal slowest
            started = time.monotonic()
            status, page = stack.get("/lab/hosts/")
            slowest = max(slowest, time.monotonic() - started)
            assert status == 200
            assert "Alive 0" in page
            found = states(stack).values()
            return all(
                state == "idle" and (failures or code == "") for state, failures, code in found
            ) and all(answer for (answer,) in stack.sql("SELECT last_asked_at FROM labtools_labhost"))

        wait_for(is_through, 400, why=lambda: f"{states(stack)}\n{stack.logs()}")
        found = states(stack)
        assert {found[f"alive-{number}"] for number in range(ALIVE)} == {("idle", 0, "")}
        assert {found[f"dead-{number}"][:2] for number in range(REFUSING + SILENT)} == {("idle", 1)}
        data = json.loads(stack.get("/lab/hosts.json")[1])["hosts"]
        assert sum(host["state"] == "fresh" for host in data) == ALIVE
        assert sum(host["state"] == "never-answered" for host in data) == REFUSING + SILENT
        assert slowest < 3, "the list of hosts was slow while they were asked"
        # The healthy were not behind the dead.
        last_alive = stack.sql("SELECT max(last_answer_at) FROM labtools_labhost WHERE slug LIKE 'alive-%'")
        last_dead = stack.sql("SELECT max(last_asked_at) FROM labtools_labhost WHERE slug LIKE 'dead-%'")
        assert last_alive[0] < last_dead[0]
