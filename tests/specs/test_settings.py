"""Settings by dotted names: listed, read, and refused with the nearest ones."""

from __future__ import annotations

import pytest

from a2d.errors import A2DError
from a2d.specs.algorithm import A2CSettings
from a2d.specs.search import EvolutionSettings, GumbelSettings
from a2d.specs.settings import explain_settings, keys_of, lay, read_settings, sections_of

A2C = sections_of("a2c", "gumbel")


def test_every_field_of_a_spec_can_be_set_and_is_listed() -> None:
    keys = set(keys_of(A2CSettings, "a2c")) | set(keys_of(GumbelSettings, "search"))
    assert {f"a2c.{name}" for name in A2CSettings.model_fields} <= keys
    assert {"search.space.cells", "search.candidates"} <= keys
    listed = {line.split(" ")[0] for line in explain_settings().splitlines()}
    assert keys <= listed and not {"search.kind", "distillation.mode"} & listed


def test_values_are_yaml_and_keys_nest() -> None:
    texts = ["a2c.learning_rate=1e-3", "search.space.cells=3", "search.candidates=[conv3, skip]"]
    assert read_settings(texts, A2C) == {
        "a2c": {"learning_rate": "1e-3"},  # of which a spec makes a number
        "search": {"space": {"cells": 3}, "candidates": ["conv3", "skip"]},
    }


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["a2c.learning_rat=1"], "did you mean a2c.learning_rate or .* a2c has environments, "),
        (["a2c=1"], r"--set a2c: is not a known key\..* a2c has"),
        (["aa.b=1"], "The sections: a2c, distillation, evaluation, search"),
        (["ppo.clip=0.1"], "is for --algorithm ppo"),
        (["search.trials=1"], "search has space.cells"),
        (["search.kind=evolution"], "has an option of its own, --searcher"),
        (["distillation.mode=joint"], "has an option of its own, --distill"),
        (["a2c.learning_rate"], "should be KEY=VALUE"),
        (["a2c.learning_rate=["], "not valid YAML"),
        (["a2c.discount=1", "a2c.discount=1"], "a2c.discount: is given twice"),
    ],
)
def test_what_is_wrong_is_refused_with_what_is_known(texts: list[str], said: str) -> None:
    with pytest.raises(A2DError, match=said) as caught:
        read_settings(texts, A2C)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


def test_sections_are_those_of_the_algorithm_and_the_searcher() -> None:
    assert sections_of("ppo").keys() == {"ppo", "distillation", "evaluation"}
    assert sections_of("a2c", "evolution")["search"] is EvolutionSettings
    for algorithm, searcher in (("dqn", None), ("a2c", "guess")):
        with pytest.raises(A2DError, match="should be one of"):
            sections_of(algorithm, searcher)


def test_nested_data_is_laid_over_key_by_key() -> None:
    under = {"space": {"cells": 2, "width": 8}, "rate": 1}
    assert lay(under, {"space": {"width": 4}}) == {"space": {"cells": 2, "width": 4}, "rate": 1}
    assert under["space"] == {"cells": 2, "width": 8}
