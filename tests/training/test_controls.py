"""A treatment and its controls train alike, and on other things."""

from engine import catalog
from engine.profile.options import table_of
from engine.training.options import TrainingOptions

CONTROLS = ("gaussian_noise", "random_tokens", "random_text")
DATA = {
    "catalyst": {"objective", "curvature", "directions", "iterations", "search_steps", "search_rate"},
    "gaussian_noise": {"scale"},
    "random_tokens": set(),
    "random_text": {"text", "documents"},
}


def test_all_of_the_configuration_but_the_data_is_one_table() -> None:
    treatment = table_of(catalog.method("catalyst")).model_fields
    for name, data in DATA.items():
        table = table_of(catalog.method(name))
        assert issubclass(table, TrainingOptions)
        assert set(table.model_fields) - data == set(TrainingOptions.model_fields)
        for key in TrainingOptions.model_fields:
            for what in ("annotation", "default", "metadata"):
                assert getattr(table.model_fields[key], what) == getattr(treatment[key], what)


def test_all_of_them_take_the_same_steps_measure_the_same_and_are_done_to_the_same() -> None:
    first = catalog.method("catalyst")
    for name in CONTROLS:
        info = catalog.method(name)
        same = ("level", "draws", "acts_on", "walks", "metrics", "groups", "elementwise", "on_codes")
        assert [getattr(info, key) for key in same] == [getattr(first, key) for key in same]
