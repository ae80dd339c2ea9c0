"""Addresses under /kb/. An article's slug is never one of ``kb.models.RESERVED_SLUGS``, so that none hides a page."""

from django.urls import path

from kb.views import feeds, reading

app_name = "kb"

_FEEDS = [
    path("feed.atom", feeds.feed, name="feed"),
    path("tags/<slug:slug>/feed.atom", feeds.tag_feed, name="tag_feed"),
]

_READING = [
    path("", reading.article_list, name="article_list"),
    path("series/<slug:slug>/", reading.series, name="series"),
    path("<slug:slug>/", reading.article_detail, name="article"),
    path("<slug:slug>.md", reading.article_markdown, name="article_markdown"),
]

# Reading is last: its addresses begin with any slug.
urlpatterns = [*_FEEDS, *_READING]
