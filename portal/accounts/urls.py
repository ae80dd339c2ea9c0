"""Addresses under /me/."""

from django.urls import path

from portal.accounts import views

urlpatterns = [path("", views.me, name="me")]
