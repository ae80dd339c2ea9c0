"""Addresses under /kb/. An article's slug is never one of ``kb.models.RESERVED_SLUGS``, so that none hides a page."""

from django.urls import path

from kb.views import reading

app_name = "kb"

_READING = [
    path("", reading.article_list, name="article_list"),
    path("<slug:slug>/", reading.article_detail, name="article"),
    path("<slug:slug>.md", reading.article_markdown, name="article_markdown"),
]

# Reading is last: its addresses begin with any slug.
urlpatterns = [*_READING]
