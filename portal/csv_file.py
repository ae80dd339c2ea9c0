"""Tables as CSV that a spreadsheet opens as what they are: text."""

import csv
import io
from collections.abc import Iterable, Sequence

#: What a spreadsheet takes for the start of a formula (OWASP, CSV injection), the full-width forms included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: Excel reads UTF-8 only after this mark; LibreOffice and Python's "utf-8-sig" take it or leave it.
BYTE_ORDER_MARK = "\ufeff"


def as_csv(rows: Iterable[Sequence[str]]) -> str:
    """Rows as RFC 4180 has them, each cell in quotes, and none that a spreadsheet would run as a formula."""
    out = io.StringIO(newline="")
    out.write(BYTE_ORDER_MARK)
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return out.getvalue()


def safe_cell(text: str) -> str:
    """``text``, with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
