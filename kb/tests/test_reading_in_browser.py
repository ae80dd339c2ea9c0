"""Reading in a real browser: variables, diagrams, reading without a network, and how it all looks to axe."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from kb.models import Article, Series
from kb.tests.factories import make_article
from portal.tests.browser import NewPage, axe_findings, overflow, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

VARIABLES = """```variables
disk = /var/lib/vm1.qcow2 | Disk image | path
wwpn = 5001a4a93f0b2d11 | WWPN of the vHBA | wwpn
count = 4 | How many | number
```

"""
CODE = (
    VARIABLES
    + """
## Commands

Look at `@disk@`.

```console
$ qemu-img info @disk@
image: @disk@
$ echo "@disk@" '@disk@' @wwpn@ @count@
```

## XML

```xml
<disk><source file='@disk@'/></disk>
```
"""
)
DIAGRAM = """## Diagram

```mermaid title="From request to report"
graph TD; Browser-->Portal-->Worker
```
"""
EVERYTHING = (
    CODE
    + DIAGRAM
    + """
!!! warning "Mind <this>"
    Text[^1].

=== "Debian"

    ```bash hl_lines="2" title="on the host"
    apt install qemu-utils
    qemu-img --version
    ```

=== "Fedora"

    dnf

| Bytes | What | Another column that is long | And one more of them |
| --: | --- | --- | --- |
| 0 | magic | `QFI\\xfb` and more words in here | 1048576000 |

![A picture of nothing](/static/img/og.png "What it shows")

- [x] done

[^1]: A footnote.
"""
)


def code(page: Page, at: int) -> str:
    """The text of a block of code."""
    return str(page.locator(".code pre").nth(at).text_content())


def test_fields_fill_commands_and_xml_and_nothing_leaves_the_browser(
    new_page: NewPage, live_server: Any
) -> None:
    make_article(CODE, slug="one")
    page = new_page(service_workers="block")  # it fetches by itself
    page.goto(f"{live_server.url}/kb/one/")
    page.wait_for_load_state("networkidle")
    before = [code(page, 0), code(page, 1)]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    disk = page.get_by_label("Disk image")
    disk.fill('/tmp/a b/it\'s "$(id)" `x` <b>&!.qcow2')
    first, second = code(page, 0), code(page, 1)
    value = '/tmp/a b/it\'s "$(id)" `x` <b>&!.qcow2'
    inside = value.replace("'", "'\"'\"'")
    assert first.startswith(f"$ qemu-img info '{inside}'\nimage: {value}\n")
    assert 'echo "/tmp/a b/it\'s \\"\\$(id)\\" \\`x\\` <b>&"\'!\'".qcow2"' in first
    assert " '/tmp/a b/it'\\''s \"$(id)\" `x` <b>&!.qcow2' " in first
    assert "file='/tmp/a b/it&apos;s &quot;$(id)&quot; `x` &lt;b&gt;&amp;!.qcow2'" in second
    assert page.locator(".prose b").count() == 0
    disk.fill("/var/lib/vm1.qcow2")
    assert [code(page, 0), code(page, 1)] == before
    disk.fill("")
    page.wait_for_load_state("networkidle")
    assert [code(page, 0), code(page, 1)] == before
    assert asked == []


@pytest.mark.parametrize("wrong", ["relative.qcow2", "/a\u202eb", "/a\u200bb", "/" + "x" * 300])
def test_a_wrong_value_is_named_and_changes_nothing(new_page: NewPage, live_server: Any, wrong: str) -> None:
    make_article(CODE, slug="one")
    page = new_page()
    page.goto(f"{live_server.url}/kb/one/")
    field = page.get_by_label("Disk image")
    field.evaluate("one => one.removeAttribute('maxlength')")
    field.fill(wrong)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("This is not an absolute path")).to_be_visible()
    assert "qemu-img info /var/lib/vm1.qcow2\n" in code(page, 0)
    assert axe_findings(page) == []


def test_values_stay_in_the_tab_for_the_parts_of_a_series_alone(new_page: NewPage, live_server: Any) -> None:
    series = Series.objects.create(slug="npiv", title="NPIV")
    for slug, of in (("one", series), ("two", series), ("three", None)):
        make_article(CODE, slug=slug, series=of, part=1 if of else None)
    page = new_page()
    page.goto(f"{live_server.url}/kb/one/")
    page.get_by_label("How many").fill("12")
    page.goto(f"{live_server.url}/kb/two/")
    expect(page.get_by_label("How many")).to_have_value("12")
    assert " 12\n" in code(page, 0)
    page.goto(f"{live_server.url}/kb/three/")
    expect(page.get_by_label("How many")).to_have_value("")
    other = page.context.new_page()
    other.goto(f"{live_server.url}/kb/one/")
    expect(other.get_by_label("How many")).to_have_value("")
    # Whatever else writes to the storage of this site, the types are asked again.
    page.evaluate(
        "sessionStorage.setItem('kb-variables three', JSON.stringify({count: '1; reboot', disk: 7}))"
    )
    page.reload()
    expect(page.get_by_label("How many")).to_have_attribute("aria-invalid", "true")
    assert "reboot" not in code(page, 0)


def test_without_script_the_defaults_and_the_source_of_a_diagram_stand(
    new_page: NewPage, live_server: Any
) -> None:
    make_article(CODE + DIAGRAM, slug="one")
    page = new_page(java_script_enabled=False)
    page.goto(f"{live_server.url}/kb/one/")
    expect(page.get_by_text("WWPN of the vHBA")).to_be_visible()
    expect(page.get_by_text("Browser-->Portal")).to_be_visible()
    assert page.locator("iframe, .variables input").count() == 0


def test_copy_takes_the_filled_commands_only(new_page: NewPage, live_server: Any) -> None:
    make_article(CODE, slug="one")
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{live_server.url}/kb/one/")
    page.get_by_label("Disk image").fill("/tmp/a b")
    page.get_by_role("button", name="Copy").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "qemu-img info '/tmp/a b'\necho \"/tmp/a b\" '/tmp/a b' 5001a4a93f0b2d11 4"


def test_a_diagram_is_drawn_in_a_frame_that_may_do_nothing_else(new_page: NewPage, live_server: Any) -> None:
    make_article(DIAGRAM, slug="one")
    make_article("No diagram.", slug="two")
    page = new_page()
    page.goto(f"{live_server.url}/kb/one/")
    frame = page.frame_locator("iframe[title='Diagram: From request to report']")
    expect(frame.locator("svg")).to_be_visible(timeout=30_000)
    expect(frame.get_by_text("Worker")).to_be_visible()
    inner = page.frames[1]
    assert inner.evaluate("origin") == "null"
    assert (
        inner.evaluate("(() => { try { return document.cookie } catch { return 'refused' } })()") == "refused"
    )
    assert page.locator("iframe").evaluate("one => one.getAttribute('sandbox')") == "allow-scripts"
    page.goto(f"{live_server.url}/kb/two/")
    assert "mermaid" not in str(
        page.evaluate("performance.getEntriesByType('resource').map(e => e.name).join()")
    )
    assert page.locator("iframe").count() == 0


WHEN_KEPT = """async () => {
    await navigator.serviceWorker.ready;
    for (let turn = 0; turn < 300; turn++) {
        const articles = await (await caches.open("kb-articles")).keys();
        if (articles.length === 1 && (await (await caches.open("kb-files")).keys()).length > 15) return;
        await new Promise((wake) => setTimeout(wake, 100));
    }
    throw new Error("nothing was kept");
}"""


def _wait_for_drawing(page: Page) -> None:
    """Until the frame says how tall the diagram is, or that there is none."""
    page.locator("iframe[hidden], iframe:not([height='160'])").wait_for(state="attached", timeout=30_000)


HOSTILE_DIAGRAMS = [
    'graph TD; A["<img src=x onerror=top.hit=1>"]-->B["<script>top.hit=1</script>"]',
    '%%{init: {"securityLevel": "loose"}}%%\ngraph TD; A-->B\nclick A href "javascript:top.hit=1"\nclick B call hit()',
    "graph TD; A[\"<iframe src='https://evil.example'></iframe>\"]-->B",
    "</code></pre><script>window.hit=1</script>",
    "graph TD; A--",
]


@pytest.mark.parametrize("source", HOSTILE_DIAGRAMS)
def test_a_hostile_diagram_reaches_nothing(chromium: Any, live_server: Any, source: str) -> None:
    make_article(f"```mermaid\n{source}\n```\n", slug="one")
    page = chromium.new_context().new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{live_server.url}/kb/one/")
    _wait_for_drawing(page)
    for link in page.frames[1].locator("a, .clickable").all() if len(page.frames) > 1 else []:
        link.dispatch_event("click")
    assert page.evaluate("window.hit") is None
    assert [url for url in asked if not url.startswith((live_server.url, "data:"))] == []
    assert page.url == f"{live_server.url}/kb/one/"
    page.context.close()


def test_read_articles_are_there_without_a_network_and_nobodys_own_page_is(
    new_page: NewPage, live_server: Any, as_owner: Any, owner: Any
) -> None:
    make_article("## Kept\n\nWords that stay.", slug="one", title="One")
    make_article("Never read.", slug="two", title="Two")
    make_article("Of the owner.", slug="three", title="Three", owner=owner)
    Article.objects.filter(slug="three").update(status="draft")
    page = new_page()
    sign_in(page, as_owner, live_server.url)
    for slug in ("three", "one"):
        page.goto(f"{live_server.url}/kb/{slug}/")
    page.evaluate(WHEN_KEPT)
    kept = page.evaluate(
        "caches.open('kb-articles').then(s => s.match('/kb/one/', {ignoreVary: true})).then(r => r.text())"
    )
    assert "Words that stay." in kept
    assert owner.display_name not in kept
    assert 'id="s-kept"' in kept
    assert "Ask about:" not in kept
    page.goto(f"{live_server.url}/kb/one/")
    page.context.set_offline(True)
    page.goto(f"{live_server.url}/kb/one/")
    expect(page.get_by_text("Words that stay.")).to_be_visible()
    page.goto(f"{live_server.url}/kb/two/")
    expect(page.get_by_role("heading", name="Reading without a network")).to_be_visible()
    expect(page.get_by_role("link", name="One")).to_be_visible()
    page.get_by_role("button", name="Forget these articles").click()
    expect(page.get_by_text("No article is kept")).to_be_visible()
    page.context.set_offline(False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_an_article_with_everything_pleases_axe_and_fits(
    new_page: NewPage, live_server: Any, width: int, scheme: str
) -> None:
    series = Series.objects.create(slug="npiv", title="NPIV")
    make_article("x", slug="zero", title="Zero", series=series, part=1)
    make_article(EVERYTHING, slug="one", title="One", series=series, part=2, summary="Short.")
    page = new_page(width=width, color_scheme=scheme)
    for path in ("/kb/one/", "/kb/", "/kb/series/npiv/", "/kb/offline/"):
        page.goto(live_server.url + path)
        if path == "/kb/one/":
            _wait_for_drawing(page)
        assert axe_findings(page) == [], path
        assert overflow(page) == 0, path
