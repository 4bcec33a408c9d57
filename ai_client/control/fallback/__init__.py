"""Fallback: model aliases, and the targets that take over when a model fails."""

from .policy import Fallback as Fallback
