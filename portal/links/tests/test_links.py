"""Asking addresses that people typed: what is never reached, and what bounds the rest.

There is no internet here, and none is needed: a small network of our own resolves names to public addresses and
leads connections to local servers. Which addresses are allowed is decided outside it, as in production.
"""

import socket
import ssl
import threading
import time

import pytest

from portal.links.checking import SPACING, Finding
from portal.links.fetching import (
    MAX_REDIRECTS,
    FetchFailed,
    FetchRefused,
    Network,
    is_public,
)
from portal.links.tests.small_network import (
    OTHER_PUBLIC,
    PUBLIC,
    SmallNetwork,
    checker,
    fetch,
    pages,
    serving,
)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "0.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1",
        "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "168.63.129.16",
        "::", "::1", "::ffff:127.0.0.1", "::ffff:93.184.215.14", "::ffff:a9fe:a9fe", "::7f00:1",
        "64:ff9b::7f00:1", "64:ff9b:1::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:1::1",
        "2001:db8::1", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
        "rubbish", "",
    ],
)  # fmt: skip
def test_what_is_not_on_the_public_internet_is_refused(address: str) -> None:
    assert not is_public(address)
    network = SmallNetwork({"a.example": [[address]]})
    with pytest.raises(FetchRefused):
        fetch(network, "http://a.example/")
    assert network.dialled == []


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.215.14", "1.1.1.1", "2606:4700::1111", "2a00:1450::1"]
)
def test_public_addresses_are_asked(address: str) -> None:
    assert is_public(address)
    with pages({"/": "200 OK"}, {"a.example": [[address]]}) as (network, _):
        assert fetch(network, "http://a.example/").status == 200
    assert network.dialled == [(address, 80)]


def test_one_private_address_among_public_ones_refuses_the_name() -> None:
    network = SmallNetwork({"a.example": [[PUBLIC, "10.0.0.1"]]})
    with pytest.raises(FetchRefused):
        fetch(network, "http://a.example/")
    assert network.dialled == []


def test_a_name_that_changes_after_the_check_gains_nothing() -> None:
    with pages({"/": "200 OK"}, {"a.example": [[PUBLIC], ["127.0.0.1"]]}) as (network, _):
        assert fetch(network, "http://a.example/").status == 200
    assert network.resolved == ["a.example"]
    assert network.dialled == [(PUBLIC, 80)]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://2130706433/", "http://127.1/",
        "http://0x7f.1/", "http://017700000001/", "http://localhost/", "http://0/",
    ],
)  # fmt: skip
def test_numbers_for_this_machine_are_refused_by_the_real_resolver(url: str) -> None:
    dialled = []

    class RealNames(Network):
        def dial(self, address: str, port: int, timeout: float) -> socket.socket:
            dialled.append(address)
            raise OSError

    with pytest.raises(FetchRefused):
        fetch(RealNames(), url)
    assert dialled == []


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example:8080/", "https://a.example:80/", "http://a.example:443/", "http://a.example:22/",
        "ftp://a.example/", "file:///etc/passwd", "gopher://a.example/", "javascript:alert(1)", "//a.example/",
        "http:///x", "http://user@a.example/", "http://user:secret@a.example/", "http://a.example:x/",
        "http://[::1/", "http://a example/", "http://a.example%0d%0aX: y/", "http://a_b!.example/", "",
    ],
)  # fmt: skip
def test_other_schemes_ports_and_shapes_are_refused(url: str) -> None:
    network = SmallNetwork({"a.example": [[PUBLIC]]})
    with pytest.raises(FetchRefused):
        fetch(network, url)
    assert network.resolved == []


def test_line_breaks_in_an_address_add_no_header() -> None:
    heads = []

    def answer(line: socket.socket, head: bytes) -> None:
        heads.append(head)
        line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    with serving(answer) as port:
        network = SmallNetwork({"a.example": [[PUBLIC]]}, port)
        fetch(network, "http://a.example/x%0d%0aEvil: 1\r\nEvil: 2?q= \x01é")
    assert b"\nEvil" not in heads[0]
    assert heads[0].split(b"\r\n")[0] == b"HEAD /x%0d%0aEvil:%201Evil:%202?q=%20%01%C3%A9 HTTP/1.1"


@pytest.mark.parametrize(
    "target",
    [
        "http://inside.example/",
        "http://169.254.169.254/latest/",
        "//127.0.0.1/",
        "http://a.example:6379/",
        "file:///etc/passwd",
    ],
)
def test_redirect_into_our_own_network_is_refused(target: str) -> None:
    names = {
        "a.example": [[PUBLIC]],
        "inside.example": [["10.0.0.5"]],
        "169.254.169.254": [["169.254.169.254"]],
        "127.0.0.1": [["127.0.0.1"]],
    }
    with pages({"/": f"302 Found\r\nLocation: {target}"}, names) as (network, _), pytest.raises(FetchRefused):
        fetch(network, "http://a.example/")
    assert network.dialled == [(PUBLIC, 80)]


def test_redirects_are_followed_by_hand_with_each_name_resolved_anew() -> None:
    served = {
        "/": "301 Moved\r\nLocation: /two",
        "/two": "308 Moved\r\nLocation: https://b.example/three",
        "/three": "200 OK",
    }
    with pages(served) as (network, asked):
        answer = fetch(network, "http://a.example/")
    assert (answer.status, answer.url) == (200, "https://b.example/three")
    assert asked == ["HEAD a.example/", "HEAD a.example/two", "HEAD b.example/three"]
    assert network.dialled == [(PUBLIC, 80), (PUBLIC, 80), (OTHER_PUBLIC, 443)]
    assert network.secured == ["b.example"]


def test_redirects_are_bounded() -> None:
    loop = pages({"/": "302 Found\r\nLocation: /"})
    with loop as (network, asked), pytest.raises(FetchFailed, match="redirects too often"):
        fetch(network, "http://a.example/")
    assert len(asked) == MAX_REDIRECTS + 1


def test_second_address_is_tried_where_the_first_is_silent() -> None:
    with pages({"/": "200 OK"}, {"a.example": [[PUBLIC, OTHER_PUBLIC]]}) as (network, _):
        real = network.dial

        def dial(address: str, port: int, timeout: float) -> socket.socket:
            if address == PUBLIC:
                raise ConnectionRefusedError
            return real(address, port, timeout)

        network.dial = dial  # type: ignore[method-assign]
        assert fetch(network, "http://a.example/").status == 200


def drip(line: socket.socket, first: bytes) -> None:
    """Send ``first`` and then a byte every 50 ms for as long as the other side listens."""
    line.sendall(first)
    while True:
        line.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["status", "header", "body"]
)
def test_slow_drip_ends_with_the_deadline(first: bytes) -> None:
    with serving(lambda line, head: drip(line, first)) as port:
        network = SmallNetwork({"a.example": [[PUBLIC]]}, port)
        start = time.monotonic()
        with pytest.raises(FetchFailed, match="too long"):
            fetch(network, "http://a.example/", method="GET", max_body=10_000, seconds=0.4)
        assert time.monotonic() - start < 2


def test_one_deadline_covers_all_redirects() -> None:
    def redirect(line: socket.socket, head: bytes) -> None:
        time.sleep(0.15)
        line.sendall(b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n")

    with serving(redirect) as port, pytest.raises(FetchFailed, match="too long"):
        fetch(SmallNetwork({"a.example": [[PUBLIC]]}, port), "http://a.example/", seconds=0.4)


def test_slow_resolver_ends_with_the_deadline() -> None:
    release = threading.Event()

    class Slow(SmallNetwork):
        def resolve(self, host: str, port: int) -> list[str]:
            release.wait(5)
            return [PUBLIC]

    start = time.monotonic()
    with pytest.raises(FetchFailed, match="resolved in time"):
        fetch(Slow({}), "http://a.example/", seconds=0.2)
    release.set()
    assert time.monotonic() - start < 2


def test_long_header_is_not_read_to_its_end() -> None:
    def flood(line: socket.socket, head: bytes) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(1000):
            line.sendall(b"X: " + b"y" * 1000 + b"\r\n")

    with serving(flood) as port, pytest.raises(FetchFailed, match="header is too long"):
        fetch(SmallNetwork({"a.example": [[PUBLIC]]}, port), "http://a.example/")


def test_body_is_read_to_its_bound_and_no_further() -> None:
    sent = []

    def flood(line: socket.socket, head: bytes) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(10_000):
            sent.append(line.send(b"z" * 10_000))

    with serving(flood) as port:
        network = SmallNetwork({"a.example": [[PUBLIC]]}, port)
        assert len(fetch(network, "http://a.example/", method="GET", max_body=500).body) == 500
        assert fetch(network, "http://a.example/", method="GET").body == b""
    assert sum(sent) < 50_000_000


@pytest.mark.parametrize(
    "said", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 xyz\r\n\r\n", b"", b"HTTP/9.9 200 OK\r\n\r\n"]
)
def test_what_is_no_http_fails(said: bytes) -> None:
    with serving(lambda line, head: line.sendall(said)) as port, pytest.raises(FetchFailed):
        fetch(SmallNetwork({"a.example": [[PUBLIC]]}, port), "http://a.example/")


def test_interim_answers_are_passed_over() -> None:
    with serving(
        lambda line, head: line.sendall(b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 204 No\r\n\r\n")
    ) as port:
        assert fetch(SmallNetwork({"a.example": [[PUBLIC]]}, port), "http://a.example/").status == 204


def test_certificates_are_checked() -> None:
    class Plain(SmallNetwork):
        def secure(self, plain: socket.socket, host: str) -> socket.socket:
            return Network.secure(self, plain, host)

    with serving(lambda line, head: None) as port, pytest.raises(FetchFailed):
        fetch(Plain({"a.example": [[PUBLIC]]}, port), "https://a.example/", seconds=1)
    context = ssl.create_default_context()
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("served", "is_there", "words", "asked"),
    [
        ({"/v": "200 OK"}, True, "HTTP 200", ["HEAD"]),
        ({"HEAD /v": "405 No", "GET /v": "206 Partial"}, True, "HTTP 206", ["HEAD", "GET"]),
        ({"HEAD /v": "404 No", "GET /v": "200 OK"}, True, "HTTP 200", ["HEAD", "GET"]),
        ({"HEAD /v": "500 No", "GET /v": "416 Range"}, True, "HTTP 416", ["HEAD", "GET"]),
        ({}, False, "HTTP 404", ["HEAD", "GET"]),
        ({"/v": "503 Busy"}, False, "HTTP 503", ["HEAD", "GET"]),
        ({"/v": "403 No"}, None, "HTTP 403: it does not show itself to programs.", ["HEAD"]),
        ({"/v": "429 Slow"}, None, "HTTP 429: it does not show itself to programs.", ["HEAD"]),
    ],
)
def test_finding_follows_from_what_is_answered(
    served: dict[str, str], is_there: bool | None, words: str, asked: list[str]
) -> None:
    with pages(served) as (network, requests):
        assert checker(network)[0].look("http://a.example/v") == Finding(is_there, words)
    assert requests[0] == "GET a.example/robots.txt"
    assert [request.split()[0] for request in requests[1:]] == asked


def test_robots_are_heeded_and_read_once() -> None:
    rules = "200 OK\r\n\r\nUser-agent: OSVI-Portal-Link-Check\nDisallow: /v\n"
    with pages({"/robots.txt": rules, "/w": "200 OK"}) as (network, requests):
        look = checker(network)[0].look
        assert look("http://a.example/v/1") == Finding(None, "The site asks programs to stay away.")
        assert look("http://a.example/w") == Finding(True, "HTTP 200")
    assert requests == ["GET a.example/robots.txt", "HEAD a.example/w"]


def test_requests_to_one_host_are_spaced() -> None:
    with pages({"/v": "200 OK"}) as (network, _):
        look, clock = checker(network)
        look.look("http://a.example/v")
        look.look("http://b.example/v")
        assert clock.slept == [SPACING, SPACING]  # after each robots.txt; none between the two hosts
        look.look("http://a.example/v")
    assert clock.now - 1000 <= 3 * SPACING


def test_portal_says_who_asks(settings: object) -> None:
    heads = []

    def answer(line: socket.socket, head: bytes) -> None:
        heads.append(head.decode())
        line.sendall(b"HTTP/1.1 404 No\r\n\r\n")

    with serving(answer) as port:
        checker(SmallNetwork({"a.example": [[PUBLIC]]}, port))[0].look("http://a.example/")
    assert all("User-Agent: OSVI-Portal-Link-Check/1 (+http" in head for head in heads)
    assert "/about/)" in heads[0]
    assert "Range: bytes=0-0" in heads[-1]
    assert "Cookie" not in "".join(heads)
