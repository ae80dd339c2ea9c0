"""Long lists on a page of several: the first rows of each, and all of one in pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator

#: Rows of a list that a page of its own shows.
PER_PAGE = 100


@dataclass(frozen=True)
class ListPart:
    """The rows of a list that are shown; ``name`` asks for all of it, ``page`` is set where that was asked for."""

    name: str
    total: int
    rows: Sequence[Any]
    page: Page[Any] | None = None

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows, with no page that leads to them."""
        return self.page is None and len(self.rows) < self.total


def first_of(name: str, rows: Sequence[Any], count: int) -> ListPart:
    """The first ``count`` of ``rows``."""
    return ListPart(name, len(rows), rows[:count])


def page_of(name: str, rows: Sequence[Any], number: str, per_page: int = PER_PAGE) -> ListPart:
    """Page ``number`` of ``rows``, as an address has it: the last page for one too high, the first for no number."""
    page = Paginator(rows, per_page).get_page(number)
    return ListPart(name, len(rows), list(page.object_list), page)
