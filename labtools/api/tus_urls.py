"""Addresses under /api/v1/uploads/."""

from django.urls import path

from labtools.api import tus

app_name = "tus"
urlpatterns = [
    path("", tus.uploads, name="uploads"),
    path("<uuid:upload_id>", tus.upload, name="upload"),
]
