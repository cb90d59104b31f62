"""Early stopping: training ends when validation has not improved for some epochs."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from animal_cls.regularizers import Card, Method, NoEffect

MONITORS = {"val/acc": 1, "val/acc_macro": 1, "val/loss": -1}  # the sign with which more is better


class EarlyStopping(Method):
    """Training ends after `strength` epochs in a row that were no better than the best one before them.

    As Lightning's EarlyStopping with min_delta=0. It shortens the training and changes no weights: the best epoch of
    those that were trained is what it would be without.

    Args:
        strength: patience, a whole number of epochs.
        monitor: what has to improve: val/acc, val/acc_macro or val/loss.
    """

    acts_on = "evaluation"
    card = Card(
        does="Training ends when validation has not improved for some epochs. It changes no weights: the best epoch "
        "so far stays what it is.",
        strength="patience: epochs in a row without improvement",
        formula="end after the epoch that is the strength-th in a row with monitor <= its best",
        source="https://lightning.ai/docs/pytorch/stable/api/lightning.pytorch.callbacks.EarlyStopping.html",
        values=(10.0, 5.0, 20.0),
        values_from="ours: the noisier training is, the more; a schedule of the rate expects the whole of it",
        cost="nothing; saves the epochs that are left out",
        no_effect="the training is hardly longer than the patience, or improves to its end",
    )

    def __init__(self, strength: float, monitor: str = "val/acc") -> None:
        if strength < 1 or strength != int(strength):
            raise ValueError(f"reg.early_stopping={strength}: a whole number of epochs from 1 is needed.")
        if monitor not in MONITORS:
            raise ValueError(f"reg.early_stopping.monitor={monitor}: one of {', '.join(MONITORS)} is needed.")
        super().__init__(strength)
        self.monitor = monitor
        self.best: float | None = None
        self.waited = 0  # epochs since the best one

    def network(self, network: nn.Module) -> nn.Module:
        if self.epochs is not None and self.strength > self.epochs - 2:
            raise NoEffect(
                f"{self.strength:g} epochs of patience cannot run out within trainer.max_epochs={self.epochs}"
            )
        return network

    def ends(self, metrics: Mapping[str, float]) -> bool:
        if self.monitor not in metrics:  # an epoch without validation
            return False
        value = MONITORS[self.monitor] * metrics[self.monitor]
        if self.best is None or value > self.best:
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        return self.waited >= self.strength

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best, self.waited = state["best"], state["waited"]
