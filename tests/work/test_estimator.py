"""The estimator, asked as the console asks it."""

from pathlib import Path

from engine.petri import SIZES
from engine.profile import parse
from engine.runs.survey import survey


def test_models_are_sized_without_loading_and_faults_stay_with_their_model(tmp_path: Path) -> None:
    tables = {
        "name": "survey",
        "model": {"names": ["petri-1m", "./missing"], "device": "cpu"},
        "damage": [{"method": "ablation", "groups": ["attn_only", "embed_only"], "levels": [0.5]}],
        "measure": [{"name": "perplexity"}, {"name": "generation", "max_new_tokens": 8}],
    }
    found, missing = survey(parse(tables, "test", tmp_path, must_exist=False)).models
    size = SIZES["petri-1m"]
    assert found.error is None
    assert found.parameters == size.embedding + size.non_embedding
    assert found.groups == {"attn_only": size.layers * size.hidden**2, "embed_only": 512 * size.hidden}
    assert found.need_bytes >= found.weights_bytes >= 4 * found.parameters
    assert found.fits
    assert 0 < found.free_bytes < found.total_bytes
    assert missing.error is not None
    assert "missing" in missing.error
    assert not missing.fits
