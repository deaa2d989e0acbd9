"""The grid: how many trials, in which order, with which seeds."""

from collections.abc import Callable

from engine.profile import Profile, remarks, seeds, trials

WithSet = Callable[..., Profile]

GREEDY = "measure.1.sample=false"


def test_order_is_model_baselines_seeds_damage_groups_levels(with_set: WithSet) -> None:
    profile = with_set(
        "model.names=['petri-16k', 'petri-60k']",
        "damage=[{method='mult_gauss', groups=['attn_q', 'attn_k'], levels=[0.5, 0.1]}, "
        "{method='uni_quant', groups=['all'], levels=[4], layers='last 1'}]",
        "seeds.count=2",
    )
    one_seed = [
        ("mult_gauss", "attn_q", None, 0.5),
        ("mult_gauss", "attn_q", None, 0.1),
        ("mult_gauss", "attn_k", None, 0.5),
        ("mult_gauss", "attn_k", None, 0.1),
        ("uni_quant", "all", "last 1", 4.0),
    ]
    expected: list[tuple[str, int, str, str | None, str | None, float | None]] = []
    for model in ("petri-16k", "petri-60k"):
        expected += [(model, 42, "none", None, None, None), (model, 43, "none", None, None, None)]
        expected += [(model, 42, *cell) for cell in one_seed] + [(model, 43, *cell) for cell in one_seed]
    found = trials(profile)
    assert [(t.model, t.seed, t.method, t.group, t.layers, t.level) for t in found] == expected
    assert [trial.index for trial in found] == list(range(24))
    assert [trial.baseline for trial in found] == [trial.method == "none" for trial in found]
    assert len({trial.key for trial in found}) == 24


def test_one_baseline_where_nothing_draws(with_set: WithSet) -> None:
    profile = with_set("seeds.count=3", GREEDY)
    assert [trial.seed for trial in trials(profile) if trial.baseline] == [42]
    assert len(trials(profile)) == 1 + 3 * 2


def test_only_sampling_draws(with_set: WithSet) -> None:
    assert [measure.draws for measure in with_set().measure] == [False, True]
    assert [measure.draws for measure in with_set(GREEDY).measure] == [False, False]


def test_seeds_count_from_base_or_from_one_after(with_set: WithSet) -> None:
    assert seeds(with_set("seeds.count=3")) == [42, 43, 44]
    assert seeds(with_set("seeds.count=3", "seeds.offset=1")) == [43, 44, 45]
    assert seeds(with_set("seeds.base=0")) == [0]


def test_the_method_none_adds_nothing_to_the_baselines(with_set: WithSet) -> None:
    assert [(trial.method, trial.baseline) for trial in trials(with_set("damage=[{method='none'}]"))] == [
        ("none", True)
    ]


def test_remarks_name_seeds_that_change_nothing(with_set: WithSet) -> None:
    quant = "damage=[{method='uni_quant', groups=['all'], levels=[4]}]"
    remark = "uni_quant draws nothing and nothing is sampled: the 5 seeds will give equal results"
    assert remarks(with_set(quant, GREEDY, "seeds.count=5")) == [remark]
    assert remarks(with_set(quant, "seeds.count=5")) == []
    assert remarks(with_set(GREEDY, "seeds.count=5")) == []
    assert remarks(with_set(quant, GREEDY)) == []


def test_remarks_name_options_and_texts_that_do_not_fit(with_set: WithSet) -> None:
    assert remarks(with_set(GREEDY, "measure.1.temperature=0.5")) == [
        "a temperature of 0.5 changes nothing while sample is false"
    ]
    [foreign] = remarks(with_set("model.names=['gpt2']"))
    assert "never learnt that language" in foreign
    [english] = remarks(with_set("measure.0.text=english"))
    assert "petri models, which never learnt it" in english
