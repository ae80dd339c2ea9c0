"""Addresses under /lab/."""

from django.urls import path

from labtools import views

app_name = "labtools"
urlpatterns = [
    path("", views.index, name="index"),
    path("images/", views.image_list, name="image_list"),
    path("images/<uuid:check_id>/", views.report, name="report"),
]
