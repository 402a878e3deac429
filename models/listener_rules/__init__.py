"""A listener made of published rules, written as a causal stream model."""

from models.listener_rules.model import ListenerRules

__all__ = ["ListenerRules"]
