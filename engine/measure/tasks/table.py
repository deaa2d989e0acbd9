"""What a profile says of the measurement tasks."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from engine import catalog
from engine.measure.tasks.choices import choices
from engine.profile.demand import Effort, Load, most_tokens, tokens
from engine.profile.fields import Int, Text
from engine.profile.hashing import digest
from engine.profile.inputs import Input
from engine.profile.measures import MeasureTable
from engine.profile.names import AUTO


class TasksMeasure(MeasureTable):
    """Which of several answers to a question the model finds likeliest."""

    starts_late = True

    name: Literal["tasks"] = "tasks"
    task: Annotated[Text, Input("task", catalog.tasks, auto=True)] = Field(
        "auto", description="a bundled task, or a .jsonl file of {question, choices, answer}; the first choice is 0"
    )
    limit: Int | None = Field(None, ge=1, description="how many questions at most; unset: all")
    batch_size: Int = Field(16, ge=1, le=4096, description="answers scored together")

    def settled(self, petri: bool) -> Self:
        """See MeasureTable."""
        return self.model_copy(update={"task": "petri" if petri else "basics"}) if self.task == AUTO else self

    @property
    def uncounted(self) -> set[str]:
        """See MeasureTable."""
        return {"limit"}

    def content(self, folder: Path) -> dict[str, Any]:
        """See MeasureTable."""
        return {"content": digest([asdict(choice) for choice in choices(self, folder)])}

    def load(self, folder: Path) -> Load:
        """See MeasureTable: each answer behind its question."""
        asked = choices(self, folder)
        answer = max(most_tokens(text) for choice in asked for text in choice.choices)
        longest = max(most_tokens(choice.question) for choice in asked) + answer
        return Load(self.rows, longest, logits=answer, name=self.key, texts=sum(len(one.choices) for one in asked))

    def effort(self, folder: Path) -> Effort:
        """See MeasureTable."""
        both = [(tokens(one.question), tokens(answer)) for one in choices(self, folder) for answer in one.choices]
        return Effort(-(-len(both) // self.rows), sum(map(sum, both)), sum(answer for _, answer in both))
