"""A task for lm-evaluation-harness: the questions of our own task `petri`."""

from pathlib import Path

from engine.catalog.bundled import read_bundled

_TASK = """
task: {name}
dataset_path: json
dataset_kwargs:
  data_files:
    test: questions.jsonl
test_split: test
fewshot_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{answer}}}}"
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
  - metric: acc_norm
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
"""


def write_task(folder: Path, name: str = "petri_world") -> Path:
    """The task file and its questions in `folder`."""
    (folder / "questions.jsonl").write_text(read_bundled("tasks/petri.jsonl"))
    (folder / "task.yaml").write_text(_TASK.format(name=name))
    return folder
