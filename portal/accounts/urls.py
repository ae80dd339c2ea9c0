"""Addresses under /me/."""

from django.urls import path

from portal.accounts import token_views, views

urlpatterns = [
    path("", views.me, name="me"),
    path("profile/", views.profile, name="me_profile"),
    path("notifications/", views.notifications, name="me_notifications"),
    path("sessions/", views.sessions, name="me_sessions"),
    path("sessions/<int:session>/end/", views.end_session, name="me_session_end"),
    path("sessions/end-others/", views.end_other_sessions, name="me_sessions_end_others"),
    path("tokens/", token_views.token_list, name="me_tokens"),
    path("tokens/new/", token_views.token_create, name="me_token_create"),
    path("tokens/<int:token_id>/revoke/", token_views.token_revoke, name="me_token_revoke"),
    path("data/", views.data, name="me_data"),
    path("export/", views.export, name="me_export"),
    path("delete/", views.delete, name="me_delete"),
]
