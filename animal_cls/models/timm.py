"""Any of timm's networks by its name, with the keys that strengths follow."""

import contextlib
import importlib.util
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from animal_cls.errors import UserError, WeightsUnavailable
from animal_cls.files import downloads
from animal_cls.files.text import did_you_mean
from animal_cls.models import weights as reading

LIST = "python -c 'import timm; print(timm.list_models())'"
DEFAULT = "DEFAULT"  # timm's own choice among its weights of a network, by the name that torchvision has for it
# Arguments of timm.create_model that are ours to set, or that lead to a file which it might unpickle.
RESERVED = ("pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path", "cache_dir")
UNEXPECTED = re.compile(r"unexpected keyword argument(?:\(s\): \[)? ?'(\w+)'")

Maker = Callable[..., nn.Module]  # (num_classes, **arguments of timm.create_model) -> the network


def create_model(
    *,
    network: str,
    num_classes: int,
    dropout: float = 0.0,
    stochastic_depth: float = 0.0,
    image_size: int = 224,
    weights: str | None = None,
    class_names: Sequence[str] | None = None,
    **arguments: Any,
) -> nn.Module:
    """timm's own network: images (N, 3, H, W) -> logits (N, K).

    Args:
        network: its name in timm: resnet10t, or with the tag of weights, resnet10t.c3_in1k.
        num_classes: K.
        dropout: probability in [0, 1), as `drop_rate` where the network takes it.
        stochastic_depth: probability for the last block, as `drop_path_rate` where the network takes it.
        image_size: H = W in pixels, as `img_size` where the network is made for one size.
        weights: DEFAULT, a tag (c3_in1k) or a file; the head is taken over where it has K classes. Or a checkpoint of
            a run of ours, the head where the classes are the same.
        class_names: the K names, where they are known.
        arguments: of the network's own constructor.

    Raises:
        WeightsUnavailable: named weights are neither in the cache nor to be downloaded.
        UserError: timm is not installed, no such network or argument, or weights that do not fit.
    """
    _check(network, arguments)
    tag = _tag(network, weights)
    name = f"{_architecture(network)}.{tag}" if tag else network
    strengths = {"drop_rate": dropout, "drop_path_rate": stochastic_depth}
    make = partial(_made, name, strengths=strengths, image_size=image_size, asked=arguments)
    made = make(num_classes)
    if weights is not None:
        _load(
            made, make, network, weights, name=name if tag else None, num_classes=num_classes, class_names=class_names
        )
    return made


def _load(
    made: nn.Module,
    make: Maker,
    network: str,
    weights: str,
    *,
    name: str | None,
    num_classes: int,
    class_names: Sequence[str] | None,
) -> None:
    """Give `made` the weights that `weights` names; `name` is that of published ones with their tag."""
    head = reading.head_of(made, make, num_classes=num_classes)
    own = reading.of_run(weights)
    if own is not None:
        reading.load_run(made, own, head=head, class_names=class_names)
        made.normalization = own.normalization  # type: ignore[assignment]  # a plain value
    else:
        state = _published(make, weights, name) if name else _mapped(make, weights, made, names=_names(network))
        reading.load(
            made,
            state,
            without=() if reading.fits(made, state, head) else head,
            called=f"model.weights={weights}",
            needed=f"Needed: weights of timm's {network}, as torch.save(model.state_dict(), file) writes them.",
        )


def _check(network: str, arguments: Mapping[str, Any]) -> None:
    if importlib.util.find_spec("timm") is None:
        raise UserError("model=timm: timm is not installed. Install it: python -m pip install 'animal-cls[timm]'")
    import timm

    if not timm.is_model(_architecture(network)):
        guess = did_you_mean(_architecture(network), timm.list_models())
        raise UserError(
            f"model.network={network}: timm {timm.__version__} has no such network.{guess} All of them: {LIST}"
        )
    for name in RESERVED:
        if name in arguments:
            raise UserError(f"model.{name}={arguments[name]}: is not handed on to timm; weights are model.weights=...")


def _architecture(network: str) -> str:
    return network.partition(".")[0]


def _tag(network: str, weights: str | None) -> str:
    """The tag of the named weights that are meant; empty where none, a file or a run is."""
    tags, of_network = _tags(network), network.partition(".")[2]
    if of_network and of_network not in tags:
        raise UserError(
            f"model.network={network}: timm has no weights {of_network} of {_architecture(network)}."
            f"{did_you_mean(of_network, tags)} There are: {', '.join(tags) or 'none'}."
        )
    if weights == DEFAULT and tags:
        return of_network or str(_settings(network).tag)
    return weights if weights in tags else ""


def _tags(network: str) -> list[str]:
    """The tags of the weights that timm publishes of a network."""
    import timm

    return [name.partition(".")[2] for name in timm.list_pretrained(f"{_architecture(network)}.*")]


def _names(network: str) -> list[str]:
    tags = _tags(network)
    return [*tags, DEFAULT] if tags else []


def _made(
    name: str,
    num_classes: int | None,
    *,
    strengths: Mapping[str, float],
    image_size: int,
    asked: Mapping[str, Any],
    **further: Any,
) -> nn.Module:
    """timm's network; of `strengths` it is given those that it takes, which only calling its builder tells."""
    import timm

    fixed = {"img_size": image_size} if timm.get_pretrained_cfg_value(name, "fixed_input_size") else {}
    taken = dict(strengths)
    while True:
        try:
            return timm.create_model(name, num_classes=num_classes, **{**fixed, **taken, **further, **asked})
        except TypeError as error:
            refused = UNEXPECTED.search(str(error))
            if refused is None or refused[1] not in {**taken, **asked}:
                raise
            if refused[1] in asked:
                raise UserError(
                    f"model.{refused[1]}={asked[refused[1]]}: timm's {name} takes no such argument."
                ) from None
            del taken[refused[1]]
        except AssertionError as error:
            raise UserError(
                f"model.network={name}: cannot be made for data.image_size={image_size} ({error or 'it says no more'})."
            ) from None


def _published(make: Maker, weights: str, name: str) -> Mapping[str, Tensor]:
    """The tensors of named weights, through timm, which maps their names and sizes to those of its network.

    Raises:
        WeightsUnavailable: they could not be had.
    """
    try:
        with downloads.time_limit(), torch.random.fork_rng(devices=[]):
            _check_server(name)
            return make(None, pretrained=True).state_dict()
    except Exception as error:  # of the libraries that fetch them, which have many
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise WeightsUnavailable(
            f"model.weights={weights}: these weights could not be fetched from {_place(name)} ({reason}). Way out: "
            "download its model.safetensors on another machine and name it: model.weights=/path/to/model.safetensors"
        ) from None


def _check_server(name: str) -> None:
    """Raise at once where weights are neither in the cache nor to be downloaded: timm tries for most of a minute."""
    import huggingface_hub as hub
    from huggingface_hub.errors import EntryNotFoundError

    settings = _settings(name)
    files = [settings.hf_hub_filename] if settings.hf_hub_filename else ["model.safetensors", "pytorch_model.bin"]
    if not settings.hf_hub_id or any(hub.try_to_load_from_cache(settings.hf_hub_id, file) for file in files):
        return
    with contextlib.suppress(EntryNotFoundError):  # the server answers; the other file may be there
        hub.get_hf_file_metadata(hub.hf_hub_url(settings.hf_hub_id, files[0]))


def _settings(name: str) -> Any:
    """What timm knows of the weights of a network."""
    import timm

    found = timm.get_pretrained_cfg(name)
    assert found is not None, f"timm knows no {name}"
    return found


def _place(name: str) -> str:
    settings = _settings(name)
    return f"https://huggingface.co/{settings.hf_hub_id}" if settings.hf_hub_id else str(settings.url)


def _mapped(make: Maker, weights: str, made: nn.Module, *, names: Sequence[str]) -> Mapping[str, Tensor]:
    """The tensors of a file, mapped in the same way.

    Raises:
        UserError: it is not a file of weights, or one of another network.
    """
    state = reading.read_file(weights, names=names)
    settings: Any = made.pretrained_cfg
    classifier = settings.get("classifier") or ""
    rows = state.get(f"{classifier if isinstance(classifier, str) else classifier[0]}.weight")
    classes = settings["num_classes"] if rows is None else len(rows)
    try:
        with torch.random.fork_rng(devices=[]):
            overlay = {"state_dict": dict(state), "num_classes": classes, "label_offset": 0}
            return make(classes, pretrained=True, pretrained_cfg_overlay=overlay).state_dict()
    except (RuntimeError, KeyError, ValueError, AttributeError, TypeError, AssertionError):
        return state  # as it is: then it is said what does not fit
