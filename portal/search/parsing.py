"""Read what a person typed into the search box: every input is a query, none an error."""

import re
from dataclasses import dataclass, replace

from portal.search.words import MAX_PARTS, MAX_TOKEN, Token, pairs, stem, tokens

#: Characters of a query that are read, and terms that are asked for.
MAX_QUERY, MAX_TERMS = 300, 12

_PIECE = re.compile(r'"([^"]*)"|([^"]+)')


@dataclass(frozen=True, slots=True)
class Term:
    """Something a document must have: one of ``tokens``, or, for a phrase, all of them (its words in pairs).

    ``typed`` is the term as the person wrote it. ``words`` are the parts, lower-case, for marking snippets.
    """

    typed: str
    tokens: tuple[str, ...]
    is_phrase: bool
    words: tuple[str, ...]
    prefix: str = ""
    """What a token may also begin with, where somebody still types."""


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked: all of ``terms``."""

    text: str
    terms: tuple[Term, ...]

    def __bool__(self) -> bool:
        return bool(self.terms)


def parse_query(text: str, *, is_typing: bool = False) -> Query:
    """The terms of ``text``; with ``is_typing`` the last word may still grow."""
    text = text.replace("\0", " ")[:MAX_QUERY]
    terms: dict[Term, None] = {}
    for match in _PIECE.finditer(text):
        quoted, plain = match.groups()
        terms |= dict.fromkeys(_phrase(quoted) if quoted is not None else _plain(plain))
    found = list(terms)[:MAX_TERMS]
    if is_typing and found and not text.endswith((" ", '"')):
        last = found[-1]
        if not last.is_phrase:
            found[-1] = replace(last, prefix=last.tokens[-1])
    return Query(text.strip(), tuple(found))


def _plain(text: str) -> list[Term]:
    terms = []
    for token in tokens(text):
        typed = text[token.start : token.end]
        if token.is_code:
            terms.append(_code(typed, token))
        else:
            word = token.parts[0]
            # The word itself too: "virtmanager" is a token that "virt-manager" left.
            terms.append(Term(typed, tuple(dict.fromkeys((stem(word), word))), False, token.parts))
    return terms


def _code(typed: str, token: Token) -> Term:
    if len(token.parts) > MAX_PARTS:  # longer than any run that is kept: its parts in a row
        return _row(typed, token.parts)
    return Term(typed, (token.whole[:MAX_TOKEN],), False, token.parts)


def _phrase(text: str) -> list[Term]:
    found = list(tokens(text))
    if len(found) == 1 and found[0].is_code:
        return [_code(text.strip(), found[0])]
    words = tuple(part for token in found for part in token.parts)
    return [_row(text.strip(), words)] if words else []


def _row(typed: str, words: tuple[str, ...]) -> Term:
    stems = [stem(word) for word in words]
    return Term(typed, tuple(pairs(stems) or stems), True, words)
