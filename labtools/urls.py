"""Addresses under /lab/, one list per subject."""

from django.urls import path

from labtools import upload_views
from labtools.views import devices, images, npiv

app_name = "labtools"
image_urls = [
    path("images/", upload_views.image_list, name="image_list"),
    path("images/upload/", upload_views.upload_form, name="upload_form"),
    path("images/uploads/<uuid:upload_id>/delete/", upload_views.discard_upload, name="discard_upload"),
    path("images/<uuid:check_id>/", images.report, name="report"),
    path("images/<uuid:check_id>.json", images.report_json, name="report_json"),
    path("images/<uuid:check_id>/visibility/", images.report_visibility, name="report_visibility"),
    path("images/<uuid:check_id>/delete/", images.report_delete, name="report_delete"),
    path("images/samples/<slug:sample>/check/", images.check_sample, name="check_sample"),
]
npiv_urls = [
    path("npiv/", npiv.wizard, name="npiv"),
    path("npiv.json", npiv.wizard_json, name="npiv_json"),
    path("npiv.csv", npiv.ports_csv, name="npiv_csv"),
    path("npiv/paste/", npiv.paste, name="npiv_paste"),
    path("npiv/try/", npiv.try_it, name="npiv_try"),
    path("npiv/trials/<uuid:trial_id>/", npiv.trial, name="npiv_trial"),
    path("npiv/trials/<uuid:trial_id>.json", npiv.trial_json, name="npiv_trial_json"),
]
# A name may have any sign of a path: "SUNW,fdtwo".
device_urls = [
    path("devices/", devices.device_list, name="device_list"),
    path("devices.json", devices.device_list_json, name="device_list_json"),
    path("devices.csv", devices.device_list_csv, name="device_list_csv"),
    path("devices/<path:name>.json", devices.device_json, name="device_json"),
    path("devices/<path:name>.csv", devices.device_csv, name="device_csv"),
    path("devices/<path:name>/", devices.device, name="device"),
]
urlpatterns = [
    path("", images.index, name="index"),
    *image_urls,
    *npiv_urls,
    *device_urls,
]
