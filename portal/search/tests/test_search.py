"""The search recipe of the project, on whichever database the tests run on."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from portal.search import engines, registry, services
from portal.search.engines import engine
from portal.search.models import MissedSearch, SearchDocument
from portal.search.parsing import parse_query
from portal.search.queries import search
from portal.search.registry import Entry, Source
from portal.search.words import encode, stem

pytestmark = pytest.mark.django_db

ARTICLES = {
    "devices": Entry(
        "devices",
        "List a device's options",
        "/kb/devices/",
        "Ask QEMU: qemu-system-x86_64 -device virtio-net-pci,help prints every property of virtio-net-pci. "
        "The alias virtio-net means the same.",
    ),
    "herring": Entry(
        "herring",
        "Net gain: virtio in a pci slot",
        "/kb/herring/",
        "Words such as net, virtio and pci stand here apart: pci first, virtio and net later. net virtio pci net.",
    ),
    "npiv": Entry(
        "npiv",
        "NPIV with libvirt",
        "/kb/npiv/",
        "Find capable HBAs with virsh nodedev-list --cap vports and read nodedev-dumpxml scsi_host1.",
    ),
    "cap": Entry("cap", "A cap on vports", "/kb/cap/", "Put a cap on memory. Many vports, one cap."),
    "iso": Entry(
        "iso",
        "virt-manager does not show my ISO",
        "/kb/iso/",
        "Put it into /var/lib/libvirt/images and refresh the pool.",
    ),
    "image": Entry(
        "image",
        "Check an image",
        "/kb/image/",
        "qemu-img check vm1.qcow2 judges a qcow2 image of a hypervisor.",
    ),
}


@pytest.fixture(autouse=True)
def articles(monkeypatch: pytest.MonkeyPatch) -> dict[str, Entry]:
    """Six articles, the only things that there are."""
    found = dict(ARTICLES)
    source = Source("test", "Knowledge base", lambda: iter(found.values()), found.get)
    monkeypatch.setattr(registry, "_sources", {"test": source})
    services.reconcile("test")
    return found


def first(query: str) -> str:
    results = search(query).results
    return results[0].url if results else ""


@pytest.mark.parametrize(
    ("query", "slug"),
    [
        ("virtio-net-pci", "devices"),
        ("virtio-net", "devices"),
        ('"virtio-net-pci"', "devices"),
        ("--cap vports", "npiv"),
        ("nodedev-list", "npiv"),
        ("/var/lib/libvirt/images", "iso"),
        ("libvirt/images", "iso"),
        ("vm1.qcow2", "image"),
        ("virtmanager iso", "iso"),
        ("virt manager iso", "iso"),
        ("devices", "devices"),
        ("VIRTIO-NET-PCI", "devices"),
        ("virtio_net_pci", "devices"),
        ("hypervisors", "image"),
        ("scsi_host1", "npiv"),
        ('"one cap"', "cap"),
    ],
)
def test_a_query_finds_first_what_it_must(query: str, slug: str) -> None:
    assert first(query) == f"/kb/{slug}/"


def test_words_apart_are_not_the_code_token() -> None:
    assert [result.url for result in search("virtio-net-pci").results] == ["/kb/devices/"]
    assert [result.url for result in search('"net virtio pci"').results] == ["/kb/herring/"]


def test_an_option_is_not_the_word() -> None:
    assert [result.url for result in search("--cap").results] == ["/kb/npiv/"]
    assert {result.url for result in search("cap").results} == {"/kb/npiv/", "/kb/cap/"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("libvrt", "libvirt"),
        ("qcow", "qcow2"),
        ("virtio-net-pcl", "virtio-net-pci"),
        ("hypervizor", "hypervisor"),
        ("nodedev-lst", "nodedev-list"),
        ("libvrt images", "libvirt images"),
    ],
)
def test_a_slip_is_mended(typed: str, meant: str) -> None:
    found = search(typed)
    assert found.did_you_mean == meant
    assert search(meant).total


def test_a_word_joined_finds_the_word_with_a_hyphen() -> None:
    assert first("virtmanager") == "/kb/iso/"


def test_typing_finds_what_the_word_begins() -> None:
    for typed in ("hyp", "hypervis", "virtio-n", "nodedev-l", "devic", "optio"):
        assert search(typed, is_typing=True).total, typed
    assert not search("hypervis").total


def test_some_words_are_better_than_none_and_said_to_be() -> None:
    found = search("nodedev-list zebra")
    assert (found.has_every_term, found.results[0].url) == (False, "/kb/npiv/")


def test_hits_are_marked_in_title_and_snippet() -> None:
    result = search("options property").results[0]
    assert [segment.text for segment in result.title if segment.is_marked] == ["options"]
    assert "property" in [segment.text for segment in result.snippet if segment.is_marked]


def test_a_change_is_found_and_what_is_gone_is_not(articles: dict[str, Entry]) -> None:
    articles["iso"] = Entry("iso", "Where is my disc", "/kb/iso/", "zebra")
    services.index_changed("test", "iso")
    assert first("zebra") == "/kb/iso/"
    assert not search("virtmanager").total
    del articles["iso"]
    services.index_changed("test", "iso")
    assert not search("zebra").total
    assert services.reconcile("test") == 0
    assert SearchDocument.objects.count() == 5


def test_reconciling_mends_whatever_nobody_told(articles: dict[str, Entry]) -> None:
    articles["new"] = Entry("new", "Zebra", "/kb/new/")
    del articles["cap"]
    assert services.reconcile("test") == 2
    assert first("zebra") == "/kb/new/"
    assert first('"one cap"') == ""


RUBBISH = [
    *(
        '"',
        '""',
        "'",
        "%",
        "_",
        "\\",
        "\0",
        "a" * 10_000,
        "(" * 300,
        "NEAR(",
        "AND OR NOT",
        "*",
        "-",
        "--",
        ":A",
    ),
    *(
        "título:",
        "🙂",
        "क्या",
        "title : x",
        '" OR 1',
        "a'b",
        "x' OR '1'='1",
        "{title}",
        "^x",
        "a\u200db",
        "\ud800",
    ),
    *("&|!<->", "'a':*"),
]


@pytest.mark.parametrize("query", RUBBISH, ids=range(len(RUBBISH)))
def test_no_query_is_an_error(query: str, client: Client) -> None:
    search(query)
    search(query, is_typing=True)
    for address in ("/search/", "/search.json"):
        assert client.get(address, {"q": query.encode("utf-8", "replace")}).status_code == 200


@given(st.text(max_size=60))
@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_is_a_query(text: str) -> None:
    search(text, is_typing=True)
    search(f'"{text}"')


@given(st.text(max_size=200))
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_is_indexed(text: str) -> None:
    source = Source("any", "Any", lambda: iter([Entry("any", text, "/any/", text, text)]), lambda key: None)
    registry.register(source)
    services.reconcile("any")


def test_indian_words_are_whole() -> None:
    assert encode("आभासी मशीन").stream == ["आभासी", "मशीन"]
    assert stem("devices") == stem("device")


def test_what_nobody_found_is_counted_without_who_asked(client: Client) -> None:
    for typed in ("Zebra  crossing", "zebra crossing"):
        client.get("/search/", {"q": typed})
    missed = MissedSearch.objects.get()
    assert (missed.words, missed.count) == ("zebra crossing", 2)
    services.reconcile_all(at=timezone.now() + timedelta(days=91))
    assert not MissedSearch.objects.exists()


def test_strangers_fill_no_table(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MISSED_MOST", 2)
    for typed in ("zebra", "yak", "xerus", "zebra"):
        client.get("/search/", {"q": typed})
    client.head("/search/", {"q": "zebra"})
    assert dict(MissedSearch.objects.values_list("words", "count")) == {"zebra": 2, "yak": 1}


def test_typing_counts_nothing(client: Client) -> None:
    client.get("/search/", {"q": "zebr"}, headers={"HX-Request": "true"})
    assert not MissedSearch.objects.exists()


def test_the_page_escapes_what_it_found(articles: dict[str, Entry], client: Client) -> None:
    articles["x"] = Entry("x", "<script>alert(1)</script> zebra", "/kb/x/", "<img src=x onerror=zebra>")
    services.index_changed("test", "x")
    page = client.get("/search/", {"q": "zebra"}).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<mark>zebra</mark>" in page


def test_json_has_the_agreed_form(client: Client) -> None:
    answer = client.get("/search.json", {"q": "virtio-net"}).json()
    result = answer["results"][0]
    assert set(result) == {"room", "title", "url", "snippet"}
    assert (result["room"], answer["did_you_mean"], answer["rooms"]) == (
        "Knowledge base",
        None,
        {"Knowledge base": 1},
    )


def test_a_search_costs_few_queries(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    # PostgreSQL is told how to look for titles, and told to forget it: a savepoint and two settings.
    with django_assert_max_num_queries(5 if connection.vendor == "sqlite" else 8):
        assert search("virtio").total == 2


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second room with more that has the word than is counted, indexed before the article that has it, too."""
    monkeypatch.setattr(engines, "MAX_COUNTED", 6)
    monkeypatch.setattr(engines, "MIN_COUNTED", 4)
    monkeypatch.setattr(engines, "MAX_RANKED", 6)
    options = [Entry(str(n), f"option-{n}", f"/lab/{n}/", "Takes a frequent word.") for n in range(9)]
    late = Entry("late", "Written afterwards", "/kb/late/", "It has the frequent word, too.")
    registry.register(Source("lab", "Lab", lambda: iter(options), lambda key: None))
    services.reconcile("lab")
    registry.register(Source("late", "Knowledge base", lambda: iter([late]), lambda key: None))
    services.reconcile("late")


@pytest.mark.usefixtures("lab")
def test_what_one_room_is_full_of_hides_nothing_of_another() -> None:
    found = search("frequent")
    assert [(facet.room, facet.count, facet.is_more) for facet in found.facets] == [
        ("Knowledge base", 1, False),
        ("Lab", 4, True),
    ]
    assert "/kb/late/" in [result.url for result in found.results]
    assert (found.total, found.is_more, len(found.results)) == (5, True, 5)
    there = search("frequent", room="Knowledge base")
    assert [result.url for result in there.results] == ["/kb/late/"]
    assert (there.total, there.is_more) == (1, False)
    lab = search("frequent", room="Lab")
    assert ({result.room for result in lab.results}, lab.total, lab.is_more) == ({"Lab"}, 6, True)
    nowhere = search("frequent", room="Meetups")
    assert (nowhere.total, nowhere.results, len(nowhere.facets)) == (0, [], 2)
    some = search("frequent zebra")
    assert (some.has_every_term, len(some.facets)) == (False, 2)


@pytest.mark.usefixtures("lab")
def test_the_token_of_a_room_is_no_word_that_anybody_can_ask_for() -> None:
    token = engines.room_token("Lab")
    for text in (token, f'"{token}"', f"-{token}", f"room:{token}", f"{token[1:]}"):
        assert search(text).total == 0
    assert not encode(token).code or token not in encode(token).code


def test_rooms_share_what_is_counted() -> None:
    assert engines.counted([]) == {}
    assert engines.counted(["a"]) == {"a": 500}
    assert engines.counted(["a", "b"], "a") == {"a": 500, "b": 250}
    assert set(engines.counted([str(n) for n in range(20)]).values()) == {100}


def test_rooms_share_what_is_ranked() -> None:
    def matches(**counts: int) -> dict[str, range]:
        return {room: range(count) for room, count in counts.items()}

    assert engines.shares(matches(a=500), 250) == {"a": 250}
    assert engines.shares(matches(a=500, b=500), 250) == {"a": 125, "b": 125}
    assert engines.shares(matches(a=500, b=1, c=100), 250) == {"b": 1, "c": 100, "a": 149}
    assert engines.shares({}, 250) == {}


def test_a_room_is_looked_at_after_the_match() -> None:
    """SQLite would match once for each document of the room: a minute where there are 100,000."""
    matches = engine().match(parse_query("virtio"), {"Knowledge base": 500})
    with CaptureQueriesContext(connection) as asked:
        assert engine().rank(matches, ["Knowledge base"])
    explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    with connection.cursor() as cursor:
        for statement in asked.captured_queries:
            if "SELECT" not in statement["sql"]:
                continue  # settings and savepoints
            cursor.execute(explain + statement["sql"])
            plan = [str(row[-1]) for row in cursor.fetchall()]
            assert not any("SCAN document" in step for step in plan), plan


def test_the_index_of_titles_changes_and_forgets() -> None:
    """On SQLite titles are found in an index of their own."""
    registry.register(
        Source("one", "One", lambda: iter([Entry("1", "Unmistakable", "/one/", "words")]), lambda key: None)
    )
    services.reconcile("one")
    assert [result.url for result in search("unmistakable").results] == ["/one/"]
    registry.register(
        Source("one", "One", lambda: iter([Entry("1", "Another", "/one/", "words")]), lambda key: None)
    )
    services.reconcile("one")
    assert search("unmistakable").results == []
    assert search("another").results[0].url == "/one/"
    services.forget("one", ["1"])
    assert all(result.url != "/one/" for result in search("another").results)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM search_title WHERE search_title MATCH 'another OR unmistak'")
            assert cursor.fetchone() == (0,)


def test_vectors_stay_in_their_rows() -> None:
    """Else PostgreSQL's planner takes reading all rows for cheaper than the index."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT attstorage FROM pg_attribute WHERE attrelid = 'search_index'::regclass AND attname = 'whole'"
            )
            assert cursor.fetchone() == ("m",)
