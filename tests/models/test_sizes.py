"""Sizes by name, by plain values, or as they are: of every family that names its sizes so."""

from __future__ import annotations

from types import ModuleType

import pytest

import models.conversation.config
import models.gesture.config
import models.reaction.config
from engine.errors import EngineError

FAMILIES = [models.conversation.config, models.gesture.config, models.reaction.config]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_a_size_is_found_by_name_by_values_and_as_it_is(family: ModuleType) -> None:
    for name, config in family.CONFIGS.items():
        assert family.configuration(name) is config and family.configuration(config) is config
        assert family.configuration(config.to_dict()) == config
    with pytest.raises(EngineError, match=r"no size 'huge' of the .*; there is .*tiny"):
        family.configuration("huge")
    with pytest.raises(EngineError):
        family.configuration({"unheard": 1})
