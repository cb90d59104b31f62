"""Differences against hand arithmetic, and what is said where little can be."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from animal_cls import results, statistics
from animal_cls.errors import UserError
from animal_cls.results import MethodRecord
from tests.report.analysis.comparing import compared, many, noisy, one

Write = Callable[..., Path]
Share = Callable[[int, int], list[bool]]


@pytest.fixture
def study(tmp_path: Path, write_run: Write, share: Share) -> Path:
    """Two arms, two seeds: of 100 cats and 50 dogs in val the baseline has 60 and 40, dropout 70, 42 and 66, 44."""
    right = {("none", 0): (60, 40), ("none", 1): (60, 40), ("dropout", 0): (70, 42), ("dropout", 1): (66, 44)}
    for (reg, seed), (cats, dogs) in right.items():
        val = {"cat": share(cats, 100), "dog": share(dogs, 50)}
        train = {"cat": share(9, 10), "dog": share(9, 10)}
        write_run(tmp_path / f"{reg}{seed}", {"train": train, "val": val}, reg=reg, seed=seed)
    return tmp_path


def test_differences_by_hand(study: Path) -> None:
    found = compared(study)
    acc = one(found)
    assert (acc.arm, acc.baseline) == ("simple_cnn/dropout", "simple_cnn/none")
    assert acc.delta == pytest.approx(100 * ((12 + 10) / 2) / 150)
    assert acc.n_seeds == 2
    assert acc.seeds == (0, 1)
    assert acc.seeds_test is not None
    assert acc.seeds_test.deltas == pytest.approx({0: 1200 / 150, 1: 1000 / 150})
    macro = one(found, metric="acc_macro")
    assert macro.delta == pytest.approx(((10 + 6) / 2 + (4 + 8) / 2) / 2), "points of each class, averaged"
    loss = one(found, metric="loss")
    step = np.log(0.1) - np.log(0.9)  # nats, of an image that is corrected: 0.1 on the true class before, 0.9 after
    assert loss.delta == pytest.approx(step * 11 / 150, rel=1e-6)
    assert (acc.unit, macro.unit, loss.unit) == ("points", "points", "nats")


def test_rows_for_every_split_that_there_is(study: Path) -> None:
    rows = [(c.split, c.metric) for c in compared(study)]
    assert rows == [(split, metric) for split in ("val", "all") for metric in ("acc", "acc_macro", "loss")]


def test_both_chances_are_kept_apart(study: Path) -> None:
    acc = one(compared(study))
    assert acc.images_test is not None
    assert acc.seeds_test is not None
    assert (acc.images_test.corrected, acc.images_test.regressed) == (22, 0)
    assert acc.images_test.p_values == pytest.approx({0: 2 * 0.5**12, 1: 2 * 0.5**10})
    deltas = [1200 / 150, 1000 / 150]
    assert acc.seeds_test.p_value == pytest.approx(stats.ttest_1samp(deltas, 0)[1])
    assert acc.seeds_test.std == pytest.approx(np.std(deltas, ddof=1))
    assert acc.over == "seeds and images"


def test_images_that_were_trained_on_tell_nothing_of_other_ones(study: Path) -> None:
    tests = {c.split: c.images_test for c in compared(study) if c.metric == "acc"}
    assert {split: test is not None and test.ci_low is not None for split, test in tests.items()} == {
        "val": True,
        "all": False,
    }
    assert tests["all"] is not None
    assert tests["all"].corrected is not None


def test_arms_that_agree_everywhere_are_not_called_equal_to_the_last_image(
    tmp_path: Path, write_run: Write, share: Share
) -> None:
    """100 images in 2 classes: of 1 - 0.05 ** (1 / 100) = 2.95 % of all, the runs might disagree."""
    for reg in ("none", "dropout"):
        write_run(tmp_path / reg, {"val": {"cat": share(40, 50), "dog": share(30, 50)}}, reg=reg)
    found = compared(tmp_path)
    acc, macro, loss = (one(found, metric=metric) for metric in ("acc", "acc_macro", "loss"))
    assert (acc.delta, acc.ci_low, acc.ci_high) == pytest.approx((0, -2.9513, 2.9513), rel=1e-4)
    assert (macro.ci_low, macro.ci_high) == pytest.approx((acc.ci_low, acc.ci_high)), "the classes are equally large"
    assert acc.images_test is not None
    assert (acc.images_test.ci_low, acc.images_test.ci_high) == pytest.approx((-2.9513, 2.9513), rel=1e-4)
    assert loss.delta == pytest.approx(0, abs=1e-6)


def losing(folder: Path, write: Write, reg: str, *, nats: float, twin: bool, acted: bool = True) -> None:
    """Three images, of which one has probability 0 for its class: a loss that its table does not hold."""
    write(folder, {"val": {"cat": [True, False], "dog": [True]}}, reg=reg)
    said, result = results.read_predictions(folder), results.load(folder)
    assert result is not None
    sure = np.where(said.probabilities > 0.5, 1, 0).astype(np.float32)
    results.write_predictions(replace(said, probabilities=sure, loss=np.array([0, nats, 0.0])), folder)
    splits = {name: replace(split, loss=nats / 3) for name, split in result.splits.items()}
    (folder / "result.json").unlink()
    methods = [MethodRecord(key="reg.dropout", strength=0.3, acted=acted, reason=None if acted else "it takes none")]
    files = results.digests(folder) if twin else {}
    results.save(replace(result, splits=splits, files=files, methods=methods if reg == "dropout" else []), folder)


@pytest.mark.parametrize("twin", [True, False])
def test_the_loss_is_that_of_the_arms_whatever_the_probabilities_hold(
    tmp_path: Path, write_run: Write, twin: bool
) -> None:
    for reg, nats in (("none", 300.0), ("dropout", 900.0)):
        losing(tmp_path / reg, write_run, reg, nats=nats, twin=twin)
    loss = one(compared(tmp_path), metric="loss")
    assert loss.delta == pytest.approx(200)
    told = "predictions.csv rounds some probabilities to 0, whose loss is in no table"
    assert any(told in note for note in loss.notes) is not twin


@pytest.mark.parametrize("acted", [True, False])
def test_what_reached_no_network_is_no_difference_and_not_fair(tmp_path: Path, write_run: Write, acted: bool) -> None:
    """Either no run of the arm says that its method acted, or what it says of every image is the baseline's."""
    for reg in ("none", "dropout"):
        losing(tmp_path / reg, write_run, reg, nats=9.0 if acted or reg == "none" else 8.0, twin=True, acted=acted)
    found = one(compared(tmp_path), metric="acc")
    same = "all predictions are those of simple_cnn/none, bit for bit"
    assert found.no_effect == (same if acted else "reg.dropout did not act (it takes none)")
    assert (found.verdict, found.fair, found.confounded) == ("no effect reached the network", False, False)


def test_one_image_that_differs_is_an_effect(tmp_path: Path, write_run: Write) -> None:
    for reg, nats in (("none", 9.0), ("dropout", 9.000001)):
        losing(tmp_path / reg, write_run, reg, nats=nats, twin=True)
    assert one(compared(tmp_path), metric="acc").no_effect == ""


def test_the_headline_is_that_of_statistics(study: Path) -> None:
    acc = one(compared(study))
    right = {"none": [60, 60], "dropout": [70, 66]}, {"none": [40, 40], "dropout": [42, 44]}
    tables = [
        np.array(
            [[k < cats for k in range(100)] + [k < dogs for k in range(50)] for cats, dogs in zip(*pair, strict=True)]
        )
        for pair in zip(*(part.values() for part in right), strict=True)
    ]
    test = statistics.compare(tables[1], tables[0])
    assert (acc.ci_low, acc.ci_high) == pytest.approx((100 * test.low, 100 * test.high))
    assert acc.p_value == pytest.approx(test.p_value)


def test_how_often_one_training_beats_another(study: Path) -> None:
    """Each of both dropout runs is above each of both others: 4 of 4 pairs."""
    acc = one(compared(study))
    assert acc.p_beats == 1
    assert acc.p_beats_low is not None
    assert 0 < acc.p_beats_low < 0.5 < 1 == acc.p_beats_high
    assert one(compared(study), metric="loss").p_beats == 1, "a lower loss is better"


def test_near_copies_are_one_image(tmp_path: Path, write_run: Write) -> None:
    """In the verdict, the bootstrap and the class; the difference stays what it is."""
    rng, groups = np.random.default_rng(0), [k // 4 for k in range(200)]
    copied = {reg: [np.repeat(noisy(rng, 25, 0.6), 4).tolist() for _ in "cd"] for reg in REGS}  # cats and dogs
    hits = {(reg, s): {"val": dict(zip(("cat", "dog"), copied[reg], strict=True))} for reg in REGS for s in (0, 1)}
    for told in (True, False):
        for (reg, seed), of in hits.items():
            write_run(tmp_path / f"{told}/{reg}{seed}", of, reg=reg, seed=seed, groups=groups if told else None)
    known, unknown = (one(compared(tmp_path / str(told))) for told in (True, False))
    arms = [np.array([hits[reg, s]["val"]["cat"] + hits[reg, s]["val"]["dog"] for s in (0, 1)]) for reg in REGS]
    test = statistics.compare(arms[1], arms[0], groups=groups, shares=True)
    assert (known.ci_low, known.ci_high) == pytest.approx((100 * test.low, 100 * test.high))
    assert known.delta == pytest.approx(unknown.delta)
    assert known.images_test is not None
    assert unknown.images_test is not None
    for wide, narrow in ((known, unknown), (known.images_test, unknown.images_test)):
        assert (wide.ci_high or 0) - (wide.ci_low or 0) > 1.6 * ((narrow.ci_high or 0) - (narrow.ci_low or 0))


REGS = ("none", "dropout")


def test_one_seed_speaks_of_these_weights_only(tmp_path: Path, write_run: Write, share: Share) -> None:
    for reg, right in (("none", 20), ("dropout", 90)):
        write_run(tmp_path / reg, {"val": {"cat": share(right, 100), "dog": share(50, 50)}}, reg=reg)
    acc = one(compared(tmp_path))
    assert acc.verdict == "too few seeds"
    assert (acc.p_value, acc.p_adjusted) == (None, None)
    assert acc.over == "images"
    assert acc.ci_low is not None
    assert acc.ci_low > 0
    assert acc.seeds_test is not None
    assert acc.seeds_test.ci_low is None
    assert (acc.seeds_needed, acc.seeds_needed_why) == (None, "unknown")


def test_equal_arms_show_no_difference(tmp_path: Path, write_run: Write, share: Share) -> None:
    for reg in ("none", "dropout"):
        for seed in range(3):
            hits = {"val": {"cat": share(5 + seed, 10), "dog": share(5, 10)}}
            write_run(tmp_path / f"{reg}{seed}", hits, reg=reg, seed=seed)
    acc = one(compared(tmp_path))
    assert (acc.delta, acc.p_value, acc.verdict) == (0, 1, "not shown")


def test_holm_is_within_one_metric_and_split(tmp_path: Path, write_run: Write) -> None:
    many(tmp_path, write_run, {"none": 0.5, "dropout=0.3": 0.6, "dropout=0.5": 0.52, "l2": 0.8}, seeds=4)
    found = compared(tmp_path)
    for metric in ("acc", "acc_macro", "loss"):
        family = [c for c in found if (c.split, c.metric) == ("val", metric)]
        raw = [c.p_value for c in family]
        assert len(family) == 3
        assert None not in raw
        assert [c.p_adjusted for c in family] == pytest.approx(statistics.holm(np.array(raw, dtype=float)))
    assert one(found, arm="l2").verdict == "gain"
    assert one(found, arm="l2", metric="loss").verdict == "gain", "a lower loss is a gain"
    assert (one(found, arm="l2", metric="loss").delta or 0) < 0


def test_a_worse_arm_is_a_loss(tmp_path: Path, write_run: Write) -> None:
    many(tmp_path, write_run, {"none": 0.8, "l2": 0.5}, seeds=4)
    found = compared(tmp_path)
    assert {one(found, arm="l2", metric=metric).verdict for metric in ("acc", "acc_macro", "loss")} == {"loss"}


def test_a_pair_on_request(tmp_path: Path, write_run: Write) -> None:
    many(tmp_path, write_run, {"none": 0.5, "dropout": 0.6, "l2": 0.8}, seeds=3)
    before = compared(tmp_path)
    after = compared(tmp_path, ("simple_cnn/l2", "simple_cnn/dropout"), ("simple_cnn/l2", "simple_cnn/none"))
    assert after[: len(before)] == before, "what is asked for changes no other verdict"
    extra = after[len(before) :]
    assert {(c.arm, c.baseline, c.requested) for c in extra} == {("simple_cnn/l2", "simple_cnn/dropout", True)}
    assert extra[0].differs == ("reg.dropout", "reg.weight_decay")
    assert extra[0].p_adjusted is not None
    assert extra[0].p_value is not None
    assert extra[0].p_adjusted >= extra[0].p_value
    with pytest.raises(UserError, match=r"--compare nobody: no such arm\. Arms: simple_cnn/none, simple_cnn/dropout, "):
        compared(tmp_path, ("nobody", "simple_cnn/none"))


def test_only_common_images_are_paired(tmp_path: Path, write_run: Write, share: Share) -> None:
    """The arm saw ten cats in val, the baseline twelve: the first ten are the same files."""
    for seed in (0, 1):
        write_run(tmp_path / f"a{seed}", {"val": {"cat": share(6, 12), "dog": share(5, 10)}}, seed=seed)
        hits = {"val": {"cat": share(8, 10), "dog": share(5, 10)}}
        write_run(tmp_path / f"b{seed}", hits, seed=seed, reg="dropout", data_fingerprint="0" * 64)
    acc = one(compared(tmp_path))
    assert acc.delta == pytest.approx(100 * 2 / 20)
    assert not acc.fair
    assert not acc.confounded
    assert "the images differ (data fingerprint)" in acc.notes
    assert "only the 20 images that both have in val are compared" in acc.notes


def test_without_predictions_the_seeds_alone_speak(tmp_path: Path, write_run: Write) -> None:
    many(tmp_path, write_run, {"none": 0.5, "dropout": 0.9}, seeds=4)
    for path in tmp_path.glob("dropout*/predictions.csv"):
        path.unlink()
    acc = one(compared(tmp_path))
    assert (acc.over, acc.n_seeds, acc.verdict) == ("seeds", 4, "not shown")
    assert acc.delta == pytest.approx(40, abs=5)
    assert acc.images_test is None
    assert acc.p_value is None
    assert "no image can be paired" in acc.notes[-1]


def test_files_that_disagree_are_named(tmp_path: Path, write_run: Write, share: Share) -> None:
    write_run(tmp_path / "a", {"val": {"cat": share(6, 12), "dog": share(5, 10)}})
    write_run(tmp_path / "b", {"val": {"cat": share(8, 12), "dog": share(5, 10)}}, reg="dropout")
    text = (tmp_path / "a" / "predictions.csv").read_text()
    (tmp_path / "b" / "predictions.csv").write_text(text)
    (note,) = one(compared(tmp_path)).notes
    assert note == "simple_cnn/dropout/seed=0: predictions.csv and result.json disagree on val (50.0 % and 59.1 %)"


def test_a_failed_arm_has_no_row(tmp_path: Path, write_run: Write, share: Share) -> None:
    write_run(tmp_path / "a", {"val": {"cat": share(6, 12), "dog": share(5, 10)}})
    write_run(tmp_path / "b", {"val": {"cat": [True]}}, reg="dropout", status="failed", reason="NaN", splits={})
    assert compared(tmp_path) == []
