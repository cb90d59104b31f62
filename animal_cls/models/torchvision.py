"""Any of torchvision's networks by its name, with the keys that strengths follow."""

import inspect
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torchvision
from torch import Tensor, nn
from torchvision import models
from torchvision.models.vision_transformer import VisionTransformer, interpolate_embeddings
from torchvision.ops import StochasticDepth

from animal_cls.errors import UserError
from animal_cls.files.text import did_you_mean
from animal_cls.models import weights as reading
from animal_cls.models.weights import Normalization

LIST = "https://docs.pytorch.org/vision/stable/models.html#classification"
DROPOUT = ("dropout", "drop_rate", "mlp_dropout")  # what torchvision's classes call it
IMAGE_SIZE = {"image_size": lambda side: side, "input_size": lambda side: (side, side)}  # of networks for one size
HALF: Normalization = ((0.5,) * 3, (0.5,) * 3)
AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")  # how the names of the weights of classifiers on the side begin
OLD_DENSENET = re.compile(r"(norm|conv)\.([12])(?=\.)")  # norm.1 in the published files, norm1 in the network


def create_model(
    *,
    network: str,
    num_classes: int,
    dropout: float = 0.0,
    image_size: int = 224,
    weights: str | None = None,
    class_names: Sequence[str] | None = None,
    **arguments: Any,
) -> nn.Module:
    """torchvision's own network: images (N, 3, H, W) -> logits (N, K), without classifiers on the side (googlenet).

    Its own stochastic depth is 0; reg.stochastic_depth sets it.

    Args:
        network: its name in torchvision: efficientnet_b0.
        num_classes: K.
        dropout: probability in [0, 1), handed on where the network has such an argument.
        image_size: H = W, px, handed on where the network is made for one size.
        weights: name of its weights (IMAGENET1K_V1, DEFAULT), a file of them, or a checkpoint of a run of ours; the
            head is taken over where it has K classes, a run's where they are the same.
        class_names: the K names, where they are known.
        arguments: of its own constructor.

    Raises:
        UserError: no such network or argument, an image size that it is not made for, weights that do not fit.
    """
    taken = _taken(network, dropout=dropout, image_size=image_size, arguments=arguments)

    def make(classes: int) -> nn.Module:
        return _made(network, taken, num_classes=classes, side=image_size)

    made, own = make(num_classes), reading.of_run(weights)
    head = reading.head_of(made, make, num_classes=num_classes) if weights else ()
    if own is not None:
        reading.load_run(made, own, head=head, class_names=class_names)
    elif weights is not None:
        _load(made, network, weights, head=head)
    made.normalization = own.normalization if own else _normalization(network, weights)  # type: ignore[assignment]
    return made


def _check_name(network: str) -> None:
    known = models.list_models(module=models)
    if network not in known:
        raise UserError(
            f"model.network={network}: torchvision {torchvision.__version__} has no such network for classification."
            f"{did_you_mean(network, known)} All of them: {LIST}"
        )


def _taken(network: str, *, dropout: float, image_size: int, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that the network's constructor takes."""
    _check_name(network)
    parameters = _parameters(network)
    unknown = next((name for name in arguments if name not in parameters), None)
    if unknown is not None:
        raise UserError(
            f"model.{unknown}={arguments[unknown]}: torchvision's {network} takes no such argument. Its own: "
            f"{', '.join(sorted(parameters.keys() - {'num_classes', *DROPOUT, *IMAGE_SIZE}))}."
        )
    found: dict[str, Any] = {name: dropout for name in DROPOUT if name in parameters}
    found |= {name: form(image_size) for name, form in IMAGE_SIZE.items() if name in parameters}
    if "aux_logits" in parameters:
        found |= {"aux_logits": False, "init_weights": True}  # else torchvision warns that this will be the default
    return found | dict(arguments)


def _parameters(network: str) -> Mapping[str, inspect.Parameter]:
    """Those of the class that torchvision's builder says to return; the builder itself takes any."""
    builder = inspect.unwrap(models.get_model_builder(network))
    found = inspect.signature(inspect.get_annotations(builder, eval_str=True)["return"]).parameters
    return {name: one for name, one in found.items() if one.kind is not inspect.Parameter.VAR_KEYWORD}


def _made(network: str, taken: Mapping[str, Any], *, num_classes: int, side: int) -> nn.Module:
    try:
        made = models.get_model(network, weights=None, num_classes=num_classes, **taken)
    except (AssertionError, ValueError) as error:  # by torchvision, of the image size or an argument
        raise UserError(
            f"model.network={network}: cannot be made for data.image_size={side} ({str(error).splitlines()[0]})."
        ) from None
    for module in made.modules():
        if isinstance(module, StochasticDepth) and "stochastic_depth_prob" not in taken:
            module.p = 0.0
    if isinstance(made, models.MNASNet):
        made._load_from_state_dict = partial(_load_of_today, made)  # type: ignore[method-assign]
    return made


def _load_of_today(network: nn.Module, state: Any, prefix: str, metadata: Mapping[str, Any], *rest: Any) -> None:
    """MNASNet's own way to load, of weights that lie in a file without their version, as in every checkpoint."""
    type(network)._load_from_state_dict(network, state, prefix, {"version": network._version, **metadata}, *rest)


def _load(made: nn.Module, network: str, weights: str, *, head: Sequence[str]) -> None:
    published = models.get_model_weights(network)
    state = _as_in(made, reading.state_of(weights, published))
    without = (*AUXILIARY, *(() if reading.fits(made, state, head) else head))
    reading.load_published(made, state, weights=weights, published=published, without=without)


def _as_in(made: nn.Module, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Published weights with the names and the side of the position embeddings that `made` has."""
    if isinstance(made, models.DenseNet):
        return OrderedDict((OLD_DENSENET.sub(r"\1\2", name), value) for name, value in state.items())
    if isinstance(made, VisionTransformer) and "encoder.pos_embedding" in state:
        return interpolate_embeddings(made.image_size, made.patch_size, OrderedDict(state))
    return state


def _normalization(network: str, weights: str | None) -> Normalization:
    """That of the weights; where torchvision would turn ImageNet's into another one in the network, that one."""
    if weights is not None and "transform_input" in _parameters(network):
        return HALF
    return reading.normalization(weights, models.get_model_weights(network))
