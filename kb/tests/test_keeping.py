"""Address, owner, review date, archive and deletion: by whoever may, once, and nothing is lost."""

import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from kb.models import RESERVED_SLUGS, Article, Draft, Revision, SlugRedirect
from kb.services import keeping
from kb.services.keeping import KeepingRefused
from kb.tests.factories import NOW, make_article, publish_text
from kb.tests.review_factories import make_own_article, make_reviewer, submit
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.search.models import SearchDocument
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def reviewer() -> User:
    return make_reviewer()


@pytest.fixture
def as_reviewer(reviewer: User) -> Client:
    client = Client()
    client.force_login(reviewer, backend="django.contrib.auth.backends.ModelBackend")
    return client


# ------------------------------------------------------------------------------------------- address


def test_old_addresses_lead_to_the_article_for_ever_on_each_of_its_pages(
    owner: User, as_owner: Client, as_stranger: Client
) -> None:
    article = make_article(slug="first", owner=owner)
    for slug in ("second", "third"):
        sent = as_owner.post(f"/kb/{article.slug}/settings/", {"what": "slug", "slug": slug})
        assert (sent.status_code, sent["Location"]) == (302, f"/kb/{slug}/settings/")
        article.refresh_from_db()
    for old in ("first", "second"):
        for page in ("/", ".md", "/history/", "/diff/?a=1&b=2", f"/history/{article.current_id}/"):
            answer = as_stranger.get(f"/kb/{old}{page}")
            assert (answer.status_code, answer["Location"]) == (301, f"/kb/third{page}")
    assert as_stranger.get("/kb/third/").status_code == 200
    assert SearchDocument.objects.get(source="article").url == "/kb/third/"


def test_article_can_have_an_earlier_address_again_without_a_loop(owner: User, as_stranger: Client) -> None:
    article = make_article(slug="first", owner=owner)
    for slug in ("second", "first", "first", "second", "first"):
        keeping.change_slug(article=article, slug=slug, actor=owner)
    assert as_stranger.get("/kb/first/").status_code == 200
    assert as_stranger.get("/kb/second/")["Location"] == "/kb/first/"
    assert list(SlugRedirect.objects.values_list("slug", flat=True)) == ["second"]


@pytest.mark.parametrize(
    "slug",
    ["taken", "former", "gone", "review", "unwatch", "Ab", "a_b", "-a", "a--b", "", "a" * 81, "a/b", "é"],
)
def test_addresses_of_others_and_of_pages_are_refused(owner: User, as_owner: Client, slug: str) -> None:
    make_article(slug="taken")
    keeping.change_slug(article=make_article(slug="former", owner=owner), slug="elsewhere", actor=owner)
    make_article(slug="gone", deleted_at=NOW)
    article = make_article(slug="mine", owner=owner)
    sent = as_owner.post("/kb/mine/settings/", {"what": "slug", "slug": slug})
    assert sent.status_code == 422
    with pytest.raises(KeepingRefused):
        keeping.change_slug(article=article, slug=slug, actor=owner)
    assert Article.objects.get(pk=article.pk).slug == "mine"


def test_every_fixed_page_of_the_room_is_a_reserved_slug() -> None:
    from kb.urls import urlpatterns

    first = {str(one.pattern).lstrip("^").split("/")[0].split(".")[0] for one in urlpatterns}
    assert {word for word in first if word and "<" not in word} <= RESERVED_SLUGS


def test_hidden_articles_old_address_tells_strangers_nothing(
    owner: User, as_stranger: Client, as_owner: Client
) -> None:
    article = make_article(None, slug="plan", owner=owner)
    keeping.change_slug(article=article, slug="secret-plan", actor=owner)
    assert as_stranger.get("/kb/plan/").status_code == 404
    assert as_owner.get("/kb/plan/").status_code == 301


# ----------------------------------------------------------------------------- who looks after it


def test_settings_are_for_owner_and_reviewers(
    owner: User, as_owner: Client, as_member: Client, as_stranger: Client, as_reviewer: Client
) -> None:
    article = make_own_article(owner, slug="mine")
    for path in ("/kb/mine/settings/", "/kb/mine/delete/"):
        codes = [c.get(path).status_code for c in (as_owner, as_reviewer, as_member, as_stranger)]
        assert codes == [200, 200, 404, 302]
    for client in (as_member, as_stranger):
        for what in ("slug", "owner", "reviewed", "archive", "unarchive"):
            assert client.post("/kb/mine/settings/", {"what": what, "slug": "x"}).status_code == 404
        assert client.post("/kb/mine/delete/").status_code == 404
    assert as_owner.post("/kb/mine/settings/", {"what": "nonsense"}).status_code == 404
    before = Article.objects.values("slug", "owner", "status", "reviewed_at", "deleted_at").get()
    assert before == {
        "slug": "mine",
        "owner": owner.pk,
        "status": "published",
        "reviewed_at": None,
        "deleted_at": None,
    }
    assert article.owner == owner


def test_members_cannot_act_past_the_pages(owner: User, member: User) -> None:
    article = make_article(owner=owner)
    with pytest.raises(PermissionDenied):
        keeping.change_slug(article=article, slug="x", actor=member)
    with pytest.raises(PermissionDenied):
        keeping.hand_over(article=article, to=member, actor=member, at=NOW)
    with pytest.raises(PermissionDenied):
        keeping.mark_reviewed(article=article, months=12, actor=member, on=NOW.date())
    with pytest.raises(PermissionDenied):
        keeping.archive_article(article=article, actor=member)
    with pytest.raises(PermissionDenied):
        keeping.delete_article(article=article, actor=member, at=NOW)


def test_article_is_handed_to_somebody_who_wrote_in_it_who_is_told(
    owner: User, member: User, as_owner: Client
) -> None:
    article = make_article(slug="mine", owner=owner, title="NPIV")
    publish_text(article, "by Ravi", author=member)
    stranger = make_user("other@example.org", display_name="Somebody Else")
    page = as_owner.get("/kb/mine/settings/").content.decode()
    assert "Ravi Member" in page
    assert "Somebody Else" not in page
    assert as_owner.post("/kb/mine/settings/", {"what": "owner", "owner": stranger.pk}).status_code == 422
    with pytest.raises(KeepingRefused):
        keeping.hand_over(article=article, to=stranger, actor=owner, at=NOW)
    sent = as_owner.post("/kb/mine/settings/", {"what": "owner", "owner": member.pk})
    assert sent["Location"] == "/kb/mine/"  # the settings are not theirs any more
    article.refresh_from_db()
    assert article.owner == member
    [mail] = OutboxMessage.objects.all()
    assert (mail.to_email, mail.subject) == (member.email, "Yours to keep true: NPIV")
    assert "/kb/mine/settings/" in mail.text_body


def test_review_date_is_today_and_some_months_on(owner: User, as_owner: Client) -> None:
    article = make_article(slug="mine", owner=owner)
    assert as_owner.post("/kb/mine/settings/", {"what": "reviewed", "months": "7"}).status_code == 422
    assert as_owner.post("/kb/mine/settings/", {"what": "reviewed", "months": "6"}).status_code == 302
    article.refresh_from_db()
    assert article.reviewed_at is not None
    assert article.review_due == keeping.months_later(article.reviewed_at, 6)
    with pytest.raises(KeepingRefused):
        keeping.mark_reviewed(article=article, months=7, actor=owner, on=NOW.date())


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [("2026-11-30", 3, "2027-02-28"), ("2026-12-31", 12, "2027-12-31"), ("2027-11-30", 3, "2028-02-29")],
)
def test_months_later_is_a_day_that_there_is(day: str, months: int, later: str) -> None:
    assert keeping.months_later(dt.date.fromisoformat(day), months) == dt.date.fromisoformat(later)


def test_archived_article_is_gone_for_readers_and_comes_back_as_it_was(
    owner: User, as_owner: Client, as_stranger: Client
) -> None:
    article = make_article(slug="mine", owner=owner)
    for _ in range(2):
        as_owner.post("/kb/mine/settings/", {"what": "archive"})
    assert as_stranger.get("/kb/mine/").status_code == 404
    assert not SearchDocument.objects.filter(source="article").exists()
    for _ in range(2):
        as_owner.post("/kb/mine/settings/", {"what": "unarchive"})
    assert as_stranger.get("/kb/mine/").status_code == 200
    assert SearchDocument.objects.filter(source="article").exists()
    draft = make_article(None, owner=owner)
    for act in (keeping.archive_article, keeping.unarchive_article):
        with pytest.raises(KeepingRefused):
            act(article=draft, actor=owner)
    assert Article.objects.get(pk=article.pk).status == "published"


# ------------------------------------------------------------------------------------------ deletion


def test_deleted_article_says_so_everywhere_at_once_and_comes_back(
    owner: User, as_owner: Client, as_stranger: Client, as_member: Client
) -> None:
    article = make_own_article(owner, slug="mine", title="NPIV")
    keeping.change_slug(article=article, slug="newer", actor=owner)
    assert as_owner.get("/kb/newer/delete/").status_code == 200
    assert as_owner.post("/kb/newer/delete/")["Location"] == "/kb/deleted/"
    for path in ("/kb/newer/", "/kb/mine/", "/kb/newer.md", "/kb/newer/history/"):
        gone = as_stranger.get(path)
        assert gone.status_code == 410, path
        assert "This article was deleted" in gone.content.decode()
    assert not SearchDocument.objects.filter(source="article").exists()
    assert "NPIV" not in as_stranger.get("/kb/").content.decode()
    assert "NPIV" in as_owner.get("/kb/deleted/").content.decode()
    assert "NPIV" not in as_member.get("/kb/deleted/").content.decode()
    assert as_member.post(f"/kb/deleted/{article.pk}/restore/").status_code == 404
    assert as_owner.post(f"/kb/deleted/{article.pk}/restore/")["Location"] == "/kb/newer/"
    assert as_stranger.get("/kb/newer/").status_code == 200
    assert as_stranger.get("/kb/mine/").status_code == 301
    assert SearchDocument.objects.filter(source="article").exists()


def test_what_readers_never_saw_leaves_no_word_behind(owner: User, as_stranger: Client) -> None:
    article = make_article(None, slug="plan", owner=owner)
    keeping.delete_article(article=article, actor=owner, at=NOW)
    assert as_stranger.get("/kb/plan/").status_code == 404


def test_owner_cannot_delete_what_others_wrote_in_but_reviewers_can(
    owner: User, member: User, reviewer: User, as_owner: Client, as_reviewer: Client
) -> None:
    article = make_article(None, slug="mine", owner=owner)
    publish_text(article, "by Asha", author=owner)
    publish_text(article, "by Ravi", author=member)
    assert as_owner.get("/kb/mine/delete/").status_code == 404
    assert "Delete this" not in as_owner.get("/kb/mine/settings/").content.decode()
    with pytest.raises(PermissionDenied):
        keeping.delete_article(article=article, actor=owner, at=NOW)
    keeping.delete_article(article=article, actor=reviewer, at=NOW)
    keeping.delete_article(article=article, actor=reviewer, at=NOW + DAY)  # the first time counts
    assert Article.objects.get().deleted_at == NOW
    assert "by Ravi" not in as_reviewer.get("/kb/review/").content.decode()


def test_after_a_month_it_is_gone_for_good_but_nobodys_draft_is(
    owner: User, member: User, as_stranger: Client
) -> None:
    kept, gone = make_article(slug="kept", owner=owner), make_article(slug="gone", owner=owner)
    publish_text(gone, "more", author=None)
    submit(member, "waiting", gone)
    draft = Draft.objects.create(
        author=member, article=gone, based_on=gone.current, content="mine", title="T"
    )
    for article, at in ((kept, NOW + DAY), (gone, NOW)):
        keeping.delete_article(article=article, actor=make_reviewer(f"r{article.pk}@example.org"), at=at)
    assert keeping.purge_deleted(at=NOW + keeping.KEPT) == 0
    assert keeping.purge_deleted(at=NOW + keeping.KEPT + DAY / 2) == 1
    assert keeping.purge_deleted(at=NOW + keeping.KEPT + DAY / 2) == 0
    assert list(Article.objects.values_list("slug", flat=True)) == ["kept"]
    assert not Revision.objects.filter(article=gone.pk).exists()
    draft.refresh_from_db()
    assert (draft.article, draft.based_on, draft.content) == (None, None, "mine")
    assert as_stranger.get("/kb/gone/").status_code == 404
    assert as_stranger.get("/kb/kept/").status_code == 410
