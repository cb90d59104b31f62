"""Intervals, tests and verdicts as pure functions over arrays: how sure are we of a number, and of a difference?

Letters: S seeds, N images. NaN means "cannot be known from these values".
The method and its limits in plain language, and the simulation that checks it: docs/statistics.md.
"""

from animal_cls.statistics.calibration import Calibration, RankCorrelation, expected_calibration, spearman
from animal_cls.statistics.chances import Beats, choosing_bias, p_beats
from animal_cls.statistics.contrasts import Contrast, DoseResponse, contrast, contrasts, dose_response
from animal_cls.statistics.crossed import CrossedTest, Variances, compare
from animal_cls.statistics.failures import fisher
from animal_cls.statistics.folds import fold_interval, paired_folds
from animal_cls.statistics.images import ImageInterval, McNemar, Share, mcnemar, paired_bootstrap, wilson
from animal_cls.statistics.label_errors import suspected_classes
from animal_cls.statistics.levels import Level, level_interval
from animal_cls.statistics.planning import SeedsNeeded, seeds_needed
from animal_cls.statistics.ranks import pairwise_p_values, rank_ranges
from animal_cls.statistics.seeds import Interval, SeedTest, mean_interval, paired_seeds, unpaired_seeds
from animal_cls.statistics.verdicts import equivalent, holm, no_difference_beyond, simultaneous_interval, verdict

__all__ = [
    "Beats",
    "Calibration",
    "Contrast",
    "CrossedTest",
    "DoseResponse",
    "ImageInterval",
    "Interval",
    "Level",
    "McNemar",
    "RankCorrelation",
    "SeedTest",
    "SeedsNeeded",
    "Share",
    "Variances",
    "choosing_bias",
    "compare",
    "contrast",
    "contrasts",
    "dose_response",
    "equivalent",
    "expected_calibration",
    "fisher",
    "fold_interval",
    "holm",
    "level_interval",
    "mcnemar",
    "mean_interval",
    "no_difference_beyond",
    "p_beats",
    "paired_bootstrap",
    "paired_folds",
    "paired_seeds",
    "pairwise_p_values",
    "rank_ranges",
    "seeds_needed",
    "simultaneous_interval",
    "spearman",
    "suspected_classes",
    "unpaired_seeds",
    "verdict",
    "wilson",
]
