"""Shapes of what people send to this room, a module for each subject."""

from kb.forms.articles import ArticleAdminForm, ArticleFilterForm

__all__ = ["ArticleAdminForm", "ArticleFilterForm"]
