"""Parse XML that a host gave: no document type, so no entity and no network; bounded size, depth and count."""

from __future__ import annotations

from typing import NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS = 4 << 20, 64, 100_000


class HostXmlError(ValueError):
    """The XML is malformed, too large, or tries what no libvirt document needs."""


def parse_xml(text: str) -> Element:
    """Return the root element of ``text``; :class:`HostXmlError` if it is not plain, bounded XML."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > MAX_BYTES:
        raise HostXmlError(f"The XML is larger than {MAX_BYTES >> 20} MiB.")
    return _Parser().parse(data)


class _Parser:
    def __init__(self) -> None:
        self._builder = TreeBuilder()
        self._depth = self._count = 0
        self._expat = expat.ParserCreate("utf-8")
        self._expat.StartDoctypeDeclHandler = self._refuse_doctype
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._builder.data
        self._expat.buffer_text = True

    def parse(self, data: bytes) -> Element:
        try:
            self._expat.Parse(data, True)
            return self._builder.close()
        except (expat.ExpatError, ParseError, ValueError, AssertionError) as error:
            if isinstance(error, HostXmlError):
                raise
            raise HostXmlError("The XML is malformed.") from None

    def _refuse_doctype(self, *_: object) -> NoReturn:
        raise HostXmlError("The XML declares a document type.")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._depth > MAX_DEPTH or self._count > MAX_ELEMENTS:
            raise HostXmlError("The XML has too many elements or is nested too deeply.")
        self._builder.start(tag, attributes)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        self._builder.end(tag)
