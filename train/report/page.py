"""``report.html``: one file to read and to look at, with nothing in it that is fetched from elsewhere.

The templates are beside this file; whatever they are given is escaped, so that a take, a bundle or a label may have any
name.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from train.report.criteria import tone

_ENVIRONMENT = Environment(
    loader=PackageLoader("train.report", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["tone"] = tone


def render(template: str, **values: Any) -> str:
    """The text of a template, its values escaped."""
    return _ENVIRONMENT.get_template(template).render(**values)
