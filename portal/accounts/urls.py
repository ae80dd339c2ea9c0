"""Addresses under /me/."""

from django.urls import path

from portal.accounts import views

urlpatterns = [
    path("", views.me, name="me"),
    path("profile/", views.profile, name="me_profile"),
    path("notifications/", views.notifications, name="me_notifications"),
    path("sessions/", views.sessions, name="me_sessions"),
    path("sessions/<int:session>/end/", views.end_session, name="me_session_end"),
    path("sessions/end-others/", views.end_other_sessions, name="me_sessions_end_others"),
    path("data/", views.data, name="me_data"),
    path("export/", views.export, name="me_export"),
    path("delete/", views.delete, name="me_delete"),
]
