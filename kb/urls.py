"""Addresses under /kb/."""

from django.urls import path

from kb import views

app_name = "kb"
urlpatterns = [path("", views.article_list, name="article_list")]
