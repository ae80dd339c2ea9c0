"""The judge of pages itself: each thing that it forbids is found."""

import pytest

from portal.tests.invariants import broken_invariants

GOOD = """<!doctype html><html lang="en"><head><title>Lab</title><script src="/static/x.js"></script></head>
<body><a href="#main">Skip</a><header><nav></nav></header>
<main id="main"><h1>Lab</h1>%s</main><footer></footer></body></html>"""


def test_a_good_page_breaks_nothing() -> None:
    assert broken_invariants(GOOD % '<script type="application/json">{}</script>') == []


@pytest.mark.parametrize(
    "bad",
    [
        "<h1>Twice</h1>",
        "<main></main>",
        "<script>alert(1)</script>",
        '<script type="module">1</script>',
        "<style>p{}</style>",
        '<p style="color:red">x</p>',
        '<p onclick="x()">x</p>',
        '<a href="JavaScript:x()">x</a>',
        '<img src="https://elsewhere.example/x.png" alt="">',
        '<img src="/x.png">',
        '<p id="main">twice</p>',
        '<meta name="referrer" content="no-referrer"><input type="hidden" name="csrfmiddlewaretoken">',
    ],
)
def test_each_forbidden_thing_is_found(bad: str) -> None:
    assert len(broken_invariants(GOOD % bad)) == 1


def test_landmarks_title_and_language_are_missed() -> None:
    assert len(broken_invariants("<html><body></body></html>")) == 8
