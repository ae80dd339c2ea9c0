"""What reviewers, and authors whose text waits, are shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from kb import rendering
from kb.checking import Remark, inspect
from kb.diffs import Diff, Row, compare
from kb.documents import Document
from kb.known_pages import known_pages
from kb.links import outside_links
from kb.live_parts import live_parts
from kb.merging import Merge, merge_documents
from kb.models import Draft, Link, ReviewComment, Revision
from kb.roles import can_approve, is_reviewer
from portal.accounts.models import User

State = Revision.State
#: Filters of the queue: name, label, what it lets through.
FILTERS: tuple[tuple[str, str, Q], ...] = (
    ("new", "New articles", Q(article__current=None)),
    ("changes", "Changes", Q(article__current__isnull=False) & ~Q(significance="typo")),
    ("typos", "Typos", Q(article__current__isnull=False, significance="typo")),
)
#: What the page says of pictures, headings and links of the text, at most.
MOST_REMARKS = 50
#: A text called a typo that changes more lines than this is pointed out.
_TYPO_LINES = 10
_NOTHING = Document(title="", content="", kind="")


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter of the queue, with how much it lets through."""

    name: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a reviewer should look at; ``items`` are texts of strangers."""

    text: str
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a comparison, with what was said to its new line."""

    row: Row
    comments: tuple[ReviewComment, ...] = ()
    is_asked: bool = False
    """Whether somebody is about to say something to it."""


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """Everything on the page of one text sent for review."""

    revision: Revision
    diff: Diff
    lines: tuple[Line, ...]
    comments: tuple[ReviewComment, ...]
    """To all of it, or to lines that the comparison does not show."""
    merge: Merge | None
    """With what readers see by now; None where that has not changed."""
    merged_diff: Diff | None
    html: str
    remarks: tuple[Remark, ...]
    notices: tuple[Notice, ...]
    is_waiting: bool
    is_own: bool
    may_decide: bool
    may_approve: bool
    newer: Revision | None
    """A later text of the same author for the same article."""
    draft: Draft | None
    """The author's working copy of the article, for its author alone."""


def waiting(user: User, name: str) -> "tuple[QuerySet[Revision], list[Filter]]":
    """Texts that wait, the longest first, narrowed by the filter called ``name``; and all filters with their counts."""
    everything = Revision.objects.waiting()
    numbers = everything.aggregate(
        all=Count("pk"),
        own=Count("pk", filter=Q(article__owner=user)),
        **{key: Count("pk", filter=lets) for key, _, lets in FILTERS},
    )
    filters = [Filter("", "All", numbers["all"])]
    filters += [Filter(key, label, numbers[key]) for key, label, _ in FILTERS]
    filters.append(Filter("own", "To articles of mine", numbers["own"]))
    lets = {key: lets for key, _, lets in FILTERS} | {"own": Q(article__owner=user)}
    before = Revision.objects.filter(author=OuterRef("author"), state__in=[State.APPROVED, State.MERGED])
    found = (
        everything.filter(lets.get(name, Q()))
        .select_related("article", "author")
        .defer("content", "article__html", "article__toc", "article__shown")
        .annotate(said=Count("comments"), is_known=Exists(before))
    )
    return found, filters


def readable_review(user: User, pk: int) -> Revision | None:
    """The text ``pk`` for reviewers and its author; None for everybody else, whatever became of it."""
    found = Revision.objects.select_related("article__current", "based_on", "author", "reviewer")
    revision = found.filter(pk=pk, article__deleted_at=None).first()
    if revision and (is_reviewer(user) or revision.author_id == user.pk):
        return revision
    return None


def review_page(user: User, revision: Revision, *, line: int | None, everything: bool) -> ReviewPage:
    """The page of ``revision`` as ``user`` sees it.

    ``line`` is the line to which they are about to say something; with ``everything`` no equal lines are folded.
    """
    comments = list(revision.comments.select_related("author"))
    keep = {comment.line for comment in comments if comment.line} | ({line} if line else set())
    base = revision.based_on.document if revision.based_on else _NOTHING
    diff = compare(base, revision.document, context=None if everything else 3, keep=keep)
    lines = _with_comments(diff.rows, comments, line)
    shown = {comment.pk for one in lines for comment in one.comments}
    is_waiting = revision.state == State.SUBMITTED
    merge = _merge(revision) if is_waiting else None
    rendered = rendering.render(revision.content, live_parts())
    reviews = is_reviewer(user)
    return ReviewPage(
        revision=revision,
        diff=diff,
        lines=lines,
        comments=tuple(comment for comment in comments if comment.pk not in shown),
        merge=merge,
        merged_diff=_merged_diff(revision, merge),
        html=rendered.html,
        remarks=tuple(inspect(revision.content, rendered, known_pages())[:MOST_REMARKS]) if reviews else (),
        notices=tuple(_notices(revision, rendered.html, diff)) if reviews else (),
        is_waiting=is_waiting,
        is_own=revision.author_id == user.pk,
        may_decide=is_waiting and reviews and revision.author_id != user.pk,
        may_approve=is_waiting and can_approve(user, revision) and (merge is None or merge.is_clean),
        newer=_newer(revision),
        draft=Draft.objects.filter(author=user, article=revision.article_id).first()
        if revision.author_id == user.pk
        else None,
    )


def plain_lines(diff: Diff) -> tuple[Line, ...]:
    """The rows of a comparison to which nobody says anything."""
    return tuple(Line(row) for row in diff.rows)


def sent_back_with(draft: Draft) -> Revision | None:
    """The text that came back to this draft's author, with verdict and comments; None once they sent another."""
    if draft.article_id is None:
        return None
    last = (
        Revision.objects.filter(article=draft.article_id, author=draft.author_id)
        .select_related("reviewer")
        .prefetch_related("comments__author")
        .order_by("-created_at", "-pk")
        .first()
    )
    return last if last and last.state == State.REJECTED else None


def _merge(revision: Revision) -> Merge | None:
    current, base = revision.article.current, revision.based_on
    if current is None or (base is not None and current.sha == base.sha):
        return None
    return merge_documents(base.document if base else None, revision.document, current.document)


def _merged_diff(revision: Revision, merge: Merge | None) -> Diff | None:
    current = revision.article.current
    if merge is None or current is None or not merge.is_clean:
        return None
    return compare(current.document, merge.document)


def _with_comments(
    rows: Sequence[Row], comments: Iterable[ReviewComment], asked: int | None
) -> tuple[Line, ...]:
    by_line: dict[int, list[ReviewComment]] = {}
    for comment in comments:
        if comment.line:
            by_line.setdefault(comment.line, []).append(comment)
    return tuple(
        Line(row, tuple(by_line.get(row.new.number, ())), row.new.number == asked) if row.new else Line(row)
        for row in rows
    )


def _newer(revision: Revision) -> Revision | None:
    later = Revision.objects.filter(
        article=revision.article_id, author=revision.author_id, created_at__gt=revision.created_at
    )
    if revision.author_id is None or revision.state == State.MERGED:
        return None
    return later.order_by("-created_at").first()


def _notices(revision: Revision, html: str, diff: Diff) -> Iterable[Notice]:
    """What deserves a second look, for reviewers alone."""
    if revision.author_id and not _is_known(revision):
        yield Notice("This is the first text of this member. Read it for what it wants, too.")
    links = outside_links(html, settings.SITE_URL)
    before = set()
    if revision.based_on:
        before = set(outside_links(rendering.render(revision.based_on.content).html, settings.SITE_URL))
    new = tuple(url for url in links if url not in before)
    if new:
        yield Notice("It leads to places outside the portal that it did not name before:", new)
    dead = Link.objects.filter(article=revision.article_id, is_dead=True, url__in=links[:500])
    if found := tuple(dead.values_list("url", flat=True)[:50]):
        yield Notice("These links did not answer when they were last tried:", found)
    if revision.significance == Revision.Significance.TYPO and diff.added + diff.removed > 2 * _TYPO_LINES:
        yield Notice(f"It is called a typo, and changes {max(diff.added, diff.removed)} lines.")
    if diff.left_out:
        yield Notice(
            f"{diff.left_out} further lines of the comparison are not shown. Read the text whole below."
        )


def _is_known(revision: Revision) -> bool:
    return Revision.objects.filter(
        author=revision.author_id, state__in=[State.APPROVED, State.MERGED]
    ).exists()
