"""The last words of a run and of a sweep, to the letter."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from animal_cls.results import Result
from animal_cls.sweeps.run_status import RunStatus
from animal_cls.sweeps.summary import summary, sweep_table, worst_class

CLASSES = ["cat", "dog", "horse"]
TRAIN = [[900, 80, 20], [10, 1990, 0], [0, 0, 500]]
VAL = [[20, 19, 11], [5, 95, 0], [0, 4, 46]]
ALL = [[920, 99, 31], [15, 2085, 0], [0, 4, 546]]


def test_summary_to_the_letter(make_result: Callable[..., Result]) -> None:
    result = make_result(
        CLASSES,
        {"train": TRAIN, "val": VAL, "all": ALL},
        seconds=754.2,
        images_per_second=1340.4,
        parameters=234567,
        device="NVIDIA H100",
        precision="bf16-mixed",
        warnings=["reg=dropout had no effect"],
    )
    text = summary(result, Path("outputs/a b"), tensorboard=Path("outputs/a b/tensorboard"))
    assert (
        text
        == """\
simple_cnn, reg=dropout, seed 3: done

split  images  accuracy  class-balanced   loss
train   3,500    96.9 %          96.5 %  1.000
val       200    80.5 %          75.7 %  1.000
all     3,700    96.0 %          95.4 %  1.000

checkpoint   best checkpoint (epoch 2 of 4)
worst class  cat, 40.0 % of its 50 images in val; mostly taken for dog (38.0 %)
training     4 epochs in 12 min 34 s, 1,340 training images/s
network      234,567 parameters
computed     on NVIDIA H100 in bf16-mixed
folder       outputs/a b
curves       tensorboard --logdir 'outputs/a b/tensorboard'

warning: reg=dropout had no effect"""
    )


def test_failed_run_says_why_and_where(make_result: Callable[..., Result]) -> None:
    result = make_result(
        [], {}, status="failed", reason="loss is NaN\nin epoch 3", checkpoint=None, epochs=0, best_epoch=None
    )
    assert (
        summary(result, Path("x"), tensorboard=Path("x/tensorboard"))
        == """\
simple_cnn, reg=dropout, seed 3: failed: loss is NaN
    in epoch 3

folder  x
curves  tensorboard --logdir x/tensorboard"""
    )


def test_worst_class_is_evaluated_on_all_where_val_has_too_few_images(make_result: Callable[..., Result]) -> None:
    few = [[4, 3, 2], [0, 9, 0], [0, 0, 9]]
    said = worst_class(make_result(CLASSES, {"val": few, "all": ALL}))
    assert said == "cat, 87.6 % of its 1,050 images in all (training images included); mostly taken for dog (9.4 %)"


def test_worst_class_is_evaluated_on_all_where_val_has_a_tie(make_result: Callable[..., Result]) -> None:
    tie = [[20, 20, 10], [30, 20, 0], [0, 0, 50]]
    said = worst_class(make_result(CLASSES, {"val": tie, "all": ALL}))
    assert str(said).startswith("cat, 87.6 % of its 1,050 images in all")


def test_ties_are_said(make_result: Callable[..., Result]) -> None:
    said = worst_class(make_result(CLASSES, {"val": [[30, 10, 10], [20, 30, 0], [0, 0, 50]]}))
    assert (
        said
        == "cat (and 1 more equally bad), 60.0 % of its 50 images in val; mostly taken for dog or horse (20.0 % each)"
    )


def test_perfect_network_has_no_worst_class(make_result: Callable[..., Result]) -> None:
    said = worst_class(make_result(CLASSES, {"val": [[30, 0, 0], [0, 30, 0], [0, 0, 0]]}))
    assert said == "none: every image of val is recognised"


def test_class_without_images_is_not_the_worst(make_result: Callable[..., Result]) -> None:
    said = worst_class(make_result(CLASSES, {"val": [[0, 0, 0], [1, 29, 0], [0, 0, 30]]}))
    assert said == "dog, 96.7 % of its 30 images in val; mostly taken for cat (3.3 %)"


def test_split_without_any_image_has_no_worst_class(make_result: Callable[..., Result]) -> None:
    full = make_result(["cat", "dog"], {"val": [[1, 0], [0, 1]]})
    empty = replace(full.splits["val"], n=0, confusion=[[0, 0], [0, 0]])
    assert worst_class(replace(full, splits={"val": empty})) is None


def test_class_names_cannot_control_the_terminal(make_result: Callable[..., Result]) -> None:
    said = worst_class(make_result(["\x1b[2J", "\udcff"], {"val": [[10, 20], [0, 30]]}))
    assert said == r"\u001b[2J, 33.3 % of its 30 images in val; mostly taken for \udcff (66.7 %)"


def ended(result: Result) -> RunStatus:
    return RunStatus(status=result.status, detail=result.reason or "", result=result)


def test_sweep_table_to_the_letter(make_result: Callable[..., Result]) -> None:
    done = make_result(CLASSES, {"train": TRAIN, "val": VAL, "test": ALL}, seconds=1754.26)
    skipped = make_result([], {}, status="skipped", reason="published weights: not reachable", seconds=0.0)
    failed = replace(skipped, status="failed", reason="out of memory\nuse data.batch_size=64", seconds=3.0)
    rows = [
        ("model=simple_cnn,reg=none,seed=0", ended(done)),
        ("model=resnet18_pretrained,reg=none", ended(skipped)),
        ("model=resnet18_pretrained,reg=l2", ended(skipped)),
        ("model=resnet18,reg=none", ended(failed)),
        ("模型", RunStatus(status="queued")),
        ("model=simple_cnn,reg=l2", ended(make_result(CLASSES, {"val": VAL}, seconds=8.0))),
        ("model=simple_cnn,reg=l1", RunStatus(status="running", detail="on box, process 7")),
        ("model=simple_cnn,reg=sam", RunStatus(status="unreadable", detail="result.json: damaged")),
    ]
    assert (
        sweep_table(rows)
        == """\
job                                 status      train acc  val acc  test acc  seconds
model=simple_cnn,reg=none,seed=0    done           96.9 %   80.5 %    96.0 %  1,754.3
model=resnet18_pretrained,reg=none  skipped             -        -         -        -
model=resnet18_pretrained,reg=l2    skipped             -        -         -        -
model=resnet18,reg=none             failed              -        -         -      3.0
模型                                queued              -        -         -        -
model=simple_cnn,reg=l2             done                -   80.5 %         -      8.0
model=simple_cnn,reg=l1             running             -        -         -        -
model=simple_cnn,reg=sam            unreadable          -        -         -        -

2 jobs skipped: published weights: not reachable
model=resnet18,reg=none failed: out of memory
    use data.batch_size=64
model=simple_cnn,reg=l1 running: on box, process 7
model=simple_cnn,reg=sam unreadable: result.json: damaged

2 done, 1 failed, 2 skipped, 1 running, 1 queued, 1 unreadable"""
    )


def test_same_reason_of_a_skip_and_a_failure_is_said_of_each(make_result: Callable[..., Result]) -> None:
    skipped = make_result([], {}, status="skipped", reason="why")
    others = replace(skipped, status="failed"), replace(skipped, reason=None)
    text = sweep_table([(name, ended(one)) for name, one in zip("abc", (skipped, *others), strict=True)])
    assert "a skipped: why\nb failed: why\nc skipped: no reason given\n\n1 failed, 2 skipped" in text


def test_sweep_without_jobs() -> None:
    assert sweep_table([]).endswith("\n\nno jobs")


def test_texts_need_no_heavy_library() -> None:
    code = "import sys, animal_cls.sweeps.summary\n"
    code += "print(sorted({'matplotlib', 'torch', 'hydra'} & sys.modules.keys()))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout.strip() == "[]", out.stderr


def test_checkpoints_count_epochs_from_one(make_result: Callable[..., Result]) -> None:
    best, last, none = (make_result(["a"], {}, checkpoint=of, best_epoch=0, epochs=5) for of in ("best", "last", None))
    assert best.evaluated_checkpoint == "best checkpoint (epoch 1 of 5)"
    assert last.evaluated_checkpoint == "last checkpoint (epoch 5)"
    assert none.evaluated_checkpoint is None
