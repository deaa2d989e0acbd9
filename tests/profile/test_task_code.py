"""Folders of task files that could run program code are told from those that are data."""

from pathlib import Path

import pytest

from engine.errors import LesionError, RemoteCodeError
from engine.measure.lm_eval.task_code import reasons
from engine.profile import parse
from engine.profile.trust import check_code

pytest.importorskip("lm_eval", reason="lm-evaluation-harness, the extra lesion-lab[tasks], is not installed")

PLAIN = """
task: own
dataset_path: json
dataset_kwargs: {data_files: {test: questions.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: ["yes", "no"]
doc_to_target: answer
metric_list:
  - metric: acc
    aggregation: mean
  - {metric: chrf++}
metadata: {version: 1.0, since: 2024-01-02, share: 0.5}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "own.yaml").write_text(PLAIN)
    (folder / "group.yaml").write_text("group: all\ntask: [own, {task: own, num_fewshot: 2}]\ninclude: base\n")
    (folder / "base").write_text("&a\nmetadata: {version: 2}\n")
    (folder / "questions.jsonl").write_text('{"question": "!function", "answer": 0}\n')
    return folder


def test_plain_tasks_groups_and_what_they_include_are_data(folder: Path) -> None:
    assert list(reasons(folder)) == []


@pytest.mark.parametrize(
    ("file", "text", "clause"),
    [
        ("utils.py", "", "utils.py"),
        ("deep/er/utils.py", "", "deep/er/utils.py"),
        (".hidden/x.yaml", "task: x\nprocess_docs: !function utils.f\n", ".hidden/x.yaml says !function"),
        ("x.yaml", "task: x\nprocess_docs: !function utils.f\n", "x.yaml says !function"),
        ("x.yaml", "task: x\nprocess_docs: !<!function> utils.f\n", "x.yaml says !function"),
        ("x.yaml", "%TAG !e! !func\n---\ntask: x\nprocess_docs: !e!tion utils.f\n", "x.yaml says !function"),
        ("x.yaml", "group: x\ntask: [{task: own, doc_to_text: !function utils.f}]\n", "x.yaml says !function"),
        ("x.yaml", "? !function utils.f\n: x\n", "x.yaml says !function"),
        ("x.yaml", "a: &a {b: !function utils.f}\ntask: x\n<<: *a\n", "x.yaml says !function"),
        ("x.yaml", "task: x\na: !!python/object/apply:os.system [ls]\n", "x.yaml says tag:yaml.org,2002:python"),
        ("base", "process_docs: !function utils.f\n", "base says !function"),
        ("x.yaml", "include: more/deep\ntask: x\n", "cannot be read"),
        ("x.yaml", "include: ../outside\ntask: x\n", "outside of the folder"),
        ("x.yaml", "include: [base, ../outside]\ntask: x\n", "outside of the folder"),
        ("x.yaml", "include: /etc/hostname\ntask: x\n", "outside of the folder"),
        ("x.yaml", 'include: "a\\0b"\ntask: x\n', "outside of the folder"),
        ("x.yaml", "task: x\nmetric_list: [{metric: someone/metric}]\n", "asks for the metric 'someone/metric'"),
        ("x.yaml", "task: x\nmetric_list: [{metric: ./own}]\n", "asks for the metric './own'"),
        ("x.yaml", "task: x\nmetric_list: [{metric: acc, hf_evaluate: true}]\n", "says hf_evaluate: true"),
        ("x.yaml", "task: x\ndataset_kwargs: {trust_remote_code: True}\n", "says trust_remote_code: True"),
        ("x.yaml", "task: x\ndataset_path: pandas\n", "reads pickles"),
    ],
)
def test_whatever_could_run_code_is_told(folder: Path, file: str, text: str, clause: str) -> None:
    (folder.parent / "outside").write_text("process_docs: !function utils.f\n")
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(text)
    try:
        clauses = list(reasons(folder))
    except LesionError as error:
        clauses = [str(error)]
    assert any(clause in each for each in clauses), clauses


def test_links_out_of_the_folder_are_told(folder: Path) -> None:
    (folder.parent / "outside.yaml").write_text(PLAIN.replace("own", "other"))
    (folder / "linked.yaml").symlink_to(folder.parent / "outside.yaml")
    assert "linked.yaml lies outside of the folder" in next(reasons(folder))


@pytest.mark.parametrize("text", ["a: [", "[" * 5000, "a: 1\n---\nb: 2\n", "\x00", "a: *missing\n"])
def test_what_is_not_yaml_is_one_sentence(folder: Path, text: str) -> None:
    (folder / "x.yaml").write_text(text)
    with pytest.raises(LesionError, match=r"the task file x\.yaml cannot be read") as caught:
        list(reasons(folder))
    assert "\n" not in str(caught.value)


def test_includes_in_a_circle_and_many_aliases_end(folder: Path) -> None:
    (folder / "base").write_text("include: group.yaml\n")
    rows = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))
    (folder / "bomb.yaml").write_text(f"a0: &a0 [lol]\n{rows}\n")
    assert list(reasons(folder)) == []


def test_a_profile_with_such_tasks_needs_to_be_allowed(folder: Path) -> None:
    profile = parse(
        {
            "name": "own",
            "model": {"names": ["petri-16k"]},
            "damage": [{"method": "ablation", "groups": ["all"], "levels": [0.5]}],
            "measure": [{"name": "lm_eval", "tasks": ["own"], "include_path": "own"}],
        },
        "profile",
        folder.parent,
    )
    check_code(profile, False)
    (folder / "utils.py").write_text("")
    with pytest.raises(RemoteCodeError, match=r"\(utils\.py\), which runs only with --trust-remote-code"):
        check_code(profile, False)
    check_code(profile, True)
