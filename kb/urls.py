"""Addresses under /kb/. An article's slug is never one of ``kb.models.RESERVED_SLUGS``, so that none hides a page."""

from django.urls import path, re_path

from kb.models import Answer, Question
from kb.views import (
    checks,
    conflicts,
    dashboards,
    diagrams,
    errors,
    feedback,
    feeds,
    flags,
    history,
    keeping,
    offline,
    own_posts,
    pictures,
    questions,
    reading,
    review,
    transfer,
    watching,
    writing,
)

app_name = "kb"

_FEEDS = [
    path("feed.atom", feeds.feed, name="feed"),
    path("tags/<slug:slug>/feed.atom", feeds.tag_feed, name="tag_feed"),
]

_REVIEW = [
    path("review/", review.queue, name="review_queue"),
    path("review/<int:pk>/", review.review, name="review"),
    path("review/<int:pk>/comment/", review.comment, name="review_comment"),
    path("review/<int:pk>/approve/", review.approve, name="review_approve"),
    path("review/<int:pk>/send-back/", review.send_back, name="review_send_back"),
    path("review/<int:pk>/withdraw/", review.withdraw, name="review_withdraw"),
]

_KEEPING = [
    path("dashboards/", dashboards.boards, name="dashboards"),
    path("deleted/", keeping.deleted, name="deleted"),
    path("deleted/<int:pk>/restore/", keeping.restore, name="restore"),
    path("<slug:slug>/settings/", keeping.settings, name="settings"),
    path("<slug:slug>/delete/", keeping.delete, name="delete"),
]

_HISTORY = [
    path("unwatch/<str:token>/", watching.unwatch, name="unwatch"),
    path("<slug:slug>/watch/", watching.watch, name="watch"),
    path("<slug:slug>/history/", history.history, name="history"),
    path("<slug:slug>/history/<int:pk>/", history.revision, name="revision"),
    path("<slug:slug>/history/<int:pk>/revert/", history.revert, name="revert"),
    path("<slug:slug>/diff/", history.diff, name="diff"),
]

_FEEDBACK = [
    path("questions/held/", questions.held, name="questions_held"),
    path("questions/<int:pk>/answer/", questions.answer, name="question_answer"),
    path("questions/<int:pk>/close/", questions.close, name="question_close"),
    path("questions/<int:pk>/promote/", questions.promote, name="question_promote"),
    path("questions/<int:pk>/edit/", own_posts.edit, {"model": Question}, name="question_edit"),
    path("questions/<int:pk>/withdraw/", own_posts.withdraw, {"model": Question}, name="question_withdraw"),
    path(
        "questions/<int:pk>/bring-back/",
        own_posts.bring_back,
        {"model": Question},
        name="question_bring_back",
    ),
    path("questions/answers/<int:pk>/edit/", own_posts.edit, {"model": Answer}, name="answer_edit"),
    path(
        "questions/answers/<int:pk>/withdraw/", own_posts.withdraw, {"model": Answer}, name="answer_withdraw"
    ),
    path(
        "questions/answers/<int:pk>/bring-back/",
        own_posts.bring_back,
        {"model": Answer},
        name="answer_bring_back",
    ),
    path("<slug:slug>/questions/", questions.questions, name="questions"),
    path("<slug:slug>/did-it-work/", feedback.did_it_work, name="did_it_work"),
]

_TRANSFER = [
    path("export.zip", transfer.export, name="export"),
    path("import/", transfer.import_articles, name="import"),
    path("<slug:slug>.zip", transfer.export_article, name="article_zip"),
]

_LIVING = [
    path("errors/", errors.errors, name="errors"),
    path("<slug:slug>/flags/<int:pk>/settle/", flags.settle, name="flag_settle"),
]

_CHECKS = [
    path("checks/", checks.queue, name="check_queue"),
    path("checks/run/", checks.let_run, name="checks_let_run"),
    path("checks/<int:pk>/decide/", checks.decide, name="check_decide"),
    path("<slug:slug>/checks/", checks.article_checks, name="article_checks"),
]

_READING = [
    path("", reading.article_list, name="article_list"),
    path("offline/", offline.offline, name="offline"),
    path("worker.js", offline.worker, name="worker"),
    path("diagram.html", diagrams.diagram, name="diagram"),
    path("series/<slug:slug>/", reading.series, name="series"),
    path("<slug:slug>/", reading.article_detail, name="article"),
    path("<slug:slug>.md", reading.article_markdown, name="article_markdown"),
]

_WRITING = [
    path("new/", writing.new, name="article_new"),
    path("drafts/", writing.draft_list, name="draft_list"),
    path("drafts/<uuid:key>/", writing.editor, name="draft"),
    path("drafts/<uuid:key>/save/", writing.save, name="draft_save"),
    path("drafts/<uuid:key>/preview/", writing.preview, name="draft_preview"),
    path("drafts/<uuid:key>/submit/", writing.submit, name="draft_submit"),
    path("drafts/<uuid:key>/merge/", conflicts.merge, name="draft_merge"),
    path("drafts/<uuid:key>/discard/", writing.discard, name="draft_discard"),
    path("pictures/", pictures.add, name="picture_add"),
    re_path("^pictures/(?P<sha256>[0-9a-f]{64})$", pictures.picture, name="picture"),
    path("<slug:slug>/edit/", writing.edit, name="article_edit"),
]

# Reading is last: its addresses begin with any slug.
urlpatterns = [
    *_TRANSFER,
    *_FEEDS,
    *_WRITING,
    *_REVIEW,
    *_KEEPING,
    *_HISTORY,
    *_FEEDBACK,
    *_LIVING,
    *_CHECKS,
    *_READING,
]
