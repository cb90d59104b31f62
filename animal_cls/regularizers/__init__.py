"""The methods: one file each, and the six hooks through which every method of the field acts.

A new one is `regularizers/NAME.py` with one subclass of `Method` and `conf/reg/NAME.yaml` with its strength; nothing
else is touched. One of somebody else's lies in a module of theirs, and its option file names the class: `NAME:
{_target_: theirs.Class, strength: 0.1}`. Shapes: N images of C x H x W, K classes.
"""

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from animal_cls.config.methods import Card, MethodCall
from animal_cls.errors import UserError
from animal_cls.files.text import did_you_mean

ActsOn = Literal["order", "images", "pairs", "targets", "network", "loss", "step", "evaluation", "another key"]
ORDER: tuple[ActsOn, ...] = (
    "order", "images", "pairs", "targets", "network", "loss", "step", "evaluation", "another key",
)  # fmt: skip  # in which the methods of a run are called, then by name


class NoEffect(Exception):
    """A method finds nothing that it could act on; the message says what is missing."""


class Method:
    """One way to regularize at one strength above 0; override the hooks that it needs.

    An option is a further keyword argument of the constructor; the config checks it against the signature.

    Raises:
        ValueError: the strength or an option is out of range; the message begins with `reg.NAME=`.
    """

    acts_on: ClassVar[ActsOn]
    card: ClassVar[Card | None] = None  # ours all have one
    draws: ClassVar[int] = 0  # uniform numbers that an image gets in each epoch, for `draw` or `sample`
    stream: ClassVar[str | None] = None  # tells these numbers from other methods'; None: the name of the class
    mixes_images: ClassVar[bool] = False  # after it, a label is the heavier one of several
    comes_last: ClassVar[bool] = False  # of those that act on the same; others go by their names
    one_device: str | None = None  # why it cannot train on several, each with a part of a batch, as a clause

    # Of the run; set before any hook is called. None: not known, as where a sweep is only planned.
    epochs: int | None = None
    image_size: int | None = None  # px
    batch_size: int | None = None
    class_counts: Sequence[int] | None = None  # (K,) training images

    steps_per_epoch: int = 1  # set, like the next, before the first step
    normalize: Callable[[Tensor], Tensor] = staticmethod(lambda images: images)  # [0, 255] -> as the network wants it
    progress: float = 0.0  # of the training, in [0, 1]; set, like the next, before each step
    epoch: int = 0  # from 0

    def __init__(self, strength: float) -> None:
        self.strength = strength

    # 1. draw: which images an epoch has, in which order, and how large they are

    def draw(self, order: np.ndarray, labels: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        """The epoch's order: indices (M,) of images, from `order` (n,), its `labels` (n,) and `uniforms` (n, draws)."""
        return order

    def side(self, side: int) -> int:
        """The side, px, to which the images of the next step are resized, at most `side`; `batch` sees them so."""
        return side

    # 2. batch: images and targets, on the device

    def sample(self, uniforms: np.ndarray) -> Tensor:
        """What `batch` needs of `uniforms` (N, draws) in [0, 1), a function of (seed, epoch, image): (N, ...) float32.

        It is made on the CPU, while the device works on an earlier batch.
        """
        return torch.from_numpy(uniforms.astype(np.float32))

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        """Training images (N, C, H, W) float in [0, 255], not normalised, and target probabilities (N, K), changed."""
        return images, targets

    # 3. network: once, before the optimizer

    def meet(self, others: Sequence["Method"]) -> None:
        """Told, before `network`, with which methods this one is combined."""

    def network(self, network: nn.Module) -> nn.Module:
        """The network that is trained: changed in place, or another one around it.

        Names and shapes of its weights stay, so that checkpoints do.

        Raises:
            NoEffect: there is nothing that this method could act on, here or in any other hook.
        """
        return network

    def weakness(self) -> str | None:
        """Why this strength does little or harm in a training of these `epochs`, as a clause; None where it is fit."""
        return None

    # 4. loss: what is minimised

    def loss(self, network: nn.Module, images: Tensor, logits: Tensor, targets: Tensor, loss: Tensor) -> Tensor:
        """The objective, a scalar in nats, of normalised images, logits (N, K), targets (N, K) and the loss so far."""
        return loss

    # 5. step: parameter groups; the gradients before the step; the step itself; the weights after it

    def groups(self, groups: list[dict[str, Any]], network: nn.Module) -> list[dict[str, Any]]:
        """torch's parameter groups for the optimizer."""
        return groups

    def gradients(self, network: nn.Module) -> None:
        """Change `grad` of the parameters, in place, before the step."""

    def step(self, network: nn.Module, closure: Callable[[], Any]) -> Callable[[], Any]:
        """What the optimizer calls in place of `closure`, which computes the loss and its gradients and returns it.

        `closure` may be called several times: it draws the same random numbers each time, and metrics count the first.
        """
        return closure

    def weights(self, network: nn.Module) -> None:
        """Change or follow the weights after the step."""

    # 6. evaluate: which weights are evaluated, how, and when training ends

    def evaluated(self, network: nn.Module) -> Mapping[str, Tensor] | None:
        """The state dict that is evaluated in place of the network's own; None: the network's own."""
        return None

    def refresh(self, network: nn.Module, batches: Iterable[Tensor]) -> None:
        """Change the weights that are evaluated, which `network` has now, by a pass over normalised training images.

        Args:
            batches: (N, C, H, W) each, of the first epoch as they are changed there; nothing is read if it is not used.
        """

    def predict(self, forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """What evaluation calls in place of `forward`: images (N, C, H, W) in [0, 255] -> logits (N, K)."""
        return forward

    def ends(self, metrics: Mapping[str, float]) -> bool:
        """Whether training ends after this epoch, which has these `metrics` (val/acc, val/loss, train/loss, ...)."""
        return False

    # state of a method travels in checkpoints: tensors and plain values

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` of an interrupted run gave."""


def uses(method: Method, hook: str) -> bool:
    """Whether `method` overrides `hook`."""
    return getattr(type(method), hook) is not getattr(Method, hook)


def stream_of(method: Method) -> str:
    """What tells the random numbers of `method` from those of others."""
    return type(method).__qualname__ if method.stream is None else method.stream


def clashes(methods: Sequence[Method]) -> list[str]:
    """A sentence for each two of `methods` that should not be combined."""
    found = []
    for one, other in combinations(methods, 2):
        for first, second in ((one, other), (other, one)):
            why = first.card.excludes.get(name_of(second)) if first.card else None
            if why is not None:
                found.append(f"reg.{name_of(first)} with reg.{name_of(second)}: {why}")
    return found


def weaknesses(methods: Sequence[Method]) -> list[str]:
    """A sentence for each of `methods` whose strength does little or harm in a training of this length."""
    found = [(method, method.weakness()) for method in methods]
    return [f"reg.{name_of(method)}={method.strength:g}: {why}" for method, why in found if why]


def name_of(method: Method) -> str:
    """The name of one of our methods: that of its file."""
    return type(method).__module__.rpartition(".")[2]


def build(calls: Sequence[MethodCall]) -> list[Method]:
    """The methods that are called for, in the order in which they act.

    Raises:
        UserError: a class that cannot be imported or is no method; an unknown option; a value out of range.
    """
    methods = [_made(call) for call in ordered(calls)]
    for method in methods:
        method.meet([other for other in methods if other is not method])
    return methods


def ordered(calls: Sequence[MethodCall]) -> list[MethodCall]:
    """The calls in the order in which their methods act."""
    return sorted(calls, key=_place)


def _place(call: MethodCall) -> tuple[int, bool, str]:
    method = _class(call)
    return ORDER.index(method.acts_on), method.comes_last, call.name


def _made(call: MethodCall) -> Method:
    method_class = _class(call)
    accepted = list(inspect.signature(method_class).parameters)
    for option in call.options:
        if option not in accepted:
            guess = did_you_mean(option, accepted, section=call.key)
            raise UserError(f"{call.key}.{option}: no such option.{guess} Options: {', '.join(accepted)}.")
    try:
        method = method_class(call.strength, **call.options)
    except ValueError as error:
        if not str(error).startswith("reg."):  # a fault of the method's own code
            raise
        raise UserError(str(error).replace(f"reg.{call.name}", call.key, 1)) from None
    hidden = [name for name in vars(method) if callable(getattr(Method, name, None))]
    assert not hidden, f"{method_class.__qualname__} has an attribute that hides the hook {hidden[0]}; rename it"
    return method


def _class(call: MethodCall) -> type[Method]:
    return own_class(call.name) if call.target is None else _foreign(call)


def own_class(name: str) -> type[Method]:
    """The one method in regularizers/NAME.py."""
    module = importlib.import_module(f"{__name__}.{name}")
    found = [
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, Method) and thing.__module__ == module.__name__
    ]
    assert len(found) == 1, f"{module.__name__} holds {len(found)} methods; it has to be one"
    return found[0]


def _foreign(call: MethodCall) -> type[Method]:
    """The class of somebody's own; what goes wrong while its module is imported keeps its traceback."""
    module, _, name = str(call.target).rpartition(".")
    where = f"{call.key}._target_={call.target}"
    if not module:
        raise UserError(f"{where}: a class with its module is needed, as in mymodule.MyMethod.")
    try:
        imported = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise  # a module that theirs imports
        way = "Put the folder of your module on PYTHONPATH, or beside your --config-dir."
        raise UserError(f"{where}: cannot be imported ({error}). {way}") from None
    found = getattr(imported, name, None)
    if found is None:
        raise UserError(f"{where}: there is no {name} in {module}.{did_you_mean(name, vars(imported))}")
    if not (isinstance(found, type) and issubclass(found, Method)):
        raise UserError(f"{where}: is no subclass of animal_cls.regularizers.Method.")
    return found
