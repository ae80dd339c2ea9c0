"""Keep the index in step with what the rooms have."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction
from django.db.models import F

from portal.search import registry
from portal.search.engines import Tokens, engine
from portal.search.models import MissedSearch, SearchDocument, SearchStamp, SearchWord
from portal.search.registry import Entry
from portal.search.words import MAX_TOKEN, encode, pairs, surface_words

#: Characters of a body that are indexed and kept.
MAX_BODY = 200_000
#: Entries of one transaction when a whole source is brought in step.
PIECE = 100
MISSED_KEEP = timedelta(days=90)
#: More different words than these are not noted: strangers type them, and no table grows without end.
MISSED_MOST = 5_000


def index_changed(source_name: str, key: str) -> None:
    """Index one thing as it is now, or forget it where it is public no more.

    Called in the transaction that changes it.
    """
    source = registry.source(source_name)
    entry = source.entry(key)
    if entry is None:
        forget(source_name, [key])
    else:
        known = SearchDocument.objects.filter(source=source_name, key=key).values_list("pk", "digest").first()
        _index(source, [entry], {} if known is None else {key: known})


@transaction.atomic
def _index(source: registry.Source, entries: Sequence[Entry], known: Mapping[str, tuple[int, str]]) -> int:
    """Index those of ``entries`` about which anything is new; return how many.

    ``known`` has the documents that are there, with their digests, by key.
    """
    new: list[tuple[SearchDocument, Entry]] = []
    for entry in {entry.key: entry for entry in entries}.values():
        document = _document(source, entry)
        pk, digest = known.get(entry.key, (None, ""))
        if document.digest != digest:
            document.pk = pk
            new.append((document, entry))
    SearchDocument.objects.bulk_create(
        [document for document, _ in new],
        update_conflicts=True,
        unique_fields=["source", "key"],
        update_fields=["room", "title", "url", "body", "note", "weight", "digest", "indexed_at"],
    )
    pks = dict(
        SearchDocument.objects.filter(
            source=source.name, key__in=[entry.key for _, entry in new]
        ).values_list("key", "pk")
    )
    engine().put([(pks[entry.key], _tokens(entry, source.room)) for _, entry in new])
    _learn({word for _, entry in new for word in surface_words(_whole(entry))})
    return len(new)


def _document(source: registry.Source, entry: Entry) -> SearchDocument:
    return SearchDocument(
        source=source.name,
        key=entry.key,
        room=source.room,
        title=_plain(entry.title)[:300],
        url=entry.url[:500],
        body=_plain(entry.body)[:MAX_BODY],
        note=_plain(entry.note)[:200],
        weight=entry.weight,
        digest=hashlib.sha256(json.dumps([source.room, *astuple(entry)]).encode()).hexdigest(),
    )


def _tokens(entry: Entry, room: str) -> Tokens:
    return Tokens(_column(entry.title), _column(entry.head), _column(entry.body[:MAX_BODY]), room)


def _whole(entry: Entry) -> str:
    return f"{entry.title}\n{entry.head}\n{entry.body[:MAX_BODY]}"


def _learn(words: set[str]) -> None:
    """Add to the vocabulary what is not in it."""
    SearchWord.objects.bulk_create(
        [SearchWord(word=word) for word in sorted(words) if len(word) <= MAX_TOKEN],
        ignore_conflicts=True,
        batch_size=400,
    )


def _plain(text: str) -> str:
    """Text as every database takes it: without NUL and without halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")


def _column(text: str) -> list[str]:
    encoded = encode(text)
    return [*encoded.stream, *encoded.code, *dict.fromkeys(pairs(encoded.stream))]


def forget(source_name: str, keys: Iterable[str]) -> None:
    """Take things out of the index; those that are not there are no error."""
    wanted = list(keys)
    for first in range(0, len(wanted), 500):
        with transaction.atomic():
            found = SearchDocument.objects.filter(source=source_name, key__in=wanted[first : first + 500])
            engine().remove(list(found.values_list("pk", flat=True)))
            found.delete()


def reconcile(source_name: str) -> int:
    """Bring the whole of one source in step; return how many entries were indexed anew or forgotten."""
    source = registry.source(source_name)
    if source.stamp is None:
        return _reconcile(source)
    stamp = hashlib.sha256(source.stamp().encode()).hexdigest()
    if SearchStamp.objects.filter(source=source_name, digest=stamp).exists():
        return 0
    changed = _reconcile(source)
    SearchStamp.objects.update_or_create(source=source_name, defaults={"digest": stamp})
    return changed


def _reconcile(source: registry.Source) -> int:
    rows = SearchDocument.objects.filter(source=source.name).values_list("key", "pk", "digest")
    known = {key: (pk, digest) for key, pk, digest in rows.iterator()}
    seen: set[str] = set()
    changed = 0
    for some in _pieces(source.entries(), PIECE):
        changed += _index(source, some, known)  # a piece is one transaction: nobody else waits long
        seen.update(entry.key for entry in some)
    gone = [key for key in known if key not in seen]
    forget(source.name, gone)
    return changed + len(gone)


def _pieces(entries: Iterable[Entry], size: int) -> Iterator[list[Entry]]:
    rest = iter(entries)
    while some := list(islice(rest, size)):
        yield some


def reconcile_all(*, at: datetime) -> int:
    """Bring every source in step, and forget what nobody has missed for long."""
    MissedSearch.objects.filter(last_at__lt=at - MISSED_KEEP).delete()
    names = [source.name for source in registry.all_sources()]
    forgotten = SearchDocument.objects.exclude(source__in=names)
    for name in forgotten.order_by("source").values_list("source", flat=True).distinct():
        forget(name, list(SearchDocument.objects.filter(source=name).values_list("key", flat=True)))
    return sum(reconcile(name) for name in names)


def note_missed(words: str, *, at: datetime) -> None:
    """Count that ``words`` found nothing; new ones only while fewer than :data:`MISSED_MOST` are known."""
    words = " ".join(words.casefold().split())[:80]
    if not words or MissedSearch.objects.filter(words=words).update(count=F("count") + 1, last_at=at):
        return
    if MissedSearch.objects.count() < MISSED_MOST:
        MissedSearch.objects.bulk_create([MissedSearch(words=words, last_at=at)], ignore_conflicts=True)
