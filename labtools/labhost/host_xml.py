"""Parse XML that a host gave: no document type, so no entity and no network; bounded size, depth and count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS = 4 << 20, 64, 100_000


class HostXmlError(ValueError):
    """The XML is malformed, too large, or tries what no libvirt document needs; ``place``: line and column from 1."""

    place: tuple[int, int] | None = None


def parse_xml(text: str) -> Element:
    """Return the root element of ``text``; :class:`HostXmlError` if it is not plain, bounded XML."""
    return parse_xml_with_places(text)[0]


def parse_xml_with_places(text: str) -> tuple[Element, Mapping[Element, tuple[int, int]]]:
    """Return the root element, and the line and column (both from 1) at which each element begins."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > MAX_BYTES:
        raise HostXmlError(f"The XML is larger than {MAX_BYTES >> 20} MiB.")
    parser = _Parser()
    return parser.parse(data), parser.places


class _Parser:
    def __init__(self) -> None:
        self._builder = TreeBuilder()
        self._depth = self._count = 0
        self.places: dict[Element, tuple[int, int]] = {}
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
            if not isinstance(error, HostXmlError):
                error = HostXmlError("The XML is malformed.")
            error.place = self._place()
            raise error from None

    def _place(self) -> tuple[int, int]:
        # A column of expat counts characters from 0, for a parser of UTF-8.
        return self._expat.CurrentLineNumber, self._expat.CurrentColumnNumber + 1

    def _refuse_doctype(self, *_: object) -> NoReturn:
        raise HostXmlError("The XML declares a document type.")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._depth > MAX_DEPTH or self._count > MAX_ELEMENTS:
            raise HostXmlError("The XML has too many elements or is nested too deeply.")
        self.places[self._builder.start(tag, attributes)] = self._place()

    def _end(self, tag: str) -> None:
        self._depth -= 1
        self._builder.end(tag)
