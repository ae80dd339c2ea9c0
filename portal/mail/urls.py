"""Addresses of mail: the link that stops a kind of mail, and the mailbox of the embedded default."""

from django.urls import path

from portal.mail import views

app_name = "mail"
urlpatterns = [
    path("mail/unsubscribe/<str:token>/", views.unsubscribe, name="unsubscribe"),
    path("mailbox/", views.mailbox, name="mailbox"),
    path("mailbox/<int:pk>/", views.message, name="message"),
    path("mailbox/<int:pk>/html/", views.message_html, name="message_html"),
]
