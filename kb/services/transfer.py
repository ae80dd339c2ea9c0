"""Articles out of the portal and back into it, as files. What was exported, imported and exported again is the same."""

import datetime as dt
import io
import re
from dataclasses import dataclass, replace
from enum import StrEnum

from django.db import transaction

from kb.bundles import Bundle, from_relative, pictures_in, to_relative
from kb.checking import too_much
from kb.documents import Document
from kb.front_matter import ArticleFile, NotAnArticleError, from_text, to_text
from kb.merging import merge_documents
from kb.models import AppliesTo, Article, ArticleQuerySet, Attachment, Revision
from kb.services.pictures import keep_picture
from kb.services.publishing import lock_article, publish_document
from kb.services.review_news import tell_imported
from kb.services.slugs import is_free_slug
from kb.services.writing import hand_in
from portal.accounts.models import User
from portal.pictures_sent import PictureRefused

_LEFT_OUT = "It is left out: only articles/….md and pictures/….png or .jpg are read."


class Outcome(StrEnum):
    """What became of one file, or would."""

    NEW = "new"
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    MERGED = "merged"
    CONFLICT = "conflict"
    REFUSED = "refused"

    @property
    def is_taken(self) -> bool:
        """Whether what the file says is published, or waits for review."""
        return self in (Outcome.NEW, Outcome.CHANGED, Outcome.MERGED)


@dataclass(frozen=True)
class Result:
    """One file: its name, what became of it, and why, in words; ``revision`` is what waits for review now."""

    name: str
    outcome: Outcome
    sentence: str = ""
    revision: Revision | None = None


@dataclass(frozen=True)
class _Way:
    """How texts come in: of whom (None: of the portal itself, and published), when, and whose pictures they are."""

    author: User | None
    at: dt.datetime
    is_own: bool = False


def export_bundle(articles: ArticleQuerySet) -> Bundle:
    """``articles`` as files, each with the revision that it was made from, and their pictures."""
    bundle = Bundle()
    for article in articles.filter(current__isnull=False).select_related("current").order_by("slug"):
        assert article.current is not None
        named = pictures_in(article.current.content)
        pictures = {one.sha256: one for one in Attachment.objects.filter(sha256__in=named)} if named else {}
        document = article.current.document
        content = to_relative(document.content, {sha: ending_of(one) for sha, one in pictures.items()})
        file = ArticleFile(
            slug=article.slug,
            document=replace(document, content=content),
            reviewed=article.reviewed_at,
            review_due=article.review_due,
            base=article.current.sha,
        )
        bundle.articles[article.slug] = to_text(file)
        for sha, picture in pictures.items():
            with picture.file.open("rb") as opened:
                bundle.pictures[f"{sha}.{ending_of(picture)}"] = opened.read()
    return bundle


def ending_of(picture: Attachment) -> str:
    """How a picture's file is called at its end."""
    return "jpg" if picture.media_type == "image/jpeg" else "png"


def import_bundle(
    *, bundle: Bundle, author: User | None, at: dt.datetime, is_trial: bool = False, is_own: bool = False
) -> list[Result]:
    """Take in every file whose base revision fits; each for itself, so that one conflict holds back no other.

    A file says from which revision it was made (``base``). If readers see that one still, it is taken; if the text
    moved on, the two changes are merged; where both changed the same lines, or the base is not known, nothing is
    changed and the result says so. What a member brings (``author``) waits for another's review like anything else
    that they write; None is whoever runs the portal, and publishes. ``is_trial`` tells what would become of each, and
    changes nothing. ``is_own``: pictures are the portal's own and stay as they are; those of anybody else are
    written anew.
    """
    way = _Way(author, at, is_own)
    results = [Result(name, Outcome.REFUSED, _LEFT_OUT) for name in bundle.left[:100]]
    for slug, text in sorted(bundle.articles.items()):
        name = f"articles/{slug}.md"
        try:
            file = from_text(text)
        except NotAnArticleError as error:
            results.append(Result(name, Outcome.REFUSED, str(error)))
            continue
        if file.slug != slug:
            results.append(Result(name, Outcome.REFUSED, f"The head says the slug {file.slug}."))
            continue
        try:
            with transaction.atomic():
                results.append(_import(name, file, bundle, way))
                if is_trial:
                    transaction.set_rollback(True)
        except PictureRefused as error:
            results.append(Result(name, Outcome.REFUSED, f"A picture of it: {error}"))
    waiting = [result.revision for result in results if result.revision]
    if waiting and not is_trial:
        tell_imported(waiting)
    return results


def _import(name: str, file: ArticleFile, bundle: Bundle, way: _Way) -> Result:
    problem = _problem(file)
    if problem:
        return Result(name, Outcome.REFUSED, problem)
    document = replace(file.document, content=from_relative(file.document.content)).normalised()
    article = Article.objects.filter(slug=file.slug).first()
    if article is None:
        if not is_free_slug(file.slug):
            return Result(name, Outcome.REFUSED, "The address belongs to another page, or did before.")
        document = _with_pictures(document, bundle, way)
        article = Article.objects.create(slug=file.slug, title=document.title, owner=way.author)
        return _take(Result(name, Outcome.NEW), file, article, document, way)
    article = lock_article(article)
    if refusal := _closed(article, way):
        return Result(name, Outcome.REFUSED, refusal)
    current = article.current
    if current is not None and current.sha == document.sha:
        if _dates(file, article) == (article.reviewed_at, article.review_due):
            return Result(name, Outcome.UNCHANGED)
        _set_dates(file, article)
        return Result(name, Outcome.CHANGED, "Dates only.")
    outcome = Outcome.CHANGED
    if current is not None and current.sha != file.base:
        base = (
            Revision.objects.filter(article=article, sha=file.base).order_by("-pk").first()
            if file.base
            else None
        )
        if base is None:
            words = (
                "was not made from a revision that this portal knows"
                if file.base
                else "names no base revision"
            )
            return Result(name, Outcome.CONFLICT, f"The article is here already, and the file {words}.")
        merge = merge_documents(base.document, document, current.document)
        if merge.conflicts:
            places = ", ".join(dict.fromkeys(one.field for one in merge.conflicts))
            return Result(name, Outcome.CONFLICT, f"Changed here and in the file since then: {places}.")
        document, outcome = merge.document.normalised(), Outcome.MERGED
        if document.sha == current.sha:
            return Result(name, Outcome.UNCHANGED, "What the file changed is here already.")
    document = _with_pictures(document, bundle, way)
    return _take(Result(name, outcome), file, article, document, way)


def _closed(article: Article, way: _Way) -> str:
    """Why no text comes to an article that is here already; empty where one may."""
    if article.deleted_at is not None:
        return "The article was deleted here. Restore it first."
    if article.status == Article.Status.ARCHIVED:
        return "The article is archived here. Bring it back first."
    if way.author is not None and article.current_id is None and article.owner_id != way.author.pk:
        return "Somebody else's article of this address waits for its first review."
    return ""


def _take(result: Result, file: ArticleFile, article: Article, document: Document, way: _Way) -> Result:
    summary = "Imported from a file."
    if way.author is None:
        origin = Revision.Origin.FILE
        publish_document(
            article=article, document=document, author=None, at=way.at, summary=summary, origin=origin
        )
        _set_dates(file, article)
        return result
    waiting = Revision.objects.filter(article=article, author=way.author, state=Revision.State.SUBMITTED)
    if waiting.filter(sha=document.sha).exists():
        return Result(result.name, Outcome.UNCHANGED, "It waits for review already.")
    revision = hand_in(
        article=article, document=document.normalised(), author=way.author, at=way.at, summary=summary
    )
    return replace(result, sentence="Waits for review.", revision=revision)


def _set_dates(file: ArticleFile, article: Article) -> None:
    reviewed, due = _dates(file, article)
    Article.objects.filter(pk=article.pk).update(reviewed_at=reviewed, review_due=due)


def _dates(file: ArticleFile, article: Article) -> tuple[dt.date | None, dt.date | None]:
    """Those of the file; what it does not say stays."""
    return file.reviewed or article.reviewed_at, file.review_due or article.review_due


def _problem(file: ArticleFile) -> str:
    """What the form of a file allows and an article does not; empty where all is well."""
    document = file.document
    limits = (
        ("title", document.title, 120),
        ("summary", document.abstract, 250),
        ("series", document.series, 120),
    )
    for name, value, most in limits:
        if len(value) > most:
            return f"{name}: {most} characters at most, these are {len(value)}."
    if document.kind not in Article.Kind.values:
        return f"kind: one of {', '.join(Article.Kind.values)}."
    known = set(AppliesTo.Component.values)
    for one in document.applies_to:
        if one.component not in known or max(len(one.minimum), len(one.maximum)) > 20:
            return f"applies_to: a component such as qemu, then versions such as 5.2-10.0; not {one.component[:40]}."
    if any(len(tag) > 50 for tag in document.tags) or len(document.tags) > 20:
        return "tags: 20 at most, of 50 characters at most."
    if not document.content:
        return "The article has no text."
    return too_much(document.content)


def _with_pictures(document: Document, bundle: Bundle, way: _Way) -> Document:
    """Keep the pictures that the text names and that came with it; one that is written anew gets another address.

    Raises :class:`~portal.pictures_sent.PictureRefused`.
    """
    content = document.content
    named = pictures_in(content)
    here = set(Attachment.objects.filter(sha256__in=named).values_list("sha256", flat=True))
    came = {name.partition(".")[0]: data for name, data in bundle.pictures.items()}
    for sha in named:
        if sha in came and sha not in here:
            words = re.search(rf"!\[([^\]\n]{{1,300}})\]\(/kb/pictures/{sha}", content)
            alt = words[1] if words else document.title
            kept = keep_picture(
                file=io.BytesIO(came[sha]),
                name=sha[:12],
                alt=alt,
                author=way.author,
                at=way.at,
                is_own=way.is_own,
            )
            content = content.replace(f"/kb/pictures/{sha}", kept.get_absolute_url())
    return replace(document, content=content)
