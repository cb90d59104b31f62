"""Weights to begin with: published ones by name through torchvision or from a file, or those of a run of ours."""

import contextlib
import io
import logging
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import WeightsEnum

from animal_cls.errors import UserError, WeightsUnavailable
from animal_cls.files import downloads, tensor_files
from animal_cls.files.naming import listed

log = logging.getLogger(__name__)

Normalization = tuple[Sequence[float], Sequence[float]]  # mean and std per channel of images in [0, 1]
PARALLEL = "module."  # begins all names in what torch's DataParallel has saved
NETWORK = "network."  # begins the names of its weights in checkpoints of ours
IMAGENET: Normalization = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True, kw_only=True)
class RunWeights:
    """The weights that a run of ours evaluated, of its whole network."""

    file: str  # as the user wrote it
    state: Mapping[str, Tensor]  # under the names of the network
    classes: list[str]
    normalization: Normalization
    model: str  # by its name in the config


def of_run(weights: str | None) -> RunWeights | None:
    """What `weights` holds, where it is a file that a run of ours has written (best.ckpt, last.ckpt); else None."""
    try:
        content = tensor_files.read(Path(weights or "").expanduser())
        everything, about = content.get("evaluated", content["state_dict"]), content["animal_cls"]
        return RunWeights(
            file=str(weights),
            state={name.removeprefix(NETWORK): value for name, value in everything.items() if name.startswith(NETWORK)},
            classes=about["classes"],
            normalization=(everything["mean"].flatten().tolist(), everything["std"].flatten().tolist()),
            model=about["config"]["model"]["name"],
        )
    except (OSError, tensor_files.Unreadable, KeyError, TypeError, AttributeError):
        return None  # no such file, or none of ours


def load_run(
    network: nn.Module, weights: RunWeights, *, head: str | Iterable[str], class_names: Sequence[str] | None
) -> None:
    """Load the weights of a run into `network`, its head only where the classes are the same.

    Args:
        head: how the names of the head's weights begin.
        class_names: of the images that the network is for; None where they are not known yet: then without the head.

    Raises:
        UserError: they are of another network.
    """
    takes_head = class_names is not None and list(class_names) == weights.classes
    load(
        network,
        weights.state,
        without=() if takes_head else head,
        called=f"model.weights={weights.file}",
        needed=f"It is of a run with model={weights.model}; give a checkpoint of the same network.",
    )
    if class_names is not None and not takes_head:
        log.warning(
            "model.weights=%s: its run told apart %s, this one %s; so its head is left out and begins anew",
            *(weights.file, listed(weights.classes), listed(class_names)),
        )


def load_own(
    network: nn.Module, weights: str | None, *, head: str | Iterable[str], class_names: Sequence[str] | None
) -> Normalization:
    """Load what a run of ours has written into a network that nobody publishes weights of; nothing for None.

    Returns:
        Normalization: that of the run; ImageNet's for none.

    Raises:
        UserError: it is no checkpoint of a run, or one of another network.
    """
    own = of_run(weights)
    if own is not None:
        load_run(network, own, head=head, class_names=class_names)
        return own.normalization
    if weights is not None:
        lack = "is no checkpoint of a run of ours" if Path(weights).expanduser().is_file() else "there is no such file"
        raise UserError(
            f"model.weights={weights}: {lack}. No weights are published for this network: give a best.ckpt of a run "
            "with it, or model.weights=null."
        )
    return IMAGENET


def normalization(weights: str | None, published: type[WeightsEnum]) -> Normalization:
    """The statistics that travel with named weights; ImageNet's for none and for a file, which carries none."""
    if weights in published.__members__:
        transforms = published[weights].transforms()  # type: ignore[index]  # a name, as just seen
        return tuple(transforms.mean), tuple(transforms.std)
    return IMAGENET


def load_published(
    network: nn.Module,
    state: Mapping[str, Tensor],
    *,
    weights: str,
    published: type[WeightsEnum],
    without: str | Iterable[str],
) -> None:
    """Load what `state_of(weights, published)` gave into `network`, all names but those that begin as in `without`.

    Raises:
        UserError: weights of another network.
    """
    load(
        network,
        state,
        without=without,
        called=f"model.weights={weights}",
        needed=f"Needed: a file of torchvision's {published.__name__.removesuffix('_Weights')}, "
        "as torch.save(model.state_dict(), file) writes it.",
    )


def state_of(weights: str, published: type[WeightsEnum]) -> Mapping[str, Tensor]:
    """The tensors by name of `weights`, a name in `published` or a file.

    Raises:
        WeightsUnavailable: named weights are neither in torchvision's cache nor to be downloaded.
        UserError: no such name and no such file, or not a file of weights.
    """
    if weights in published.__members__:
        return _download(published[weights])
    return read_file(weights, names=published.__members__)


def load(
    network: nn.Module, state: Mapping[str, Tensor], *, without: str | Iterable[str], called: str, needed: str
) -> None:
    """Load `state` into `network`, all but the names that begin with one of `without`.

    Args:
        called: the key and its value, which begin the message.
        needed: what would fit, which ends it.

    Raises:
        UserError: a name is missing or unknown, or a shape differs; then nothing is loaded.
    """
    left_out = (without,) if isinstance(without, str) else tuple(without)
    taken = OrderedDict((name, value) for name, value in state.items() if not name.startswith(left_out))
    expected = {name: value for name, value in network.state_dict().items() if not name.startswith(left_out)}
    if found := differences(expected, taken):
        raise UserError(f"{called}: does not fit this network: {'; '.join(found)}. {needed}")
    if broken := next((name for name, value in taken.items() if not value.isfinite().all()), None):
        raise UserError(f"{called}: {broken} holds values that are no numbers. Give other weights.")
    if hasattr(state, "_metadata"):  # the versions of its modules, which torch writes beside the weights
        taken._metadata = state._metadata  # type: ignore[attr-defined]
    network.load_state_dict(taken, strict=False)


def head_of(network: nn.Module, make: Callable[[int], nn.Module], *, num_classes: int) -> list[str]:
    """The names of the weights whose shapes follow the number of classes: `make(num_classes + 1)` differs in them.

    No random number is drawn by that.
    """
    with torch.random.fork_rng(devices=[]):
        others = make(num_classes + 1).state_dict()
    return [name for name, value in network.state_dict().items() if others[name].shape != value.shape]


def fits(network: nn.Module, state: Mapping[str, Tensor], names: Iterable[str]) -> bool:
    """Whether `state` has all of these in the shapes that the network has."""
    expected = network.state_dict()
    return all(name in state and state[name].shape == expected[name].shape for name in names)


def _download(weights: WeightsEnum) -> Mapping[str, Tensor]:
    file = Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name)
    found = file.exists()
    if not found:
        log.info("fetching %s into %s", weights.url, file)
    with (
        downloads.time_limit(),
        contextlib.redirect_stdout(io.StringIO()),
    ):  # torch.hub prints what the log just said
        try:
            return weights.get_state_dict(progress=False, check_hash=True, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:  # no network, no space; a wrong hash
            if found:  # torch.hub checks the hash of what it downloads only
                raise UserError(
                    f"model.weights={weights.name}: {file} is damaged or cannot be read ({_reason(error)}). "
                    "Delete it, so that it is downloaded again."
                ) from None
            raise WeightsUnavailable(
                f"model.weights={weights.name}: these weights are not at {file} "
                f"and could not be downloaded from {weights.url} ({error}). "
                "Way out: download that file on another machine and put it there, "
                "or name it: model.weights=/path/to/file.pth."
            ) from None


def read_file(weights: str, *, names: Iterable[str]) -> Mapping[str, Tensor]:
    """The tensors by name in a file, also where they lie in it as `state_dict` or `model`.

    Args:
        names: of the published weights that there are, for the message.

    Raises:
        UserError: there is no such file, or none with weights by name that can be read safely.
    """
    file = Path(weights).expanduser()
    if not file.is_file():
        known = ", ".join(names) or "there are none"
        raise UserError(f"model.weights={weights}: neither a file nor a name of weights ({known}).")
    try:
        state = tensor_files.read(file)
    except tensor_files.Unreadable as error:
        raise UserError(f"model.weights={weights}: not a file of weights that can be read safely ({error}).") from None
    except OSError as error:
        raise UserError(f"model.weights={weights}: cannot be read ({error.strerror}).") from None
    for wrapper in ("state_dict", "model"):
        if isinstance(state, Mapping) and isinstance(state.get(wrapper), Mapping):
            state = state[wrapper]
    if not isinstance(state, Mapping) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise UserError(
            f"model.weights={weights}: holds no weights by name; save it with torch.save(model.state_dict(), file)."
        )
    if all(name.startswith(PARALLEL) for name in state):
        return {name.removeprefix(PARALLEL): value for name, value in state.items()}
    return state


def _reason(error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError):  # torch goes on to advise that the safety be switched off
        return "it is damaged or holds something else than tensors"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def differences(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
    """What keeps `found` from being loaded, in words; empty where it fits."""
    missing = [key for key in expected if key not in found]
    unknown = [key for key in found if key not in expected]
    shapes = [
        f"{key} is {tuple(found[key].shape)} instead of {tuple(value.shape)}"
        for key, value in expected.items()
        if key in found and found[key].shape != value.shape
    ]
    lines = [
        f"{len(keys)} {word} ({', '.join(keys[:3])}{', ...' if len(keys) > 3 else ''})"
        for keys, word in ((missing, "missing"), (unknown, "unknown"))
        if keys
    ]
    return lines + shapes[:3] + ([f"and {len(shapes) - 3} more"] if len(shapes) > 3 else [])
