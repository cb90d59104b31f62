"""A made-up study with every kind of record in it: pleasant to look at, and no number in it is measured."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from animal_cls.report import records
from animal_cls.report.records import Comparison, Study
from animal_cls.results import Result, SplitResult
from animal_cls.results.arms.arm import Arm
from animal_cls.results.configs import Difference
from animal_cls.results.runs import Run

ANIMALS = ("butterfly", "cat", "chicken", "cow", "dog", "elephant", "horse", "sheep", "spider", "squirrel")


REGS = ("none", "l2", "dropout", "dropout (reg.dropout=0.5)", "label_smoothing")


SIZES = {"train": 800, "val": 100, "test": 100}


def study_of(
    *,
    models: Sequence[str] = ("simple_cnn",),
    regs: Sequence[str] = REGS,
    seeds: int = 5,
    classes: Sequence[str] = ANIMALS,
    epochs: int = 20,
    root: Path | None = None,
    **fields: Any,
) -> Study:
    """A study of `models` x `regs` x `seeds` finished runs; `fields` override what else it says."""
    chance = np.random.default_rng(0)
    arms = [arm_of(model, reg, k, seeds, classes, epochs, chance) for model in models for k, reg in enumerate(regs)]
    arms = [replace(arm, baseline=baseline_of(arm, arms)) for arm in arms]
    comparisons = tuple(c for arm in arms if arm.baseline for c in comparisons_of(arm, arms))
    known: dict[str, Any] = {
        "sources": (Path("/data/multirun/2026-01-02/03-04-05"),),
        "made": "2026-01-02 03:04",
        "runs": tuple(run for arm in arms for run in arm.runs),
        "arms": tuple(arms),
        "evaluated_split": "test",
        "answers": tuple(answer_of(model, comparisons) for model in models),
        "arm_rows": tuple(row for arm in arms for row in arm_rows_of(arm)),
        "comparisons": comparisons,
        "class_rows": tuple(row for arm in arms for row in class_rows_of(arm, arms, classes)),
        "confused": tuple(row for arm in arms for row in confused_of(arm, classes)),
        "class_links": tuple(link_of(arm, k) for k, arm in enumerate(arms)),
        "reliabilities": tuple(reliability_of(arm) for arm in arms),
        "data_sets": (data_set_of(classes, len(arms) * seeds, root),),
        "published_note": "These are not the images of the published report: what follows is a reading aid only.",
        "published": published_of(arms, classes),
        "statements": statements_of(arms),
        "images": tuple(notes_of(arms[1:2], classes, root)),
        "commands": tuple(command_of(run) for arm in arms for run in arm.runs),
        "versions": {"animal_cls": ("0.1.0",), "torch": ("2.14.1+cpu",), "lightning": ("2.6.6",)},
        "devices": {"cpu, 32-true": len(arms) * seeds},
        "seconds": 8123.0,
        "run_warnings": {"weights of another version": ("simple_cnn/none/seed=0",)},
        "warnings": ("1 run is unfinished",),
    }
    return Study(**(known | fields))


def arm_of(
    model: str, reg: str, k: int, seeds: int, classes: Sequence[str], epochs: int, chance: np.random.Generator
) -> Arm:
    """One arm with `seeds` finished runs."""
    name = f"{model}/{reg}"
    done: dict[Any, Run] = {seed: run_of(name, model, reg, k, seed, classes, epochs, chance) for seed in range(seeds)}
    config = {"model.name": model, "reg.name": reg, "optimizer.lr": 0.005 if reg == "l2" else 0.001}
    return Arm(
        name=name, model=model, reg=reg, config=config, runs=tuple(done.values()), done=done, baseline=None,
        is_baseline=k == 0,
    )  # fmt: skip


def run_of(
    arm: str, model: str, reg: str, k: int, seed: int, classes: Sequence[str], epochs: int, chance: np.random.Generator
) -> Run:
    """A finished run, better with every `k`, with curves that overfit."""
    count = len(classes)
    level = 0.62 + 0.03 * min(k, 5) + 0.012 * chance.standard_normal()
    splits = {name: split_of(level + 0.15 * (name == "train"), n, classes, chance) for name, n in SIZES.items()}
    splits["all"] = split_of(level + 0.1, 1000, classes, chance)
    result = Result(
        status="done", config={"data": {"root": None}}, model=model, reg=reg, seed=seed, classes=list(classes),
        splits=splits, checkpoint="best", best_epoch=epochs - 3, epochs=epochs, seconds=310.0 + 9 * seed + 20 * k,
        parameters=170_458 + count, device="cpu", precision="32-true",
    )  # fmt: skip
    metrics = metrics_of(epochs, level, chance)
    name = f"{arm}/seed={seed}"
    return Run(
        folder=Path("/data") / str(seed), name=name, status="done", result=result, arm=arm,
        overrides=(f"model={model}", f"reg={reg}", f"seed={seed}"), read_metrics=lambda: metrics,
    )  # fmt: skip


def metrics_of(epochs: int, level: float, chance: np.random.Generator) -> dict[str, np.ndarray]:
    """The columns of a metrics.csv in which train rises on when val has settled."""
    epoch = np.arange(epochs, dtype=float)
    noise = 0.012 * chance.standard_normal((2, epochs))
    settled = 1 - np.exp(-(epoch + 1) / 4)
    return {
        "epoch": epoch,
        "train/loss": 2.3 * np.exp(-epoch / 9) + noise[0] ** 2,
        "train/acc": np.clip((level + 0.2) * settled + noise[0], 0, 1),
        "val/loss": 2.3 * np.exp(-epoch / 6) + 0.5 + 0.02 * epoch,
        "val/acc": np.clip(level * settled + noise[1], 0, 1),
        "lr": np.full(epochs, 0.001),
        "seconds": np.full(epochs, 15.0),
    }


def split_of(level: float, each: int, classes: Sequence[str], chance: np.random.Generator) -> SplitResult:
    """A split in which the classes' accuracies scatter around `level`; class k is mostly taken for its successor."""
    count = len(classes)
    matrix = np.zeros((count, count), dtype=int)
    for k in range(count):
        n = round(each * (0.6 + k / count))
        right = int(n * np.clip(level + 0.12 * np.sin(3 * k) + 0.03 * chance.standard_normal(), 0, 1))
        matrix[k, k] = right
        others = chance.multinomial(n - right, [0.4] + [0.6 / max(count - 2, 1)] * max(count - 2, 1))[: count - 1]
        for step, images in enumerate(others):
            matrix[k, (k + 1 + step) % count] += images
    shares = np.diag(matrix) / matrix.sum(axis=1)
    return SplitResult(
        n=int(matrix.sum()), loss=1.9 - 1.5 * level, acc=float(np.trace(matrix) / matrix.sum()),
        acc_macro=float(shares.mean()), ece=0.06, per_class=dict(zip(classes, map(float, shares), strict=True)),
        confusion=matrix.tolist(),
    )  # fmt: skip


def baseline_of(arm: Arm, arms: Sequence[Arm]) -> str | None:
    """The first arm of the same model, of the others."""
    first = next(other for other in arms if other.model == arm.model)
    return None if first is arm else first.name


def values(arm: Arm, split: str, metric: str) -> np.ndarray:
    """(seeds,) of one metric of one split."""
    return np.array([getattr(run.result.splits[split], metric) for run in arm.done.values() if run.result])


def spread(numbers: np.ndarray) -> tuple[float, float | None, float | None, float | None]:
    """Mean, the ends of an interval that is made up, and the standard std."""
    mean = float(numbers.mean())
    if len(numbers) < 2:
        return mean, None, None, None
    std = float(numbers.std(ddof=1))
    return mean, mean - 1.2 * std, mean + 1.2 * std, std


def arm_rows_of(arm: Arm) -> list[records.ArmRow]:
    """Every number of an arm."""
    if not arm.done:
        return []
    results = [run.result for run in arm.done.values() if run.result]
    of_splits = [(split, metric) for split in (*SIZES, "all") for metric in records.SPLIT_METRICS]
    numbers = {(split, metric): values(arm, split, metric) for split, metric in of_splits}
    numbers["", "gap"] = values(arm, "train", "acc") - values(arm, "val", "acc")
    numbers |= {("", metric): np.array([getattr(r, metric) for r in results]) for metric in records.RUN_METRICS[1:]}
    rows = []
    for (split, metric), found in numbers.items():
        mean, low, high, std = spread(found)
        rows.append(
            records.ArmRow(
                arm=arm.name, model=arm.model, reg=arm.reg, split=split, metric=metric, n_seeds=len(found), mean=mean,
                ci_low=low, ci_high=high, std=std,
            )
        )  # fmt: skip
    return rows


def comparisons_of(arm: Arm, arms: Sequence[Arm]) -> list[Comparison]:
    """An arm against its baseline, on every split by every metric."""
    baseline = next(other for other in arms if other.name == arm.baseline)
    found = []
    for split in records.COMPARED_SPLITS:
        for metric in records.COMPARED_METRICS:
            scale = 1.0 if metric == "loss" else 100.0
            deltas = scale * (values(arm, split, metric) - values(baseline, split, metric))
            found.append(comparison_of(arm, baseline, split, metric, deltas))
    return found


def comparison_of(arm: Arm, baseline: Arm, split: str, metric: str, deltas: np.ndarray) -> Comparison:
    """One comparison, with a verdict by a rule of thumb."""
    mean, low, high, std = spread(deltas)
    verdict = "not shown"
    if low is None or high is None:
        verdict = "too few seeds"
    elif low > 0 or high < 0:
        verdict = "gain" if (low > 0) != (metric == "loss") else "loss"
    family = "" if split == "all" else f"{arm.model}: {metric} on {split}"
    verdict = verdict if family else "not judged"
    confounded = arm.reg == "l2"
    keys = (("reg.weight_decay", 1e-5, 0.0), ("optimizer.lr", 0.005, 0.001))[: 1 + confounded]
    differences = tuple(Difference(key=key, value=a, baseline=b) for key, a, b in keys)
    p = 0.004 if verdict in ("gain", "loss") else 0.31
    images = records.ImagesTest(
        n=1100, corrected=210, regressed=160, p_values=dict.fromkeys(arm.done, 0.03) if metric == "acc" else {},
        ci_low=mean - 1.0, ci_high=mean + 1.0,
    )  # fmt: skip
    seeds = records.SeedsTest(
        deltas=dict(zip(arm.done, map(float, deltas), strict=True)), std=std, p_value=None if low is None else p / 2,
        ci_low=low, ci_high=high,
    )  # fmt: skip
    return Comparison(
        arm=arm.name, baseline=baseline.name, split=split, metric=metric, seeds=tuple(arm.done), n_seeds=len(deltas),
        n_arm=len(deltas), n_baseline=len(deltas),
        delta=mean, ci_low=low, ci_high=high, p_value=None if low is None else p,
        p_adjusted=None if low is None else min(1.0, 3 * p), family=family, n_family=4,
        simultaneous_low=None if low is None else low - 0.4, simultaneous_high=None if high is None else high + 0.4,
        p_beats=0.8, p_beats_low=0.61, p_beats_high=0.93, verdict=verdict, fair=not confounded,
        confounded=confounded, differs=tuple(d.key for d in differences), differences=differences,
        separating=("this arm at the baseline's rate: reg=l2 optimizer.lr=0.001",) if confounded else (),
        images_test=images, seeds_test=seeds, seeds_needed=9 if metric == "acc" else None,
    )  # fmt: skip


def answer_of(model: str, comparisons: Sequence[Comparison]) -> records.Answer:
    """A sentence on one network."""
    mine = [c for c in comparisons if c.arm.startswith(model + "/") and (c.split, c.metric) == ("test", "acc")]
    if not mine:
        return records.Answer(model=model, split="test", text=f"{model}: there is nothing to compare.")
    best = max(mine, key=lambda c: c.delta or 0.0)
    text = f"{model}: {best.arm} is the best of {len(mine)}, {best.delta:+.1f} points: {best.verdict}."
    return records.Answer(
        model=model,
        split="test",
        text=text,
        arm=best.arm,
        baseline=best.baseline,
        comparison=best,
        confounded=best.confounded,
    )


def class_rows_of(arm: Arm, arms: Sequence[Arm], classes: Sequence[str]) -> list[records.ClassRow]:
    """Every class of an arm on val, test and all."""
    baseline = next((other for other in arms if other.name == arm.baseline), None)
    rows = []
    for split in ("val", "test", "all") if arm.done else ():
        mine, other = (None if a is None else recall(a, split) for a in (arm, baseline))
        for k, name in enumerate(classes):
            assert mine is not None
            low, high = float(mine[:, k].min()), float(mine[:, k].max())
            change = None if other is None else float(100 * (mine[:, k] - other[:, k]).mean())
            rows.append(
                records.ClassRow(
                    arm=arm.name, baseline=arm.baseline, split=split, class_name=name, n_images=60 + 10 * k,
                    n_train=480 + 80 * k, n_seeds=len(mine), accuracy=float(mine[:, k].mean()), ci_low=low,
                    ci_high=high, change=change, change_low=None if change is None else change - 4.2,
                    change_high=None if change is None else change + 4.2, change_of="" if change is None else "seeds",
                )
            )  # fmt: skip
    return rows


def recall(arm: Arm, split: str) -> np.ndarray:
    """(seeds, K) accuracies."""
    return np.array([list(run.result.splits[split].per_class.values()) for run in arm.done.values() if run.result])


def confused_of(arm: Arm, classes: Sequence[str]) -> list[records.Confused]:
    """The first three classes of an arm, each taken for the next one."""
    pairs = list(pairwise(classes))[:3]
    return [
        records.Confused(arm=arm.name, split="test", true=a, predicted=b, images=9.2 - k, share=0.12 - 0.01 * k)
        for k, (a, b) in enumerate(pairs)
    ]


def link_of(arm: Arm, k: int) -> records.ClassLink:
    """A rank correlation."""
    return records.ClassLink(arm=arm.name, split="test", n_classes=10, rho=0.7 - 0.1 * min(k, 9), p_value=0.02)


def reliability_of(arm: Arm) -> records.Reliability:
    """Fifteen bins, of which the first is empty; surer than right."""
    edges = tuple(k / 15 for k in range(16))
    middle = [(a + b) / 2 for a, b in pairwise(edges)]
    return records.Reliability(
        arm=arm.name, split="test", edges=edges, counts=tuple(10 * k for k in range(15)),
        confidence=(None, *middle[1:]), accuracy=(None, *(m * 0.9 for m in middle[1:])), ece=0.07,
    )  # fmt: skip


def data_set_of(classes: Sequence[str], runs: int, root: Path | None) -> records.DataSet:
    """The made-up images."""
    counts = {split: dict.fromkeys(classes, n) for split, n in SIZES.items()}
    return records.DataSet(
        name="toy", root=None if root is None else str(root), fingerprint="ab" * 32, classes=tuple(classes),
        counts=counts, runs=runs, is_animals10=False,
    )  # fmt: skip


def published_of(arms: Sequence[Arm], classes: Sequence[str]) -> tuple[records.PublishedRow, ...]:
    """Two runs, of which we have one."""
    ours = arms[0].name if arms else None
    rows = []
    for run, arm in (("simple CNN, L2", ours), ("ResNet18", None)):
        for k, name in enumerate((*classes[:10], "weighted", "mean")):
            mine = None if arm is None else 60.0 + 2 * k
            rows.append(
                records.PublishedRow(
                    split=records.ALL_DATA,
                    run=run, arm=arm, class_name=name, published=55.0 + 3 * k, ours=mine,
                    difference=None if mine is None else mine - 55.0 - 3 * k,
                )
            )  # fmt: skip
    return tuple(rows)


def statements_of(arms: Sequence[Arm]) -> tuple[records.Statement, ...]:
    """S1 to S16."""
    verdicts = ("holds", "does not hold", "cannot be decided")
    figures = ("learning", "learning", "confusion", "classes", "arms")
    return tuple(
        records.Statement(
            id=f"S{k + 1}", says="validation accuracy settles between 55 and 60", verdict=verdicts[k % 3],  # type: ignore[arg-type]
            holds_when="the mean of val/acc over the last third of the epochs is in [55, 60]",
            evidence="57.2 % over the last 7 epochs, mean over 5 seeds", arms=tuple(arm.name for arm in arms[:1]),
            figure=figures[k % 5],  # type: ignore[arg-type]
        )
        for k in range(16)
    )  # fmt: skip


def notes_of(arms: Sequence[Arm], classes: Sequence[str], root: Path | None) -> list[records.ImageNote]:
    """Images of each kind: those that lie below `root`, or ones that are gone."""
    files = sorted(root.rglob("*.*")) if root else [Path(f"/gone/{classes[0]}/{k}.png") for k in range(9)]
    kinds = ("wrong", "corrected", "regressed")
    return [
        records.ImageNote(
            kind=kinds[k % 3], arm=arm.name, baseline=arm.baseline if k % 3 else None, split="test",  # type: ignore[arg-type]
            path=f"{file.parent.name}/{file.name}", root=file.parent.parent, true=classes[0], predicted=classes[-1],
            confidence=0.97 - 0.01 * k, seeds=5, n_seeds=5,
        )
        for arm in arms for k, file in enumerate(files)
    ]  # fmt: skip


def command_of(run: Run) -> records.Command:
    """What made a run."""
    return records.Command(run=run.name, line="python -m animal_cls " + " ".join(f"'{o}'" for o in run.overrides or ()))


def hostile_study(root: Path) -> Study:
    """Names that would run a script, load an image or break out of an attribute, a formula or a file."""
    script = "<script>window.hacked = 1</script>"
    image = '"><img src=http://example.invalid/x.png onerror="window.hacked = 2">'
    made = study_of(
        models=(script, "$x_1$ ${y}"), regs=("none", image, "l2' onclick='window.hacked = 3"), seeds=2, epochs=6,
        classes=(f"{script} cat", image, "\udcff\n{{ 7 * 7 }}", "$\\alpha$ " + "long " * 30), root=root,
        published_note=script, run_warnings={image: (script,)}, warnings=(script, image), versions={script: (image,)},
    )  # fmt: skip
    failed = Run(
        folder=Path("/data/failed"),
        name=f"{script}/failed",
        status="failed",
        reason=f"{image}\nout of memory",
        arm=None,
    )
    unfinished = Run(folder=Path("/data/unfinished"), name="planned", status="unfinished")
    return replace(made, runs=(*made.runs, failed, unfinished))
