"""Weights to begin with: published ones by name through torchvision or from a file, or those of a run of ours."""

import contextlib
import io
import logging
import pickle
from collections.abc import Mapping, Sequence
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


def load_run(network: nn.Module, weights: RunWeights, *, head: str, class_names: Sequence[str] | None) -> None:
    """Load the weights of a run into `network`, its head only where the classes are the same.

    Args:
        head: how the names of the head's weights begin.
        class_names: of the images that the network is for; None where they are not known yet: then without the head.

    Raises:
        UserError: they are of another network.
    """
    takes_head = class_names is not None and list(class_names) == weights.classes
    state = {name: value for name, value in weights.state.items() if takes_head or not name.startswith(head)}
    expected = {name: value for name, value in network.state_dict().items() if takes_head or not name.startswith(head)}
    if differences := _differences(expected, state):
        raise UserError(
            f"model.weights={weights.file}: does not fit this network: {'; '.join(differences)}. "
            f"It is of a run with model={weights.model}; give a checkpoint of the same network."
        )
    network.load_state_dict(state, strict=False)
    if class_names is not None and not takes_head:
        log.warning(
            "model.weights=%s: its run told apart %s, this one %s; so its head is left out and begins anew",
            *(weights.file, listed(weights.classes), listed(class_names)),
        )


def normalization(weights: str | None, published: type[WeightsEnum]) -> Normalization:
    """The statistics that travel with named weights; ImageNet's for none and for a file, which carries none."""
    if weights in published.__members__:
        transforms = published[weights].transforms()  # type: ignore[index]  # a name, as just seen
        return tuple(transforms.mean), tuple(transforms.std)
    return IMAGENET


def load_backbone(backbone: nn.Module, weights: str, *, published: type[WeightsEnum], without: Sequence[str]) -> None:
    """Load `weights` (a name in `published` or a file) into `backbone`, all keys but those in `without`.

    Raises:
        WeightsUnavailable: named weights are neither in torchvision's cache nor to be downloaded.
        UserError: no such name and no such file, not a file of weights, or weights of another network.
    """
    state = _download(published[weights]) if weights in published.__members__ else _read(weights, published)
    state = {key: value for key, value in state.items() if key not in without}
    expected = {key: value for key, value in backbone.state_dict().items() if key not in without}
    if differences := _differences(expected, state):
        raise UserError(
            f"model.weights={weights}: does not fit this network: {'; '.join(differences)}. "
            f"Needed: a file of torchvision's {published.__name__.removesuffix('_Weights')}, "
            "as torch.save(model.state_dict(), file) writes it."
        )
    backbone.load_state_dict(state, strict=False)


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


def _read(weights: str, published: type[WeightsEnum]) -> Mapping[str, Tensor]:
    file = Path(weights).expanduser()
    if not file.is_file():
        raise UserError(
            f"model.weights={weights}: neither a file nor a name of weights ({', '.join(published.__members__)})."
        )
    try:
        state = tensor_files.read(file)
    except tensor_files.Unreadable as error:
        raise UserError(f"model.weights={weights}: not a file of weights that can be read safely ({error}).") from None
    except OSError as error:
        raise UserError(f"model.weights={weights}: cannot be read ({error.strerror}).") from None
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise UserError(
            f"model.weights={weights}: holds no weights by name; save it with torch.save(model.state_dict(), file)."
        )
    return state


def _reason(error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError):  # torch goes on to advise that the safety be switched off
        return "it is damaged or holds something else than tensors"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _differences(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
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
