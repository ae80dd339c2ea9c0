"""Asks addresses that people typed whether they answer, without ever being led into our own network.

The danger is server-side request forgery: a link to ``http://169.254.169.254/``, to a name that resolves to
``127.0.0.1``, to a page that redirects there, or to a name that changes between the check and the connection. So:

- a name is resolved once, **every** address it has must be a public one, and the connection goes to an address that
  was checked, never to the name;
- only ``http`` on port 80 and ``https`` on port 443, without user name or password in the address;
- redirects are followed by hand, a bounded number, each by the same rules;
- the header is read up to a bound, the body too where it is wanted at all, and one deadline covers everything,
  so that a server that sends a byte a second gains nothing.
"""

import contextlib
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from urllib.parse import quote, urljoin, urlsplit

MAX_REDIRECTS = 5
MAX_HEADER = 32 * 1024
MAX_ADDRESSES = 3
TOTAL_SECONDS = 10.0
CONNECT_SECONDS = 4.0  # so that an address nobody is at leaves time for the next
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: |$)")
# Public by number, or to some versions of ipaddress, and yet inside a cloud: Azure's host agent, Oracle's metadata.
_INSIDE = [ipaddress.ip_network("168.63.129.16/32"), ipaddress.ip_network("192.0.0.0/24")]
# Only here are IPv6 addresses handed out. What carries an IPv4 address inside (mapped, NAT64, 6to4, Teredo) is
# outside or excepted: RFC 4291 2.5.5, RFC 6052, RFC 3056, RFC 4380; documentation: RFC 3849, RFC 9637.
_GLOBAL_6 = ipaddress.ip_network("2000::/3")
_NOT_GLOBAL_6 = [
    ipaddress.ip_network(net) for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
]


class FetchRefused(Exception):
    """The address is one that we do not ask: its message is a sentence for people."""


class FetchFailed(Exception):
    """Nothing usable came back: its message is a sentence for people."""


@dataclass(frozen=True)
class Answer:
    """What came back at the end of all redirects. ``body`` is empty unless it was asked for."""

    status: int
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Network:
    """What the fetcher asks of the operating system. Tests stand a small network of their own in its place.

    It only resolves and dials: which addresses are allowed is not decided here.
    """

    def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of ``host``. Raises ``OSError``."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    def dial(self, address: str, port: int, timeout: float) -> socket.socket:
        """A connection to exactly this address. Raises ``OSError``."""
        return socket.create_connection((address, port), timeout=timeout)

    def secure(self, plain: socket.socket, host: str) -> socket.socket:
        """TLS over ``plain``, with the certificate checked against ``host``. Raises ``OSError``."""
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def is_public(address: str) -> bool:
    """Whether ``address`` is of a host on the public internet, and of nothing else."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        return ip in _GLOBAL_6 and not any(ip in net for net in _NOT_GLOBAL_6)
    return (
        ip.is_global and not ip.is_multicast and not ip.is_reserved and not any(ip in net for net in _INSIDE)
    )


class _Deadline:
    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def left(self) -> float:
        """Seconds that are left. Raises ``FetchFailed`` when none is."""
        seconds = self._end - self._clock()
        if seconds <= 0:
            raise FetchFailed("It took too long.")
        return seconds


@dataclass
class Fetcher:
    """Asks one address after the other. ``before`` is called with the host that is about to be asked."""

    agent: str
    network: Network = field(default_factory=Network)
    before: Callable[[str], None] = lambda host: None
    seconds: float = TOTAL_SECONDS
    clock: Callable[[], float] = time.monotonic

    def fetch(self, url: str, *, method: str = "HEAD", first_byte: bool = False, max_body: int = 0) -> Answer:
        """Ask ``url`` and whatever it redirects to, all within ``seconds``.

        ``first_byte`` asks for one byte only (RFC 9110, 14.2). Raises ``FetchRefused`` and ``FetchFailed``.
        """
        self.before(_parts(url)[1])
        deadline = _Deadline(self.seconds, self.clock)
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._once(url, method, first_byte, max_body, deadline)
            target = answer.headers.get("location", "")
            if answer.status not in _REDIRECTS or not target:
                return answer
            url = urljoin(url, target)
        raise FetchFailed("It redirects too often.")

    def _once(self, url: str, method: str, first_byte: bool, max_body: int, deadline: _Deadline) -> Answer:
        scheme, host, target = _parts(url)
        with contextlib.closing(self._connect(scheme, host, deadline)) as line:
            wanted = "Range: bytes=0-0\r\n" if first_byte else ""
            name = f"[{host}]" if ":" in host else host
            request = (
                f"{method} {target} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: {self.agent}\r\nAccept: */*\r\n"
                f"Accept-Encoding: identity\r\n{wanted}Connection: close\r\n\r\n"
            )
            try:
                line.settimeout(deadline.left())
                line.sendall(request.encode("ascii"))
                return _read(line, url, max_body if method != "HEAD" else 0, deadline)
            except OSError as error:
                raise FetchFailed(_in_words(error)) from error

    def _connect(self, scheme: str, host: str, deadline: _Deadline) -> socket.socket:
        port = _PORTS[scheme]
        problem: Exception = FetchFailed("The name is not known.")
        for address in self._addresses(host, port, deadline):
            try:
                line = self.network.dial(address, port, min(deadline.left(), CONNECT_SECONDS))
            except OSError as error:
                problem = error
                continue
            try:
                line.settimeout(deadline.left())
                return self.network.secure(line, host) if scheme == "https" else line
            except (OSError, FetchFailed) as error:
                line.close()
                problem = error
        raise FetchFailed(_in_words(problem)) from problem

    def _addresses(self, host: str, port: int, deadline: _Deadline) -> list[str]:
        # getaddrinfo knows no deadline; a thread that it keeps ends with the resolver's own patience.
        pool = ThreadPoolExecutor(max_workers=1)
        try:
            found = pool.submit(self.network.resolve, host, port).result(timeout=deadline.left())
        except FutureTimeout as error:
            raise FetchFailed("Its name was not resolved in time.") from error
        except (OSError, UnicodeError) as error:
            raise FetchFailed("The name is not known.") from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        if not all(is_public(address) for address in found):
            raise FetchRefused("This is not a public address.")
        return found[:MAX_ADDRESSES]


def _parts(url: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").rstrip(".")
        if not host.isascii():
            host = host.encode("idna").decode("ascii")
    except (ValueError, UnicodeError) as error:
        raise FetchRefused("This is not an address.") from error
    if parts.scheme not in _PORTS or port not in (None, _PORTS[parts.scheme]):
        raise FetchRefused("Only http on port 80 and https on port 443 are asked.")
    if parts.username is not None or parts.password is not None:
        raise FetchRefused("An address with a name or a password in it is not asked.")
    if not host or re.search(r"[^A-Za-z0-9._:-]", host):
        raise FetchRefused("This is not an address.")
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        target += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
    return parts.scheme, host, target


def _read(line: socket.socket, url: str, max_body: int, deadline: _Deadline) -> Answer:
    head, rest = _read_head(line, deadline)
    while head.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1")):  # interim answers (RFC 9110, 15.2)
        head, rest = _read_head(line, deadline, rest)
    first, *lines = head.split(b"\r\n")
    status = _STATUS_LINE.match(first)
    if not status:
        raise FetchFailed("What answers does not speak HTTP.")
    headers: dict[str, str] = {}
    for one in lines:
        name, _, value = one.decode("latin-1").partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    while len(rest) < max_body:
        line.settimeout(deadline.left())
        if not (more := line.recv(min(8192, max_body - len(rest)))):
            break
        rest += more
    return Answer(int(status[1]), url, headers, rest[:max_body])


def _read_head(line: socket.socket, deadline: _Deadline, got: bytes = b"") -> tuple[bytes, bytes]:
    while b"\r\n\r\n" not in got:
        if len(got) > MAX_HEADER:
            raise FetchFailed("Its header is too long.")
        line.settimeout(deadline.left())
        if not (more := line.recv(4096)):
            raise FetchFailed("It hung up without an answer.")
        got += more
    head, _, rest = got.partition(b"\r\n\r\n")
    return head, rest


def _in_words(error: Exception) -> str:
    if isinstance(error, FetchFailed):
        return str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return "Its certificate is not valid."
    if isinstance(error, ssl.SSLError):
        return "TLS failed."
    if isinstance(error, TimeoutError):
        return "It took too long."
    if isinstance(error, ConnectionRefusedError):
        return "The connection was refused."
    return "The connection failed."
