"""Several optimizers as one, each for the parameters that it can take."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from animal_cls.errors import UserError
from animal_cls.training.instantiate import call


class Combined(Optimizer):
    """The optimizers of `parts`, in one: torch.optim.Muon for matrices and AdamW for the rest, say.

    Args:
        params: parameters, or torch's parameter groups.
        parts: constructor calls. `dims` in one limits it to parameters with so many dimensions (2: matrices); a
            parameter belongs to the first part that takes it.

    Raises:
        UserError: a part cannot be made, or a parameter belongs to none.
    """

    def __init__(self, params: Iterable[Any], parts: Sequence[Mapping[str, Any]]) -> None:
        entries = list(params)
        groups = entries if entries and isinstance(entries[0], dict) else [{"params": entries}]
        left = [(group, parameter) for group in groups for parameter in _listed(group["params"])]
        self.parts: list[Optimizer] = []
        for number, part in enumerate(parts):
            dims = part.get("dims")
            taken = [entry for entry in left if dims is None or entry[1].ndim == dims]
            left = [entry for entry in left if dims is not None and entry[1].ndim != dims]
            if taken:
                arguments = {name: value for name, value in part.items() if name != "dims"}
                self.parts.append(call(arguments, f"optimizer.parts[{number}]", params=_regrouped(taken)))
        if left:
            raise UserError(f"optimizer.parts: no part takes parameters with {left[0][1].ndim} dimensions; add one.")
        super().__init__([group for part in self.parts for group in part.param_groups], {})
        self._share_groups()

    def _share_groups(self) -> None:
        """The groups are the parts' own, so that a schedule that changes one changes it where it is used."""
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # type: ignore[override]  # as torch's own do
        loss = None if closure is None else closure()
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._share_groups()


def _listed(params: Any) -> list[Tensor]:
    return [params] if isinstance(params, Tensor | nn.Parameter) else list(params)


def _regrouped(taken: Sequence[tuple[dict[str, Any], Tensor]]) -> list[dict[str, Any]]:
    """Parameters with the settings of the groups that they came in."""
    groups: dict[int, dict[str, Any]] = {}
    for group, parameter in taken:
        groups.setdefault(id(group), {**group, "params": []})["params"].append(parameter)
    return list(groups.values())
