"""What the model says: texts written on from prompts, greedily or sampled from the trial's seed."""

import math
import time
from pathlib import Path
from typing import Any

from engine.errors import LesionError
from engine.measure.generation.decoding import Continuation, write_on
from engine.measure.generation.pictures import Encoded, encode_about, picture_tokens
from engine.measure.generation.sampling import Choice, Sampler, greedy
from engine.measure.generation.table import GenerationMeasure
from engine.measure.measurement import Measured, Measurement, Progress
from engine.models.loading import LoadedModel
from engine.profile.pictures import picture_bytes, picture_name
from engine.profile.texts import prompt_set_name, questions
from engine.reading.encoding import by_length, encode, padding_token
from engine.wording import grade, variety


class Generation(Measurement):
    """Texts and, as metrics, `generated_tokens` (mean per text), `stopped_eos` (share), `seconds_per_text`; means of
    the texts' `distinct_1`, `distinct_2`, `repetition`; where prompts have answers, the shares `exact_match` and
    `answered` of those prompts (see engine.wording).

    With an image, every prompt is about that picture, which goes through the model's processor; a text's record then
    has `image` and, where the model says which tokens they are, `image_tokens`, counted among `tokens_in`.

    Raises:
        LesionError: a chat template is asked for and the model has none, a prompt is empty or leaves no room, or the
            picture cannot be shown.
    """

    def __init__(self, spec: GenerationMeasure, loaded: LoadedModel, folder: Path) -> None:
        self.notes: list[str] = []
        self._spec = spec
        self._loaded = loaded
        self._questions = questions(spec, folder)
        self._prompts = [question.prompt for question in self._questions]
        self._prompt_set = prompt_set_name(spec)
        self._encoded = self._encode(folder)
        self._ends = _end_tokens(loaded)
        self._limits = [min(spec.max_new_tokens, loaded.architecture.context - len(e.ids)) for e in self._encoded]
        if cut := sum(limit < spec.max_new_tokens for limit in self._limits):
            self.notes.append(
                f"generation on {loaded.name}: {cut} texts end early, at the model's context of "
                f"{loaded.architecture.context} tokens"
            )

    def run(self, seed: int, batch_size: int, progress: Progress) -> Measured:
        """Write one text a prompt. Prompts of like length share a batch; texts come in the order of the prompts."""
        cut = by_length([encoded.ids for encoded in self._encoded], batch_size)
        texts: list[dict[str, Any]] = []
        for number, indices in enumerate(cut):
            progress(number, len(cut))
            begun = time.perf_counter()
            written = self._write(seed, indices)
            seconds = time.perf_counter() - begun
            for index, continuation in zip(indices, written, strict=True):
                texts.append(self._text(index, continuation) | {"batch": number, "batch_seconds": seconds})
        return Measured(_metrics(texts), sorted(texts, key=lambda text: int(text["index"])))

    def _write(self, seed: int, indices: list[int]) -> list[Continuation]:
        limits = [self._limits[index] for index in indices]
        choose: Choice = greedy
        if self._spec.sample:
            choose = Sampler(seed, indices, self._spec.temperature)
        return write_on(
            self._loaded.model,
            [self._encoded[index] for index in indices],
            limits,
            self._ends,
            padding_token(self._loaded.tokenizer),
            choose,
        )

    def _text(self, index: int, continuation: Continuation) -> dict[str, Any]:
        text, answers = self._decode(continuation.tokens), self._questions[index].answers
        return {
            "index": index,
            "prompt_set": self._prompt_set,
            "prompt": self._prompts[index],
            "text": text,
            "tokens_in": len(self._encoded[index].ids),
            "tokens_out": len(continuation.tokens),
            "stop": continuation.stop,
            **self._seen(index),
            **variety(text),
            **({"answers": list(answers), **grade(text, answers)} if answers else {}),
        }

    def _decode(self, tokens: list[int]) -> str:
        """Text without special tokens. Ids past the tokenizer's (a vocabulary padded for speed) have no text."""
        size = len(self._loaded.tokenizer)
        known = [token for token in tokens if token < size]
        return str(self._loaded.tokenizer.decode(known, skip_special_tokens=True))

    def _seen(self, index: int) -> dict[str, Any]:
        if self._spec.image is None:
            return {}
        tokens = picture_tokens(self._encoded[index], self._loaded.model.config)
        return {"image": picture_name(self._spec.image), **({} if tokens is None else {"image_tokens": tokens})}

    def _encode(self, folder: Path) -> list[Encoded]:
        tokenizer, name = self._loaded.tokenizer, self._loaded.name
        reader = self._loaded.processor if self._spec.image else tokenizer
        template = getattr(reader, "chat_template", None)
        if self._spec.chat is True and not template:
            raise LesionError(
                f"generation on {name}: chat = true, but the model has no chat template; set chat to false or 'auto'.",
                field="measure.chat",
            )
        chat = bool(template) and self._spec.chat is not False
        if self._spec.image:
            picture = picture_bytes(self._spec.image, folder)
            encoded = encode_about(reader, self._prompts, picture, chat=chat, name=name)
        else:
            rows = (_chat(tokenizer, text) if chat else encode(tokenizer, text) for text in self._prompts)
            encoded = [Encoded(ids) for ids in rows]
        self._check_room(encoded)
        return encoded

    def _check_room(self, encoded: list[Encoded]) -> None:
        context = self._loaded.architecture.context
        for text, ids in zip(self._prompts, (prompt.ids for prompt in encoded), strict=True):
            if not 1 <= len(ids) < context:
                more = ", those of the picture included" if self._spec.image else ""
                raise LesionError(
                    f"generation on {self._loaded.name}: the prompt {text[:40]!r} has {len(ids)} tokens{more}; "
                    f"1 to {context - 1} leave room for an answer.",
                    field="measure.prompts",
                )


def _chat(tokenizer: Any, prompt: str) -> list[int]:
    message = [{"role": "user", "content": prompt}]
    text = tokenizer.apply_chat_template(message, add_generation_prompt=True, tokenize=False)
    ids: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return ids


def _end_tokens(loaded: LoadedModel) -> frozenset[int]:
    """Every token that ends a text, by the model's generation settings or else by its tokenizer."""
    settings = getattr(loaded.model, "generation_config", None)
    ends = getattr(settings, "eos_token_id", None)
    if ends is None:
        ends = loaded.tokenizer.eos_token_id
    if ends is None:
        return frozenset()
    return frozenset([ends] if isinstance(ends, int) else ends)


def _metrics(texts: list[dict[str, Any]]) -> dict[str, float]:
    seconds = {text["batch"]: text["batch_seconds"] for text in texts}
    graded = [text for text in texts if "answers" in text]
    return {
        "generated_tokens": sum(text["tokens_out"] for text in texts) / len(texts),
        "stopped_eos": sum(text["stop"] == "eos" for text in texts) / len(texts),
        "seconds_per_text": sum(seconds.values()) / len(texts),
        **{name: _mean(name, texts) for name in ("distinct_1", "distinct_2", "repetition")},
        **({name: _mean(name, graded) for name in ("exact_match", "answered")} if graded else {}),
    }


def _mean(name: str, texts: list[dict[str, Any]]) -> float:
    """Over the texts that have this value; nan where none has."""
    values = [float(text[name]) for text in texts if text[name] is not None]
    return sum(values) / len(values) if values else math.nan
