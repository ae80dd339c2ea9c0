"""A text as readers would get it, with what a reviewer would say first."""

from dataclasses import dataclass

from kb import rendering
from kb.checking import Remark, inspect, too_much
from kb.known_pages import known_pages
from kb.live_parts import live_parts


@dataclass(frozen=True, slots=True)
class Preview:
    """``html`` is safe to show as it stands: the one renderer made it."""

    html: str
    remarks: list[Remark]

    @property
    def has_program(self) -> bool:
        """Whether parts of it, diagrams and reader variables, are more on a page that runs their programs."""
        return any(one in self.html for one in ('<div class="code diagram"', '<section class="variables"'))

    @property
    def blocks(self) -> bool:
        """Whether something has to be mended before the text is sent."""
        return any(remark.blocks for remark in self.remarks)


def preview_of(markdown: str) -> Preview:
    """Render ``markdown`` as a reader's page does, and look it over. What is too intricate is not rendered."""
    if refusal := too_much(markdown):
        return Preview("", [Remark(1, refusal, blocks=True)])
    rendered = rendering.render(markdown, live_parts())
    return Preview(rendered.html, inspect(markdown.replace("\r\n", "\n"), rendered, known_pages()))
