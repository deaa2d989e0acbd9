"""How long a profile will take: by the survey's estimate, or by what earlier runs took."""

from pathlib import Path

from engine.profile import load, trials
from engine.runs import create
from engine.runs.journal import Journal
from engine.runs.survey import SurveyProcess
from engine.runs.timing import expected
from tests.runs.conftest import small_profile, trial_record


def test_an_estimate_grows_with_the_work_and_gives_way_to_earlier_runs(tmp_path: Path) -> None:
    names = {"names": ["petri-16k", "petri-60k"], "device": "cpu"}
    long = small_profile(model=names, measure=[{"name": "generation", "limit": 8, "max_new_tokens": 200}])
    short = small_profile(model=names, measure=[{"name": "generation", "limit": 8, "max_new_tokens": 2}])
    counts = {"petri-16k": 7, "petri-60k": 7}
    process = SurveyProcess()  # one for both, for each finds its own how fast this host is just now
    try:
        models, others = process.ask(long).models, process.ask(short).models
    finally:
        process.close()
    guessed = expected(long, counts, models, tmp_path)
    assert guessed.known == ()
    assert guessed.models == {model.name: model.trial_seconds for model in models}
    assert guessed.seconds > 7 * sum(guessed.models.values()) > 0
    assert all(found.trial_seconds > 3 * other.trial_seconds for found, other in zip(models, others, strict=True))
    assert expected(long, {"petri-16k": 7}, models, tmp_path).seconds < guessed.seconds

    run = create(long, tmp_path, source=None)
    journal = Journal(run)
    for trial, seconds in zip(trials(load(run / "profile.toml"), run), (3.0, 1.0, 2.0), strict=False):
        journal.commit(trial_record(trial, seconds=seconds), [])
    journal.close()
    timed = expected(long, counts, models, tmp_path)
    assert (timed.known, timed.models["petri-16k"]) == (("petri-16k",), 2.0)
    assert timed.models["petri-60k"] == guessed.models["petri-60k"]
    assert expected(short, counts, models, tmp_path).known == ()
