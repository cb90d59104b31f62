"""A model card as huggingface-hub has them, filled from what the report says of a run or a sweep."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader
from markupsafe import Markup

from animal_cls.errors import UserError
from animal_cls.files.naming import escaped, listed, path_safe
from animal_cls.files.text import plural
from animal_cls.report.build import build_study
from animal_cls.report.format import behind
from animal_cls.report.output import markdown, rows
from animal_cls.report.records import ArmRow, Comparison, Study
from animal_cls.results import PLAN, Result, flat
from animal_cls.results.arms.arm import Arm
from animal_cls.use.pages import TEMPLATES
from animal_cls.use.winner import Chosen

CARD = "README.md"  # as a repository of the hub has it
METRICS = {
    "acc": "accuracy",
    "acc_macro": "class-balanced accuracy",
    "ece": "expected calibration error",
    "loss": "loss",
}
IDS = {"acc": "accuracy", "acc_macro": "balanced_accuracy", "ece": "ece", "loss": "loss"}  # in the hub's metadata
DIGITS = 4  # of a number there: more than the text has


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a card is of."""

    folder: Path
    chosen: Chosen
    study: Study
    arm: Arm

    @property
    def result(self) -> Result:
        """Of the first run, for what all of them share."""
        return self.chosen.results[0]

    @property
    def kind(self) -> str:
        return "SWEEP" if (self.folder / PLAN).exists() else "RUN"

    @property
    def split(self) -> str:
        """The split that decides."""
        return self.study.evaluated_split


def subject(folder: Path, chosen: Chosen) -> Subject:
    """What the report says of `folder`, and the arm of it that was chosen."""
    study = build_study([folder])
    folders = {path.resolve() for path in chosen.folders}
    arm = next(arm for arm in study.arms if folders & {run.folder.resolve() for run in arm.done.values()})
    return Subject(folder=folder, chosen=chosen, study=study, arm=arm)


def write(one: Subject, *, license_id: str | None = None) -> str:
    """The card: metadata in YAML, then the text."""
    from huggingface_hub import ModelCard

    data = _metadata(one, license_id)
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{_text(one)}"))


def _metadata(one: Subject, license_id: str | None) -> Any:
    """As the hub reads it; what is not known is left out, not made up."""
    from huggingface_hub import EvalResult, ModelCardData

    data = one.study.data_sets[0]
    found = [
        EvalResult(
            task_type="image-classification",
            dataset_type=data.name,
            dataset_name=data.name,
            dataset_split=row.split,
            dataset_revision=data.fingerprint,
            metric_type=IDS[row.metric],
            metric_name=f"{METRICS[row.metric]}, {row.split}, mean over {behind(row)}",
            metric_value=round(row.mean, DIGITS),
        )
        for row in _arm_rows(one)
        if row.split in ("val", "test") and row.metric in METRICS
    ]
    return ModelCardData(
        model_name=_title(one),
        license=license_id,
        library_name="animal_cls",
        pipeline_tag="image-classification",
        tags=["image-classification", "animal_cls", "pytorch", one.arm.model, *one.arm.reg.split("+")],
        eval_results=found,
    )


def _title(one: Subject) -> str:
    return f"{one.arm.model}, reg={one.arm.reg}, on {one.study.data_sets[0].name}"


def _arm_rows(one: Subject) -> list[ArmRow]:
    return [row for row in one.study.arm_rows if row.arm == one.arm.name]


def _text(one: Subject) -> str:
    """The card without its metadata, in Markdown; folders of this machine are called IMAGES, RUN and SWEEP."""
    rename = _renaming(one)

    def shown(value: Any) -> Any:
        return value if isinstance(value, Markup) else markdown.safe(rename(str(value)))

    made = rows.environment(finalize=shown)
    made.loader = FileSystemLoader(TEMPLATES)
    made.filters |= {"raw": Markup, "code": lambda line: markdown.code(rename(line))}
    text = made.get_template("card.md").render(**_values(one))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _values(one: Subject) -> dict[str, Any]:
    study, arm, result = one.study, one.arm, one.result
    compared = [c for c in study.comparisons if (c.split, c.metric) == (one.split, "acc") and not c.requested]
    answers = [answer.text for answer in study.answers if answer.model == arm.model]
    temperatures = [f"{r.temperature:.2f}" for r in one.chosen.results if r.temperature is not None]
    names = {run.name for run in arm.done.values()}
    return {
        "study": study,
        "arm": arm,
        "result": result,
        "kind": one.kind,
        "split": one.split,
        "title": _title(one),
        "about": _about(one),
        "why": one.chosen.why,
        "classes_in_words": listed(result.classes),
        "data": study.data_sets[0],
        "weights": result.config.get("model", {}).get("weights"),
        "seconds": sum(found.seconds for found in one.chosen.results),
        "devices": sorted({f"{found.device}, {found.precision}" for found in one.chosen.results}),
        "arm_rows": _arm_rows(one),
        "class_rows": [row for row in study.class_rows if (row.arm, row.split) == (arm.name, one.split)],
        "confused": rows.confused_pairs(study, [arm.name]),
        "temperatures": temperatures,
        "compared": compared,
        "answer": " ".join(answers),
        "not_shown": list(_not_shown(one, compared)),
        "commands": [command for command in study.commands if command.run in names],
    }


def _about(one: Subject) -> str:
    runs = plural(len(one.chosen.folders), "run")
    averaged = ", whose probabilities are averaged" * (len(one.chosen.folders) > 1)
    return f"Tells {len(one.result.classes)} classes of images apart: {one.arm.name}, {runs}{averaged}."


def _not_shown(one: Subject, compared: Sequence[Comparison]) -> Iterator[str]:
    """What a reader could take for shown, and is not."""
    for c in compared:
        if c.verdict not in ("gain", "loss"):
            yield f"{c.arm} against {c.baseline} on {c.split}: {c.verdict}{f' ({c.caution})' if c.caution else ''}."
    if not compared:
        yield "That the regularizer helps: there is no comparison with a baseline here."
    yield from one.study.cautions
    yield from one.study.warnings
    yield from (warning for warning, runs in one.study.run_warnings.items() if set(runs) & _names(one.arm))
    yield "How it does on other images, cameras or places than those of its data: no such images were looked at."
    yield "How it treats what is none of its classes, or images that were changed to mislead it."


def _names(arm: Arm) -> set[str]:
    return {run.name for run in arm.done.values()}


def _renaming(one: Subject) -> Callable[[str], str]:
    """A function that calls this machine's folders by what they are, however they are spelled in a text."""
    roots = {data.root for data in one.study.data_sets if data.root}
    roots |= {result.data_root for result in one.chosen.results if result.data_root}
    named = dict.fromkeys(roots, "IMAGES") | {str(path): one.kind for path in (one.folder.resolve(), one.folder)}
    labels = {found for result in one.chosen.results if (found := flat(result.config).get("data.labels"))}
    named |= {str(found): "LABELS" for found in labels}
    typed = {found for result in one.chosen.results if (found := flat(result.config).get("data.root"))}
    named |= {f"data.root={found}": "data.root=IMAGES" for found in typed}  # relative: a word like any other elsewhere
    named |= {os.path.expanduser("~"): "~"}  # noqa: PTH111  # of a text, not of a path
    named |= {path_safe(name): word for name, word in named.items() if word in ("IMAGES", "LABELS")}
    spelled = sorted((name for name in named if len(name) > 1), key=len, reverse=True)
    pattern = re.compile(r"(?<![\w/])(" + "|".join(map(re.escape, spelled)) + r")(?![\w])")
    return lambda text: pattern.sub(lambda match: named[match[1]], text)


def push(card: Path, repo: str, *, exports: Sequence[Path], public: bool) -> str:
    """Send the card, and exports if there are any, to a model repository of the hub; returns its address.

    Raises:
        UserError: nobody is logged in, the hub is not reached, or refuses.
    """
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    files = {CARD: card, **{path.name: path for path in exports}}
    api = HfApi()
    try:
        made = api.create_repo(repo, private=not public, exist_ok=True)
        added = [CommitOperationAdd(path_in_repo=name, path_or_fileobj=file) for name, file in files.items()]
        api.create_commit(made.repo_id, added, commit_message="Model card and exports of animal_cls")
    except (HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, ValueError, OSError, ConnectionError) as error:
        why = escaped(str(error).strip().splitlines()[0]) if str(error).strip() else type(error).__name__
        raise UserError(f"--push {repo}: not sent ({why}). `hf auth login` logs in; the card is {card}.") from None
    return str(made)
