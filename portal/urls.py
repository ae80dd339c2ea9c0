"""All addresses of the portal, from its rooms."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from portal import api, health, views

# The administration is entered through the portal's own sign-in, with its rate limits and second factors.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # allauth's documented way

urlpatterns = [
    path("", views.home, name="home"),
    path("about/", views.about, name="about"),
    path("code-of-conduct/", views.code_of_conduct, name="code_of_conduct"),
    path("styleguide/", views.styleguide, name="styleguide"),
    path("sitemap.xml", views.sitemap, name="sitemap"),
    path("robots.txt", views.robots, name="robots"),
    path(".well-known/security.txt", views.security_txt, name="security_txt"),
    path("status/", health.status, name="status"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path(
        "accounts/sessions/", RedirectView.as_view(pattern_name="me_sessions")
    ),  # ours tells more than allauth's
    path("accounts/", include("allauth.urls")),
    path("me/", include("portal.accounts.urls")),
    path("", include("portal.mail.urls")),
    path("", include("portal.search.urls")),
    path("", include("events.urls")),
    path("kb/", include("kb.urls")),
    path("lab/", include("labtools.urls")),
    path("api/v1/uploads/", include("labtools.api.tus_urls")),
    path("api/v1/docs", api.docs, name="api_docs"),
    path("api/v1/", api.api.urls),
    path("admin/", admin.site.urls),
]

handler400 = "portal.views.bad_request"
handler403 = "portal.views.permission_denied"
handler404 = "portal.views.page_not_found"
handler500 = "portal.views.server_error"
