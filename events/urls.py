"""Addresses under /meetups/ and /chapters/ (mounted at the root)."""

from django.urls import path

from events import views

app_name = "events"
urlpatterns = [
    path("meetups/", views.meetup_list, name="meetup_list"),
    path("meetups/<slug:slug>/", views.meetup_detail, name="meetup"),
    path("chapters/", views.chapter_list, name="chapter_list"),
    path("chapters/<slug:slug>/", views.chapter_detail, name="chapter"),
]
