"""Markdown becomes HTML that reads well, and of which nothing runs."""

import re
from html.parser import HTMLParser

import pytest

from kb.rendering import render
from kb.sanitising import sanitise

#: Each would run or load something somewhere if it came through.
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><circle/></svg>",
    "<iframe src='https://evil.example'></iframe>",
    "<style>body{display:none}</style>",
    "<a href='javascript:alert(1)'>x</a>",
    "<details open ontoggle=alert(1)>x</details>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<form action=https://evil.example><input name=q></form>",
    "<base href=https://evil.example/>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    '"><script>alert(1)</script>',
    "'\" autofocus onfocus=alert(1) x='",
    "</code></pre><script>alert(1)</script>",
    "\x3cscript\x00>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "<!--><script>alert(1)</script>-->",
    "<template><script>alert(1)</script></template>",
    "<object data=https://evil.example></object>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
]
#: Where a text of somebody's may end up in an article; {} is the place.
SINKS = {
    "paragraph": "{}",
    "heading": "## {}",
    "setext heading": "{}\n---",
    "code": "`{}`",
    "indented code": "    {}",
    "fence": "```console\n$ {}\n{}\n```",
    "fence language": "```{}\nx\n```",
    "fence title": '```bash title="{}"\nx\n```',
    "fence options": "```{{.bash hl_lines='{}' onclick='{}'}}\nx\n```",
    "admonition title": '!!! note "{}"\n    text',
    "admonition class": "!!! {}\n    text",
    "details title": '??? note "{}"\n    text',
    "tab label": '=== "{}"\n\n    text',
    "table": "| {} | b |\n| --- | --: |\n| {} | {} |",
    "link text": "[{}](https://example.org)",
    "link target": "[x](<{}>)",
    "link title": '[x](https://example.org "{}")',
    "reference": "[x][1]\n\n[1]: {} '{}'",
    "autolink": "<https://example.org/{}>",
    "image": "![{}](/x.png '{}')",
    "image target": "![x](<{}>)",
    "attributes": "text\n{{: {} }}",
    "attributes of a heading": "## text {{ #{} .{} onclick=alert(1) style=color:red }}",
    "footnote": "x[^1]\n\n[^1]: {}",
    "footnote name": "x[^{}]\n\n[^{}]: y",
    "abbreviation": "HBA\n\n*[HBA]: {}",
    "definition": "{}\n:   {}",
    "task": "- [ ] {}",
    "quote": "> {}",
}
_KNOWN = frozenset(
    "a abbr blockquote br code dd del details div dl dt em figcaption figure h2 h3 h4 h5 h6 hr img input "  # noqa: SIM905
    "kbd label li ol p pre s span strong sub summary sup table tbody td tfoot th thead tr ul".split()
)


class _Inspector(HTMLParser):
    """Collects whatever an article must not have."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _KNOWN:
            self.wrong.append(f"<{tag}>")
        for name, value in attrs:
            target = re.sub(r"[\x00-\x20]", "", value or "").lower()
            if name.startswith("on") or name in ("style", "srcdoc", "formaction", "autofocus"):
                self.wrong.append(f"{name}={value}")
            scheme = re.match(r"[a-z][a-z0-9+.-]*(?=:)", target)
            if name == "href" and scheme and scheme[0] not in ("http", "https", "mailto"):
                self.wrong.append(f"href={value}")
            if name == "src" and not target.startswith("/"):
                self.wrong.append(f"src={value}")
            if name == "id" and not (value or "").startswith("s-"):
                self.wrong.append(f"id={value}")


@pytest.mark.parametrize("sink", SINKS)
def test_nothing_hostile_comes_through_any_part_of_an_article(sink: str) -> None:
    for payload in HOSTILE:
        for text in (payload, payload.replace("\n", " ")):
            rendered = render(SINKS[sink].replace("{{", "{").replace("}}", "}").replace("{}", text))
            assert _Inspector(rendered.html).wrong == [], (sink, payload, rendered.html)


@pytest.mark.parametrize("payload", HOSTILE)
def test_the_sanitiser_stands_alone(payload: str) -> None:
    """Should an extension ever let raw HTML through, nh3 still stops it."""
    assert _Inspector(sanitise(payload)).wrong == []
    assert _Inspector(sanitise(f"<p>{payload}</p><div {payload}>x</div>")).wrong == []


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java&#10;script:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
    ],
)
def test_links_lead_to_the_web_or_to_a_mailbox_only(target: str) -> None:
    html = render(f"[x]({target})").html
    assert "href" not in html, html


@pytest.mark.parametrize(
    "source",
    [
        "https://evil.example/x.png",
        "//evil.example/x.png",
        "/\\evil.example/x.png",
        "data:image/png;base64,x",
    ],
)
def test_images_come_from_this_site_only(source: str) -> None:
    assert "evil" not in render(f"![x]({source})").html
    assert 'src="/media/x.png"' in render("![x](/media/x.png)").html


def test_an_article_cannot_dress_as_the_page_around_it() -> None:
    html = render("## Main\n\ntext\n{: .site-header .button #site-nav }").html
    assert "site-header" not in html
    assert "button" not in html
    assert 'id="s-site-nav"' in html
    assert '<h2 id="s-main">' in html


def test_raw_html_is_shown_as_text() -> None:
    assert render("<div class='note'>x</div>").html == "<p>&lt;div class='note'&gt;x&lt;/div&gt;</p>"
    fence = render("```xml\n<interface type='network'>\n```").html
    assert "&lt;interface type='network'&gt;" in re.sub("<[^>]*>", "", fence)


def test_options_keep_their_dashes_and_files_stay_unread() -> None:
    html = render('virsh nodedev-list --cap vports "x"\n\n--8<-- "manage.py"\n').html
    assert "--cap vports" in html
    assert "–" not in html
    assert "DJANGO_SETTINGS_MODULE" not in html


def test_console_block_tells_prompt_command_and_output_apart() -> None:
    html = render(
        "```console\n$ qemu-img check --output=json disk.qcow2\nNo errors were found on the image.\n```"
    ).html
    assert html.startswith('<div class="code" data-copy="">')
    assert '<span class="gp prompt">$ </span>' in html
    assert '<span class="go output">No errors were found on the image.\n</span>' in html
    blank = render("```console\n$ one\nERROR\n\n2 errors\n$ two\n```").html
    typed = re.sub('<span class="g[op] (output|prompt)">[^<]*</span>', "", blank)
    assert re.sub("<[^>]*>", "", typed.partition("<pre")[2]).partition(">")[2] == "one\ntwo\n"
    assert '<pre tabindex="0">' in html


def test_source_cannot_forge_a_prompt_or_an_output() -> None:
    html = render('```text\n<span class="go">rm -rf /</span>\n```').html
    assert '<span class="go' not in html
    assert "&lt;span class=" in html


def test_fence_takes_a_title_and_marks_lines() -> None:
    html = render('```bash title="in the guest" hl_lines="2 4-5"\na\nb\nc\nd\ne\n```').html
    assert "<span>in the guest</span>" in html
    assert html.count('class="hll"') == 3
    endless = render('```bash hl_lines="1-999999999999999999999"\na\n```').html
    assert endless.count('class="hll"') == 1


def test_unknown_language_is_plain_text() -> None:
    assert "<code>a &lt; b\n</code>" in render("```no-such-language\na < b\n```").html


def test_tables_scroll_by_keyboard_and_name_their_columns() -> None:
    html = render("| Bytes | What |\n| --: | --- |\n| `0` to 3 | magic |").html
    assert html.startswith('<div aria-label="Table" class="table-scroll" role="group" tabindex="0"><table')
    assert '<th class="numeric" scope="col">Bytes</th>' in html
    assert '<td class="numeric" data-label="Bytes"><span><code>0</code> to 3</span></td>' in html
    assert "style" not in html


def test_contents_is_the_tree_of_headings_as_plain_text() -> None:
    rendered = render("# Top & `code`\n\n## Same\n\n### Below <b>\n\n## Same\n\n#### Too deep")
    assert rendered.toc == [
        {"id": "s-top-code", "name": "Top & code", "children": []},
        {
            "id": "s-same",
            "name": "Same",
            "children": [{"id": "s-below-b", "name": "Below <b>", "children": []}],
        },
        {"id": "s-same_1", "name": "Same", "children": []},
    ]
    assert "<h1" not in rendered.html
    assert 'href="#s-same_1"' in rendered.html
    assert 'aria-label="Link to this section"' in rendered.html


def test_links_within_an_article_reach_their_heading() -> None:
    html = render("[down](#the-end)\n\n## The end").html
    assert 'href="#s-the-end"' in html
    assert 'id="s-the-end"' in html


def test_footnotes_tabs_tasks_and_folds_come_through() -> None:
    html = render(
        'x[^1]\n\n- [x] done\n\n=== "One"\n\n    a\n\n=== "Two"\n\n    b\n\n??? tip "More"\n    c\n\n[^1]: foot'
    ).html
    assert 'href="#s-fn:1"' in html
    assert 'id="s-fn:1"' in html
    boxes = re.findall('<input[^>]*type="checkbox"[^>]*>', html)
    assert ['aria-label="Done"' in box and "disabled" in box for box in boxes] == [True]
    assert re.findall(r'for="([^"]+)"', html) == re.findall(r'<input[^>]* id="([^"]+)"', html)
    assert '<details class="tip">' in html


def test_any_text_is_rendered() -> None:
    for text in (
        "",
        "\x00",
        "[" * 500,
        ">" * 300 + " x",
        "*" * 2000,
        "```",
        "{: " * 200,
        "|" * 500,
        "~" * 500,
    ):
        render(text)


def test_words_are_counted() -> None:
    assert render("one two\n\nthree").words == 3


def test_an_empty_corner_of_a_table_is_no_head() -> None:
    html = render("| | A |\n| --- | --- |\n| b | c |").html
    assert '<tr>\n<td></td>\n<th scope="col">A</th>\n</tr>' in html
    assert '<td data-label="A"><span>c</span></td>' in html
