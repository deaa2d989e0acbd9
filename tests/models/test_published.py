"""The published shapes of the catalog against the published numbers of parameters."""

import pytest
import torch

from engine import catalog


@pytest.mark.parametrize("name", catalog.published())
def test_shapes_have_the_published_number_of_parameters(name: str) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    known = catalog.published()[name]
    config = AutoConfig.for_model(**known.shape)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    assert sum(parameter.numel() for parameter in model.parameters()) == known.parameters


def test_members_of_families_rise_in_size() -> None:
    for family in catalog.families().values():
        sizes = [
            (catalog.models().get(model) or catalog.published()[model]).parameters for model in family.members.values()
        ]
        assert sizes == sorted(sizes)
    assert [len(family.members) for family in catalog.families().values()] == [5, 8, 4, 4]
