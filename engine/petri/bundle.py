"""The abilities as files for `tasks` and `generation`, written by `python -m engine.petri.bundle`."""

import json
from collections.abc import Iterable
from pathlib import Path

from engine.petri.questions import ABILITIES, Question, questions

_DATA = Path(__file__).parent.parent / "data"
TASK_QUESTIONS = 60
PROMPTS = 12
MIXED = 10
"""Questions of each ability in the task that mixes them."""
_PROMPT_SEED = 2


def tasks() -> dict[str, list[Question]]:
    """What is asked in every bundled petri task: one an ability, and `petri`, some of each."""
    each = {f"petri-{ability}": questions(ability, TASK_QUESTIONS) for ability in ABILITIES}
    return {"petri": [asked for those in each.values() for asked in those[:MIXED]], **each}


def prompts() -> dict[str, list[Question]]:
    """What every bundled petri prompt set asks for: one an ability, other questions than the task's."""
    drawn = {ability: questions(ability, PROMPTS, seed=_PROMPT_SEED) for ability in ABILITIES}
    return {f"petri-{ability}": those for ability, those in drawn.items()}


def task_lines(asked: Iterable[Question]) -> str:
    """A task's file."""
    return _lines({"question": one.question, "choices": list(one.choices), "answer": one.answer} for one in asked)


def prompt_lines(asked: Iterable[Question]) -> str:
    """A prompt set's file."""
    return _lines({"prompt": one.question, "answer": one.right.removesuffix(" .")} for one in asked)


def _lines(entries: Iterable[dict[str, object]]) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def main() -> None:
    """Write all of them again."""
    for name, asked in tasks().items():
        (_DATA / "tasks" / f"{name}.jsonl").write_text(task_lines(asked))
    for name, asked in prompts().items():
        (_DATA / "prompts" / f"{name}.jsonl").write_text(prompt_lines(asked))


if __name__ == "__main__":
    main()
