"""Two arms beside each other: their difference, what stands behind it, and whether it is fair."""

from dataclasses import dataclass
from typing import Any, Literal

Verdict = Literal["gain", "loss", "no difference shown", "too few seeds", "no effect reached the network"]

COMPARED_SPLITS = ("val", "test", "all")
COMPARED_METRICS = ("acc", "acc_macro", "loss")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One key in which two configs differ."""

    key: str  # dotted: optimizer.lr
    value: Any  # in the arm; None also where it has no such key
    baseline: Any


@dataclass(frozen=True, kw_only=True)
class ImagesTest:
    """Chance of the *images*: these weights, on other images. None of it speaks about other seeds."""

    n: int  # images that both runs have in this split
    corrected: int  # images, summed over seeds: the arm is right and the baseline wrong
    regressed: int  # the other way round
    p_values: dict[int, float]  # seed -> exact McNemar test
    ci_low: float | None  # paired bootstrap over images of the mean difference of these runs; points
    ci_high: float | None


@dataclass(frozen=True, kw_only=True)
class SeedsTest:
    """Chance of the *seeds*: other weights and orders, on these very images."""

    deltas: dict[int, float]  # seed -> difference, points or nats
    std: float | None  # of the differences, n - 1; None with one seed
    p_value: float | None  # paired t; None with one seed, or where all differences are the same
    ci_low: float | None  # paired t-interval
    ci_high: float | None
    smallest_signed_rank_p: float | None  # below which no exact two-sided signed-rank test of so many seeds can fall
    note: str  # what so many seeds cannot show, in a sentence


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """An arm against another one, on one split by one metric: a row of comparisons.csv and what stands behind it."""

    arm: str
    baseline: str
    split: str  # of COMPARED_SPLITS
    metric: str  # of COMPARED_METRICS
    requested: bool = False  # asked for by --compare: `baseline` is then just the other arm
    seeds: tuple[int, ...]  # that both have
    n_seeds: int
    delta: float | None  # arm - baseline, mean over `seeds`: points or, for loss, nats; None: no seed in both
    ci_low: float | None  # 95 %, both sources of chance
    ci_high: float | None
    p_value: float | None
    p_adjusted: float | None  # Holm, over all of one metric and split; those with baselines do not count requested ones
    verdict: Verdict  # from p_adjusted and n_seeds; gain = the arm is better (for loss: lower)
    fair: bool  # one factor differs and reached the network, the images and splits are the same
    confounded: bool  # more than one factor differs
    differs: tuple[str, ...]  # the keys that differ, without those that only follow others
    differences: tuple[Difference, ...]  # the same with the values
    no_effect: str = ""  # why nothing that differs reached the network, in words; "" where something did
    separating: tuple[str, ...] = ()  # in words with the overrides: runs that would tell the factors apart
    notes: tuple[str, ...] = ()  # differing splits, fingerprints, precision, device, versions; seeds without a partner
    images_test: ImagesTest | None = None  # None without predictions, and for loss
    seeds_test: SeedsTest | None = None  # None without a seed in both
    seeds_needed: int | None = None  # to show two points with 80 % power; None: see the next, or metric is loss
    seeds_needed_why: str = ""  # "enough", "more than cap" (100), "too few images" or "unknown"
    over: Literal["seeds and images", "images", "seeds", ""] = ""  # which chance interval and p-value speak of

    @property
    def unit(self) -> str:
        """What `delta` and its interval are in."""
        return "nats" if self.metric == "loss" else "points"
