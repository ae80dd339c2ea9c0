"""Reader variables: what declares them, where they stand, and that no value means more than itself there."""

import json
import re
import shlex
import subprocess
from html import unescape
from xml.etree import ElementTree

import pytest

from kb.rendering import render
from kb.variables import MOST, is_valid, quoted

DECLARED = "```variables\n{}\n```\n\n"
HOSTILE = [
    '/a b/it\'s "x" $(touch /tmp/x) `id` $HOME \\ ; rm -rf ~ & | > * ? ! #',
    "/'; reboot #",
    "/</source><script>alert(1)</script>&amp;",
    "/]]>--><!--",
    "/नमस्ते",
]


def shown(html: str) -> str:
    """The code of the last fence, as one would copy it with prompts and answers."""
    return unescape(re.sub("<[^>]*>", "", html.rpartition("<code>")[2].partition("</code>")[0]))


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("quotes", ["", "'", '"'])
def test_a_value_is_one_word_of_a_command(value: str, quotes: str) -> None:
    html = render(DECLARED.format(f"disk = {value.replace('|', '')} | Disk | path")
                  + f"```bash\nprintf %s {quotes}@disk@{quotes}\n```").html  # fmt: skip
    command = shown(html)
    run = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    assert run.stdout == value.replace("|", "")
    assert "<script>" not in html


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_text_in_xml_and_json(value: str) -> None:
    value = value.replace("|", "")
    declared = DECLARED.format(f"disk = {value} | Disk | path")
    root = ElementTree.fromstring(  # noqa: S314  (our own)
        shown(render(declared + "```xml\n<a b='@disk@' c=\"@disk@\">@disk@</a>\n```").html)
    )
    assert [root.get("b"), root.get("c"), root.text] == [value] * 3
    assert json.loads(shown(render(declared + '```json\n{"a": "@disk@"}\n```').html)) == {"a": value}


def test_answers_of_a_session_have_the_value_as_it_is() -> None:
    html = render(
        DECLARED.format("disk = /a b | Disk | path")
        + "```console\n# ls @disk@ \\\n> @disk@\nno: '@disk@'\n```"
    ).html
    assert shown(html) == "# ls '/a b' \\\n> '/a b'\nno: '/a b'\n"
    assert re.findall('data-quoting="(.*?)"', html) == ["shell", "shell", "plain"]


def test_only_what_was_declared_before_is_filled_and_only_in_code() -> None:
    html = render(
        "```bash\n@disk@\n```\n\n" + DECLARED.format("disk = /x | Disk | path")
        + "@disk@ `@disk@` `<source file='@disk@'/>`\n\n```bash\n@disk@ @other@ a@disk @DISK@\n```"
    ).html  # fmt: skip
    assert [html.count("@disk@"), html.count("@other@")] == [2, 1]
    assert re.findall('data-quoting="(.*?)"', html) == ["shell", "xml", "shell"]
    assert render("`@disk@`\n\n```bash\n@disk@\n```").variables == ()


@pytest.mark.parametrize(
    "line",
    [
        "disk", "disk = x", "Disk = x | L", "disk = | L", "disk = relative | L | path", "n = 1.5 | L | number",
        "w = 123 | L | wwpn", "d = x | L | nonsense", "d = a\u202eb | L", "d = a\u200bb | L", "d = 1TB | L | size",
        "n = -rf | L | name", "<script> = x | L",
    ],
)  # fmt: skip
def test_what_nobody_understands_stays_to_be_seen(line: str) -> None:
    rendered = render(DECLARED.format(line))
    assert rendered.variables == ()
    assert line in unescape(rendered.html)
    assert 'variables"' not in rendered.html


def test_declarations_are_bounded_and_the_first_counts() -> None:
    many = "\n".join(f"v{number} = {number} | L | number" for number in range(MOST + 3))
    rendered = render(DECLARED.format(many) + DECLARED.format("v0 = 9 | L"))
    assert len(rendered.variables) == MOST
    assert rendered.variables[0].default == "0"
    assert not is_valid("text", "x" * 201)


def test_label_and_default_stay_text_and_no_author_writes_such_marks() -> None:
    html = render(
        DECLARED.format('d = "><script>alert(1)</script> | <img src=x onerror=alert(1)>')
        + 'x\n{: .variable data-variable="d" data-quoting="plain" }\n\n`a`{: .variables data-name=x }'
    ).html
    assert "<script" not in html
    assert "<img" not in html
    assert html.count("data-variable") == html.count("data-name") - 1 == 0
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_a_checked_block_is_the_command_with_its_defaults() -> None:
    declared = DECLARED.format("disk = /a b | Disk | path")
    (fence,) = render(declared + "```bash\nqemu-img info @disk@\n```").fences
    assert fence.source == "qemu-img info '/a b'"
    (other,) = render(declared.replace("/a b", "/c") + "```bash\nqemu-img info @disk@\n```").fences
    assert fence.digest != other.digest


def test_a_diagram_is_its_source() -> None:
    html = render(DECLARED.format("d = x | L") + "```mermaid\ngraph TD; A-->@d@<script>\n```").html
    assert '<div class="code diagram"' in html
    assert shown(html) == "graph TD; A-->@d@<script>\n"


def test_quoting_is_that_of_the_shell() -> None:
    assert quoted("/a/b-c_1.x", "shell") == shlex.quote("/a/b-c_1.x") == "/a/b-c_1.x"
