"""Addresses under /lab/."""

from django.urls import path

from labtools import upload_views, views

app_name = "labtools"
urlpatterns = [
    path("", views.index, name="index"),
    path("images/", upload_views.image_list, name="image_list"),
    path("images/upload/", upload_views.upload_form, name="upload_form"),
    path("images/uploads/<uuid:upload_id>/delete/", upload_views.discard_upload, name="discard_upload"),
    path("images/<uuid:check_id>/", views.report, name="report"),
    path("images/<uuid:check_id>.json", views.report_json, name="report_json"),
    path("images/<uuid:check_id>/visibility/", views.report_visibility, name="report_visibility"),
    path("images/<uuid:check_id>/delete/", views.report_delete, name="report_delete"),
    path("images/samples/<slug:sample>/check/", views.check_sample, name="check_sample"),
]
