"""Addresses under /lab/, one list per subject."""

from django.urls import path

from labtools import upload_views
from labtools.views import (
    bring,
    building,
    cards,
    comparison,
    cpus,
    devices,
    fleet,
    host_staff,
    hosts,
    image_format,
    images,
    iso,
    linting,
    machines,
    maps,
    matrix,
    modules,
    npiv,
    search,
    snapshots,
)

app_name = "labtools"
image_urls = [
    path("images/", upload_views.image_list, name="image_list"),
    path("images/upload/", upload_views.upload_form, name="upload_form"),
    path("images/uploads/<uuid:upload_id>/delete/", upload_views.discard_upload, name="discard_upload"),
    path("images/<uuid:check_id>/", images.report, name="report"),
    path("images/<uuid:check_id>.json", images.report_json, name="report_json"),
    path("images/<uuid:check_id>/map/", maps.file_map, name="report_map"),
    path("images/<uuid:check_id>/map.json", maps.file_map_json, name="report_map_json"),
    path("images/<uuid:check_id>/disk.json", maps.disk_map_json, name="report_disk_json"),
    path("images/<uuid:check_id>/disk/", maps.disk_map, name="report_disk"),
    path("images/<uuid:check_id>/repair.patch", images.report_patch, name="report_patch"),
    path("images/<uuid:check_id>/compare/", images.report_compare, name="report_compare"),
    path("images/<uuid:check_id>/visibility/", images.report_visibility, name="report_visibility"),
    path("images/<uuid:check_id>/delete/", images.report_delete, name="report_delete"),
    path("qcow2/", image_format.image_format, name="qcow2_format"),
    path("images/samples/<slug:sample>/check/", images.check_sample, name="check_sample"),
]
lint_urls = [
    path("lint/", linting.lint, name="lint"),
    path("lint.json", linting.lint_json, name="lint_json"),
    path("lint.csv", linting.lint_csv, name="lint_csv"),
    path("build/", building.build, name="build"),
    path("build.json", building.build_json, name="build_json"),
    path("build.csv", building.build_csv, name="build_csv"),
]
iso_urls = [
    path("iso/", iso.doctor, name="iso"),
    path("iso.json", iso.doctor_json, name="iso_json"),
    path("iso.csv", iso.doctor_csv, name="iso_csv"),
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
    path("cards/<slug:kind>/<path:name>/", cards.card, name="card"),
]
host_urls = [
    path("hosts/", hosts.host_list, name="host_list"),
    path("hosts.json", hosts.host_list_json, name="host_list_json"),
    path("hosts.csv", hosts.host_list_csv, name="host_list_csv"),
    path("hosts/add/", host_staff.host_add, name="host_add"),
    path("hosts/bring/", bring.host_bring, name="host_bring"),
    path("labprobe.py", bring.program, name="labprobe"),
    path("hosts/<slug:slug>/", hosts.host, name="host"),
    path("hosts/<slug:slug>.json", hosts.host_json, name="host_json"),
    path("hosts/<slug:slug>.csv", hosts.host_csv, name="host_csv"),
    path("hosts/<slug:slug>/edit/", host_staff.host_edit, name="host_edit"),
    path("hosts/<slug:slug>/ask/", host_staff.host_ask, name="host_ask"),
    path("hosts/<slug:slug>/enabled/", host_staff.host_enabled, name="host_enabled"),
    path("hosts/<slug:slug>/delete/", host_staff.host_delete, name="host_delete"),
    path("snapshots/<slug:digest>/", snapshots.snapshot, name="snapshot"),
    path("snapshots/<slug:digest>.json", snapshots.snapshot_json, name="snapshot_json"),
    path("snapshots/<slug:digest>.csv", snapshots.snapshot_csv, name="snapshot_csv"),
    path("changes/", snapshots.change_list, name="change_list"),
    path("changes.json", snapshots.change_list_json, name="change_list_json"),
    path("changes.csv", snapshots.change_list_csv, name="change_list_csv"),
    path("changes.atom", snapshots.change_feed, name="change_feed"),
]
search_urls = [
    path("search/", search.lab_search, name="search"),
    path("search.json", search.lab_search_json, name="search_json"),
    path("search.csv", search.lab_search_csv, name="search_csv"),
]
# Names are a host's: they may have any sign of a path.
comparison_urls = [
    path("cpus/", cpus.cpu_list, name="cpu_list"),
    path("cpus.json", cpus.cpu_list_json, name="cpu_list_json"),
    path("cpus.csv", cpus.cpu_list_csv, name="cpu_list_csv"),
    path("cpus/<path:name>.json", cpus.cpu_json, name="cpu_json"),
    path("cpus/<path:name>.csv", cpus.cpu_csv, name="cpu_csv"),
    path("cpus/<path:name>/", cpus.cpu, name="cpu"),
    path("machines/", machines.machine_list, name="machine_list"),
    path("machines.json", machines.machine_list_json, name="machine_list_json"),
    path("machines.csv", machines.machine_list_csv, name="machine_list_csv"),
    path("machines/<path:name>.json", machines.machine_json, name="machine_json"),
    path("machines/<path:name>.csv", machines.machine_csv, name="machine_csv"),
    path("machines/<path:name>/", machines.machine, name="machine"),
    path("matrix/", matrix.matrix_page, name="matrix"),
    path("matrix.json", matrix.matrix_json, name="matrix_json"),
    path("matrix.csv", matrix.matrix_csv, name="matrix_csv"),
    path("compare/", comparison.comparison, name="compare"),
    path("compare.json", comparison.comparison_json, name="compare_json"),
    path("compare.csv", comparison.comparison_csv, name="compare_csv"),
    path("common/", fleet.common, name="common"),
    path("common.json", fleet.common_json, name="common_json"),
    path("common.csv", fleet.common_csv, name="common_csv"),
    path("modules/", modules.modules, name="modules"),
    path("modules.json", modules.modules_json, name="modules_json"),
    path("modules.csv", modules.modules_csv, name="modules_csv"),
]
urlpatterns = [
    path("", images.index, name="index"),
    *image_urls,
    *lint_urls,
    *iso_urls,
    *npiv_urls,
    *device_urls,
    *host_urls,
    *search_urls,
    *comparison_urls,
]
