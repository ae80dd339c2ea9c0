"""Addresses under /kb/."""

from django.urls import path

from kb import views

app_name = "kb"
urlpatterns = [
    path("", views.article_list, name="article_list"),
    path("<slug:slug>/", views.article_detail, name="article"),
    path("<slug:slug>.md", views.article_markdown, name="article_markdown"),
]
