"""What the portal puts into an article: where it belongs, and never where an author imitates it."""

import re

import pytest

from kb.markup import Fence, Parts
from kb.rendering import render

BLOCK = '<div class="live-block">real</div>'


def embed(name: str, argument: str) -> str | None:
    """One block there is."""
    return BLOCK if name == "qemu-device" else None


def test_a_block_stands_in_the_place_of_its_line() -> None:
    rendered = render("Before\n\n{{ qemu-device virtio_net_pci }}\n\nAfter", Parts(embed=embed))
    assert rendered.html == f"<p>Before</p>\n{BLOCK}\n<p>After</p>"
    assert rendered.blocks == (("qemu-device", "virtio_net_pci"),)


@pytest.mark.parametrize(
    "text",
    [
        "{{ nothing virtio }}",
        "a {{ qemu-device x }}",
        "{{ qemu-device x }} {{ qemu-device y }}",
        "`{{ qemu-device x }}`",
        "    {{ qemu-device x }}",
        "```\n{{ qemu-device x }}\n```",
        "{{ QEMU x }}",
        "{{ qemu-device " + "x" * 201 + " }}",
    ],
)
def test_what_is_no_block_stays_text(text: str) -> None:
    rendered = render(text, Parts(embed=embed))
    assert BLOCK not in rendered.html
    assert "{{" in rendered.html


def test_a_block_may_stand_in_an_admonition() -> None:
    assert BLOCK in render("!!! note\n    Text\n\n    {{ qemu-device x }}", Parts(embed=embed)).html


@pytest.mark.parametrize(
    "forged",
    [
        "<p>part0000n0e</p>",
        "part00000000000000000000000000000000n0e",
        '<div class="live-block">false</div>',
        "Text\n{: .live-block }",
        "# Title {: .live-block .badge .check-badge }",
    ],
)
def test_an_author_imitates_neither_block_nor_badge(forged: str) -> None:
    html = render(f"{{{{ qemu-device x }}}}\n\n{forged}", Parts(embed=embed)).html
    assert html.count(BLOCK) == 1
    assert len(re.findall(r"<[^>]*live-block", html)) == 1


def test_fences_are_told_with_their_options_and_badged() -> None:
    text = '```console check expect="a b" exit="1"\n$ ls\n```\n\n```console\n$ ls\n```\n'
    plain = render(text)
    first, second = plain.fences
    assert first == Fence("console", {"check": "check", "expect": "a b", "exit": "1"}, "$ ls")
    assert second == Fence("console", {}, "$ ls")
    assert first.digest != second.digest
    badged = render(text, Parts(badges={first.digest: "<b>passes</b>"})).html
    assert badged.count("<b>passes</b>") == 1
    assert badged.index("<b>passes</b>") < badged.index("<pre")
    assert badged.replace("<b>passes</b>", "", 1) == plain.html
