"""Tasks of lm-evaluation-harness, on the model as it is at hand."""

import io
import logging
import os
import random
import re
from contextlib import chdir, nullcontext, redirect_stderr
from copy import deepcopy
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jinja2 import TemplateError

from engine.errors import LesionError
from engine.measure.lm_eval.table import HarnessMeasure
from engine.measure.measurement import Measured, Measurement, Progress
from engine.models.exhaustion import is_out_of_memory
from engine.models.loading import LoadedModel
from engine.profile.names import anchor

_RESAMPLES = 1000
"""For the standard errors of the few metrics that have no formula for it."""


class Harness(Measurement):
    """The metrics of lm-evaluation-harness, as `<task>_<metric>`: `arc_easy_acc`, `hellaswag_acc_norm`. A metric of a
    filter other than the plain one has the filter's name behind it; groups of tasks have metrics of their own.

    The model is the one that was loaded and damaged; nothing is loaded twice. The trial's seed chooses few-shot
    examples and seeds whatever a task draws. A model whose log-likelihoods are nan counts as choosing the first answer:
    that is how the harness compares them.

    Artifact: by task its version, few-shot examples, number of documents, and standard errors by metric.

    Raises:
        LesionError: a task is unknown or cannot be loaded, or a chat template is asked for and the model has none.
    """

    def __init__(self, spec: HarnessMeasure, loaded: LoadedModel, folder: Path) -> None:
        self.notes: list[str] = []
        self._spec = spec
        self._loaded = loaded
        _quiet()
        if spec.chat and not getattr(loaded.tokenizer, "chat_template", None):
            text = f"lm_eval on {loaded.name}: chat = true, but the model has no chat template; set chat to false."
            raise LesionError(text, field="measure.chat")
        self._tasks = _load(spec, None if spec.include_path is None else Path(anchor(spec.include_path, folder)))
        self._model = _wrapped(loaded)

    def run(self, seed: int, batch_size: int, progress: Progress) -> Measured:
        """Evaluate every task on the model as it is now."""
        from lm_eval.evaluator import evaluate

        self._model.batch_size_per_gpu = batch_size
        self._model.report = progress
        self._seed(seed)
        try:
            with redirect_stderr(io.StringIO()):  # a bar for each task
                evaluation = evaluate(
                    lm=self._model,
                    task_dict=self._tasks,
                    limit=self._spec.limit,
                    bootstrap_iters=_RESAMPLES,
                    log_samples=False,
                    apply_chat_template=self._spec.chat,
                    fewshot_as_multiturn=self._spec.chat,
                )
        except (ValueError, KeyError, AssertionError, TemplateError) as error:
            if is_out_of_memory(error):
                raise
            raise LesionError(f"lm_eval on {self._loaded.name}: {_first_line(error)}") from error
        return Measured(_metrics(evaluation["results"]), artifact={"tasks": _details(evaluation)})

    def _seed(self, seed: int) -> None:
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        for task in self._tasks["tasks"].values():
            task.set_fewshot_seed(seed=seed)


def _load(spec: HarnessMeasure, own: Path | None) -> Any:
    """The tasks, their data fetched. Only where not all are the user's own is the harness's long list read; files that
    the user's tasks name are looked for in their folder."""
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(own), include_defaults=False) if own else None
    if manager is None or any(name not in manager.all_tasks for name in spec.tasks):
        manager = TaskManager(include_path=str(own) if own else None)
    _check_known(spec.tasks, manager.all_tasks)
    try:
        with chdir(own) if own else nullcontext():
            tasks = manager.load(list(spec.tasks))
    except Exception as error:  # of the data's files, formats and servers
        text = f"the tasks {', '.join(spec.tasks)} of lm_eval cannot be loaded: {_first_line(error)}"
        raise LesionError(text, field="measure.tasks") from error
    for task in tasks["tasks"].values():
        _set_examples(task, spec.num_fewshot)
    return tasks


def _check_known(names: tuple[str, ...], known: list[str]) -> None:
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            text = f"lm-evaluation-harness has no task '{name}', and no file of include_path defines it{hint}"
            raise LesionError(text, field="measure.tasks")


def _set_examples(task: Any, num_fewshot: int | None) -> None:
    """Few-shot examples as the harness's own command line sets them: a task that says 0 keeps 0."""
    own = task.get_config("num_fewshot")
    if num_fewshot is None:
        task.set_config(key="num_fewshot", value=own or 0)
    elif own != 0:
        task.set_config(key="num_fewshot", value=num_fewshot)


def _wrapped(loaded: LoadedModel) -> Any:
    """The loaded model as the harness wants models, without bars on the screen."""
    from lm_eval.models.huggingface import HFLM

    class Wrapped(HFLM):  # type: ignore[misc, unused-ignore]
        report: Progress

        def _model_call(self, inps: Any, *args: Any, **kwargs: Any) -> Any:
            self._count(len(inps))
            return super()._model_call(inps, *args, **kwargs)

        def loglikelihood(self, requests: Any, disable_tqdm: bool = True) -> Any:
            self._begin(len(requests))
            return super().loglikelihood(requests, disable_tqdm=True)

        def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = True) -> Any:
            return super().loglikelihood_rolling(requests, disable_tqdm=True)

        def generate_until(self, requests: Any, disable_tqdm: bool = True) -> Any:
            return super().generate_until(requests, disable_tqdm=True)

        def _begin(self, total: int) -> None:
            self._done, self._total = 0, total

        def _count(self, more: int) -> None:
            self._done, total = getattr(self, "_done", 0) + more, getattr(self, "_total", 0)
            self.report(min(self._done, total), total)

    return Wrapped(
        pretrained=loaded.model,
        backend="causal",
        tokenizer=deepcopy(loaded.tokenizer),
        max_length=loaded.architecture.context,
        softmax_dtype="float64",
    )


def _quiet() -> None:
    """No bars, no chatter, no processes of its own, and no code of data sets or templates."""
    os.environ["DISABLE_MULTIPROC"] = "1"
    os.environ["HF_DATASETS_TRUST_REMOTE_CODE"] = "0"
    import datasets

    datasets.disable_progress_bars()
    _sandbox()
    for name in ("lm_eval", "datasets", "evaluate"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _sandbox() -> None:
    """Templates of tasks see the document and nothing of Python behind it."""
    from jinja2.sandbox import SandboxedEnvironment
    from lm_eval import utils

    if not isinstance(utils.env, SandboxedEnvironment):
        options = {"loader": utils.env.loader, "undefined": utils.env.undefined, "keep_trailing_newline": True}
        sandboxed = SandboxedEnvironment(**options)
        sandboxed.filters.update(utils.env.filters)
        utils.env = sandboxed


def _metrics(results: dict[str, dict[str, Any]]) -> dict[str, float]:
    metrics = {}
    for task, values in results.items():
        for key, value in values.items():
            metric, _, kind = key.partition(",")
            if kind and not metric.endswith("_stderr") and isinstance(value, int | float):
                metrics[_plain(f"{task}_{metric}" if kind == "none" else f"{task}_{metric}_{kind}")] = float(value)
    return metrics


def _details(evaluation: dict[str, Any]) -> dict[str, Any]:
    """By task, what stands beside its metrics."""
    details = {}
    for task, values in evaluation["results"].items():
        errors = {}
        for key, value in values.items():
            metric, _, kind = key.partition(",")
            if metric.endswith("_stderr") and isinstance(value, int | float):
                plain = metric.removesuffix("_stderr")
                errors[plain if kind == "none" else f"{plain}_{kind}"] = float(value)
        details[task] = {
            "version": evaluation["versions"].get(task),
            "few_shot": evaluation["n-shot"].get(task),
            "documents": values.get("sample_len"),
            "stderr": errors,
        }
    return details


def _plain(name: str) -> str:
    """A metric's name in letters, digits and underscores: a dot would end a label."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", name)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{lines[0]} ({type(error).__name__})" if lines else type(error).__name__
