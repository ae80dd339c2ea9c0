"""An article as one text, with what stands at its head: what is reviewed, merged, exported and imported."""

import hashlib
import json
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, order=True)
class AppliesToRange:
    """What it speaks about, and the first and last version for which it was written; empty: open on that side."""

    component: str
    minimum: str = ""
    maximum: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A whole article without its address, owner and dates. Equal documents have equal ``sha``."""

    title: str
    content: str
    kind: str = "how-to"
    abstract: str = ""
    tags: tuple[str, ...] = ()
    applies_to: tuple[AppliesToRange, ...] = ()
    series: str = ""
    part: int | None = None

    @property
    def sha(self) -> str:
        """SHA-256, hex, of everything in it: as JSON with sorted keys, in UTF-8."""
        whole = {
            "title": self.title,
            "kind": self.kind,
            "abstract": self.abstract,
            "tags": list(self.tags),
            "applies_to": [[one.component, one.minimum, one.maximum] for one in self.applies_to],
            "series": self.series,
            "part": self.part,
            "content": self.content,
        }
        return hashlib.sha256(json.dumps(whole, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def normalised(self) -> "Document":
        """The same with ``\n`` for line ends, one at the end; no NUL, no lone surrogate; tags and versions in order."""
        content = _storable(self.content).replace("\r\n", "\n").replace("\r", "\n").rstrip()
        series, tags = _words(self.series), [_words(name) for name in self.tags]
        return replace(
            self,
            title=_words(self.title),
            abstract=_words(self.abstract),
            content=content + "\n" if content else "",
            tags=tuple(sorted(set(filter(None, tags)), key=lambda name: (name.casefold(), name))),
            applies_to=tuple(sorted(set(self.applies_to))),
            series=series,
            part=self.part if series else None,
        )


def _words(text: str) -> str:
    return " ".join(_storable(text).split())


def _storable(text: str) -> str:
    """Without NUL and lone surrogates, which escapes of YAML and JSON can name and no database takes."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()
