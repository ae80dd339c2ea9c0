"""Reviewers, authors and askers who act on one article at the same moment; prints what each round left.

Run as a program against a database of its own: threads of a test process share one connection on SQLite.
"""

import hashlib
import json
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import django

django.setup()

from allauth.account.models import EmailAddress  # noqa: E402  (settings come first)
from django.db import connection  # noqa: E402

from kb.models import Article, Attachment, Draft, Question, Revision  # noqa: E402
from kb.services import own_posts, pictures, publishing, questions, review, writing  # noqa: E402
from kb.services.review import ReviewRefused  # noqa: E402
from kb.services.writing import TextMovedOn, WritingRefused  # noqa: E402
from kb.tests.factories import make_article  # noqa: E402
from kb.tests.review_factories import BASE, LATER, submit  # noqa: E402
from portal.accounts.models import User  # noqa: E402
from portal.mail import services as mail  # noqa: E402
from portal.mail.models import OutboxMessage  # noqa: E402


def at_once(*acts: Callable[[], object]) -> list[str]:
    """Each act in a thread, all let go together; "done", "refused", or the error's name, of each."""
    gate = threading.Barrier(len(acts))
    ended = [""] * len(acts)

    def run(number: int, act: Callable[[], object]) -> None:
        gate.wait(30)
        try:
            act()
            ended[number] = "done"
        except (ReviewRefused, WritingRefused, TextMovedOn, own_posts.StalePost):
            ended[number] = "refused"
        except Exception as error:
            ended[number] = repr(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ended


def make_person(email: str, **fields: Any) -> User:
    """A member with a verified address; the password, which takes long to hash, is nothing here."""
    user = User.objects.create(email=email, **fields)
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    return user


class World:
    """An article with an author and two reviewers."""

    def __init__(self, name: str) -> None:
        self.author = make_person(f"author-{name}@example.org")
        self.reviewers = [make_person(f"{side}-{name}@example.org", is_staff=True) for side in "ab"]
        self.article = make_article(BASE, slug=name)
        self.seen = self.article.current_id

    def approval(self, revision: Revision, reviewer: User) -> Callable[[], object]:
        return lambda: review.approve_revision(revision=revision, reviewer=reviewer, at=LATER, seen=self.seen)

    def shown(self) -> str:
        current = Article.objects.get(pk=self.article.pk).current
        return current.content if current else ""


def approved_twice(name: str) -> dict[str, Any]:
    """Two reviewers approve the same text: once, with one mail."""
    world = World(name)
    mine = submit(world.author, BASE + "more\n", world.article)
    ended = at_once(*(world.approval(mine, who) for who in world.reviewers))
    mails = OutboxMessage.objects.filter(dedupe_key__startswith=f"kb:approved:{mine.pk}:").count()
    return {"ended": sorted(ended), "fits": world.shown() == BASE + "more\n" and mails == 1}


def judged_both_ways(name: str) -> dict[str, Any]:
    """One approves, one sends back: one of the two, and nothing of the other."""
    world = World(name)
    mine = submit(world.author, BASE + "more\n", world.article)
    ended = at_once(
        world.approval(mine, world.reviewers[0]),
        lambda: review.reject_revision(revision=mine, reviewer=world.reviewers[1], words="No.", at=LATER),
    )
    state = Revision.objects.get(pk=mine.pk).state
    is_shown = world.shown() == BASE + "more\n"
    has_draft = Draft.objects.filter(article=world.article).exists()
    return {
        "ended": sorted(ended),
        "fits": (state, is_shown, has_draft) in (("approved", True, False), ("rejected", False, True)),
    }


def two_texts(name: str) -> dict[str, Any]:
    """Two texts of one article are approved: the second reviewer has to look again, and no text is lost."""
    world = World(name)
    first = submit(world.author, BASE.replace("first", "1st"), world.article)
    second = submit(make_person(f"other-{name}@example.org"), BASE.replace("second", "2nd"), world.article)
    ended = at_once(world.approval(first, world.reviewers[0]), world.approval(second, world.reviewers[1]))
    return {"ended": sorted(ended), "fits": ("1st" in world.shown()) != ("2nd" in world.shown())}


def sent_while_approved(name: str) -> dict[str, Any]:
    """A draft is sent while another text is approved: what rests on readers' new text has that text in it."""
    world = World(name)
    other = submit(make_person(f"other-{name}@example.org"), BASE.replace("second", "2nd"), world.article)
    draft = writing.start_draft(author=world.author, article=world.article, at=LATER)
    draft.content = BASE.replace("first", "1st")
    draft.save()
    ended = at_once(
        world.approval(other, world.reviewers[0]), lambda: writing.submit_draft(draft=draft, at=LATER)
    )
    sent = Revision.objects.get(author=world.author)
    rests_on_new = sent.based_on_id == Article.objects.get(pk=world.article.pk).current_id
    return {"ended": sorted(ended), "fits": ("2nd" in sent.content) == rests_on_new and "1st" in sent.content}


def changed_in_two_tabs(name: str) -> dict[str, Any]:
    """A question is changed in two tabs that began with the same words: one tab is told, and nothing is lost."""
    world = World(name)
    asked = questions.ask(article=world.article, user=world.reviewers[0], section="", text="?", at=LATER)

    def tab(text: str) -> Callable[[], object]:
        return lambda: own_posts.edit_post(
            post=asked, user=world.reviewers[0], version=0, text=text, at=LATER
        )

    ended = at_once(tab("a"), tab("b"))
    asked.refresh_from_db()
    return {"ended": sorted(ended), "fits": asked.text in ("a", "b") and asked.version == 1}


def changed_while_let_in(name: str) -> dict[str, Any]:
    """A reviewer lets a question in while it is changed: what everybody sees is what was on the reviewer's screen."""
    world = World(name)
    asked = questions.ask(article=world.article, user=world.author, section="", text="seen", at=LATER)

    def change() -> None:
        own_posts.edit_post(post=asked, user=world.author, version=0, text="unseen", at=LATER)

    ended = at_once(change, lambda: questions.let_be_seen(post=asked, is_fine=True, at=LATER))
    now = Question.objects.get(pk=asked.pk)
    return {"ended": sorted(ended), "fits": (now.text, now.state) == ("unseen", "held")}


def picture_named_while_removed(name: str) -> dict[str, Any]:
    """A draft takes in a picture that is removed as unused: one that the draft still found stays."""
    world = World(name)
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    Attachment.objects.create(
        sha256=sha256,
        name="a.png",
        alt="A",
        media_type="image/png",
        width=1,
        height=1,
        size=1,
        file=f"kb/pictures/{sha256}.png",
        sent_at=LATER - pictures.UNUSED_KEPT * 2,
    )
    draft = writing.start_draft(author=world.author, article=world.article, at=LATER)
    document = replace(draft.document, content=f"![A](/kb/pictures/{sha256})")
    found: set[str] = set()

    def hold(content: str) -> set[str]:
        found.update(pictures.hold_pictures(content))
        return found

    def save() -> None:
        time.sleep(0.1)  # the picture was found unused by now
        vars(writing)["hold_pictures"] = hold
        writing.save_draft(draft=draft, version=0, document=document, at=LATER)

    ended = at_once(lambda: pictures.remove_unused(at=LATER), save)
    is_there = Attachment.objects.filter(sha256=sha256).exists()
    return {"ended": sorted(ended), "fits": is_there == bool(found)}


def main() -> None:
    """Three rounds of each."""
    make_current = publishing.make_current

    def slowly(**more: Any) -> None:
        """Long enough for the other to come between."""
        time.sleep(0.2)
        make_current(**more)

    has_to_wait = questions.has_to_wait

    def wait_slowly(user: User) -> bool:
        time.sleep(0.2)
        return has_to_wait(user)

    is_named = vars(pictures)["_is_named"]

    def look_slowly(sha256: str) -> bool:
        found: bool = is_named(sha256)
        time.sleep(0.3)
        return found

    vars(pictures)["_is_named"] = look_slowly
    vars(review)["make_current"] = slowly
    vars(own_posts)["has_to_wait"] = wait_slowly
    vars(mail)["send_on_commit"] = lambda *what: None  # there is no broker
    if "--without-lock" in sys.argv:
        for module in (review, writing):
            vars(module)["lock_article"] = lambda article: Article.objects.get(pk=article.pk)
        vars(pictures)["hold_pictures"] = lambda content: set(
            Attachment.objects.filter(sha256__in=re.findall("[0-9a-f]{64}", content)).values_list(
                "sha256", flat=True
            )
        )
        for asking in (questions, own_posts):
            vars(asking)["lock_question"] = lambda question: Question.objects.get(pk=question.pk)
    rounds = (
        approved_twice,
        judged_both_ways,
        two_texts,
        sent_while_approved,
        changed_in_two_tabs,
        changed_while_let_in,
        picture_named_while_removed,
    )
    left = {one.__name__: [one(f"{one.__name__.replace('_', '-')}-{n}") for n in range(3)] for one in rounds}
    print(json.dumps(left))


if __name__ == "__main__":
    main()
