"""More than two arms together: rows of doses.csv, networks.csv and ranks.csv, and of a plan."""

from dataclasses import dataclass
from typing import Literal

from animal_cls.report.records.levels import Over


@dataclass(frozen=True, kw_only=True)
class DoseRow:
    """How an accuracy or loss follows the strengths of one method: a row of doses.csv. Points or nats."""

    model: str
    method: str  # its key: reg.dropout
    split: str
    metric: str
    strengths: tuple[float, ...]  # ascending; 0 is the arm without it
    arms: tuple[str, ...]  # of these strengths
    n_seeds: int  # of the arm that has the fewest, of those on which the trend hangs: not the middle one of three
    trend: float | None  # from the weakest to the strongest, by the straight line over their ranks
    ci_low: float | None  # 95 %, for new seeds and new images
    ci_high: float | None
    p_value: float | None  # of the trend; None where an arm on which it hangs has one seed
    p_adjusted: float | None = None  # Holm, over the methods of this network, split and metric
    verdict: str = ""  # of the trend: gain = stronger is better
    bend: float | None  # what the middle of the strengths lies above that line: 0 for a straight response
    bend_low: float | None  # 95 %, not adjusted; None where it is not over what that of the trend is
    bend_high: float | None
    best: float  # the strength with the best mean; chosen from these very numbers
    over: Over
    data: str = ""  # data.root=/images, or data=FINGERPRINT; "" where all arms of the study saw the same images
    beside: str = ""  # what else its arms have, where that tells it from another row of its network and method
    provisional: bool = False  # planned runs of the network have not ended
    caution: str = ""  # whose seeds failed, so that the others are survivors; which precisions differ

    @property
    def unit(self) -> str:
        """What the trend is in."""
        return "nats" if self.metric == "loss" else "points"


@dataclass(frozen=True, kw_only=True)
class NetworksRow:
    """One method on several networks, which are fixed: a row of networks.csv. Points or nats."""

    change: str  # reg.dropout 0.0 → 0.5
    kind: Literal["mean", "interaction"]  # over all networks; or the first network less the mean of the others
    networks: tuple[str, ...]
    split: str
    metric: str
    n_seeds: int  # of the arm that has the fewest
    delta: float | None
    ci_low: float | None  # 95 %, for new seeds and new images
    ci_high: float | None
    p_value: float | None
    p_adjusted: float | None = None  # Holm, over all changes of one kind, split and metric
    verdict: str = ""  # gain, loss, not shown, too few seeds; of an interaction depends on the network, or those
    over: Over
    data: str = ""  # as of a dose row
    beside: str = ""  # what else the arms have, where that tells it from another row of the same change
    provisional: bool = False  # planned runs of one of the networks have not ended

    @property
    def unit(self) -> str:
        """What the difference is in."""
        return "nats" if self.metric == "loss" else "points"


@dataclass(frozen=True, kw_only=True)
class RankRow:
    """The place of an arm among those of its network: a row of ranks.csv."""

    model: str
    split: str
    metric: str
    arm: str
    rank: int  # 1: the highest mean; equal ones share a rank
    rank_best: int  # with the next, a range: all of a network's ranges hold the true ranks with probability 95 %
    rank_worst: int
    n_arms: int  # that were evaluated on the same images
    mean: float  # a fraction
    n_seeds: int
    data: str = ""  # as of a dose row
    caution: str = ""  # whether seeds of this arm failed; its precision, where the arms have several


@dataclass(frozen=True, kw_only=True)
class PlanRow:
    """How many seeds of an arm, or of all arms of a network, would show differences of so many points; rough."""

    model: str
    arm: str  # "" for all arms of the network with their baselines
    split: str
    n_seeds: int  # of the pilot: the arm or its baseline, whichever has fewer
    seconds: float  # of one training of the arm and one of its baseline; or of one of each arm of the network
    needed: dict[float, tuple[int | None, str]]  # points -> seeds with 80 % power, or why there is no number

    def hours(self, points: float) -> float | None:
        """What that many trainings of each take one after the other, those of the pilot included; None: no number."""
        seeds, _ = self.needed[points]
        return None if seeds is None else seeds * self.seconds / 3600
