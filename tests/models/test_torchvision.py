"""torchvision's networks: as it makes them, with the strengths that they take and weights by name or from a file."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.models import get_model, get_model_weights
from torchvision.ops import StochasticDepth as Branch

from animal_cls.errors import UserError, WeightsUnavailable
from animal_cls.models import normalization_of
from animal_cls.models.torchvision import create_model
from animal_cls.models.weights import IMAGENET

SMALL = "mobilenet_v3_small"  # with a dropout


def made(network: str = SMALL, *, num_classes: int = 3, seed: int = 0, **arguments: Any) -> Any:
    torch.manual_seed(seed)
    return create_model(network=network, num_classes=num_classes, **arguments)


def refusal(**arguments: Any) -> str:
    with pytest.raises(UserError) as error:
        made(**arguments)
    assert not isinstance(error.value, WeightsUnavailable)
    return str(error.value)


def saved(content: Any, tmp_path: Path) -> str:
    torch.save(content, tmp_path / "weights.pth")
    return str(tmp_path / "weights.pth")


def assert_loaded(network: nn.Module, state: Mapping[str, Tensor], fresh: nn.Module, *, head: tuple[str, ...]) -> None:
    """All weights are those of `state`, the head's those of `fresh`."""
    for name, value in network.state_dict().items():
        origin = fresh.state_dict() if name.startswith(head) else state
        assert torch.equal(value, origin[name]), name


@pytest.mark.parametrize(("network", "own"), [(SMALL, {"dropout": 0.0}), ("resnet18", {}), ("shufflenet_v2_x0_5", {})])
def test_it_is_torchvisions_own_network(network: str, own: dict[str, Any]) -> None:
    ours = made(network)
    torch.manual_seed(0)
    theirs = get_model(network, num_classes=3, **own)
    images = torch.randn(2, 3, 64, 64)
    assert type(ours) is type(theirs)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    assert torch.equal(ours.eval()(images), theirs.eval()(images))
    assert normalization_of(ours) == IMAGENET


# A network of each of torchvision's classes but RegNet, which is not made on torch's device for shapes.
OF_EACH_CLASS = {
    inspect.get_annotations(inspect.unwrap(models.get_model_builder(name)), eval_str=True)["return"]: name
    for name in sorted(models.list_models(module=models), key=lambda name: (len(name), name), reverse=True)
    if not name.startswith("regnet")
}


@pytest.mark.parametrize("name", sorted(OF_EACH_CLASS.values()))
def test_every_network_has_no_dropout_and_stochastic_depth_unless_asked(name: str) -> None:
    with torch.device("meta"):
        network = create_model(network=name, num_classes=3, image_size=224)
        dropped = create_model(network=name, num_classes=3, image_size=224, dropout=0.3)
    assert all(module.p == 0 for module in network.modules() if isinstance(module, nn.Dropout | Branch))
    takes = any(isinstance(module, nn.Dropout) for module in network.modules()) or name.startswith("densenet")
    heard = any(0.3 in (getattr(m, "p", 0), getattr(m, "drop_rate", 0)) for m in dropped.modules())
    assert heard == takes


def test_stochastic_depth_of_its_own_can_be_asked_for() -> None:
    network = made("efficientnet_b0", stochastic_depth_prob=0.2)
    assert max(module.p for module in network.modules() if isinstance(module, Branch)) > 0.1


@pytest.mark.parametrize("network", ["googlenet", "inception_v3"])
def test_classifiers_on_the_side_are_left_out(network: str) -> None:
    with torch.device("meta"):
        ours = made(network)
        out = ours.train()(torch.zeros(2, 3, 128, 128))
    assert not [name for name in ours.state_dict() if name.startswith(("aux", "Aux"))]
    assert out.shape == (2, 3)


@pytest.mark.parametrize("side", [32, 64])
def test_a_network_for_one_size_is_made_for_that_of_the_images(side: int) -> None:
    with torch.device("meta"):
        assert made("vit_b_32", image_size=side)(torch.zeros(2, 3, side, side)).shape == (2, 3)


# ---- weights


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_a_file_is_taken_over_all_but_the_head(wrapper: str | None, tmp_path: Path) -> None:
    state = get_model(SMALL).state_dict()
    network = made(weights=saved({wrapper: state} if wrapper else state, tmp_path))
    assert_loaded(network, state, made(), head=("classifier.3.",))


def test_the_head_is_taken_over_where_it_has_as_many_classes(tmp_path: Path) -> None:
    state = made(seed=7).state_dict()
    assert_loaded(made(weights=saved(state, tmp_path)), state, made(), head=())


def test_weights_with_classifiers_on_the_side_are_taken_without_them_and_normalised_as_they_want(
    tmp_path: Path,
) -> None:
    """torchvision turns ImageNet's normalization into 0.5 within the network; here the images have it at once."""
    theirs: Any = get_model("googlenet", init_weights=False, aux_logits=True).eval()
    ours = made("googlenet", num_classes=1000, weights=saved(theirs.state_dict(), tmp_path)).eval()
    images = torch.rand(2, 3, 64, 64)
    theirs.transform_input = True  # as its published weights have it
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in IMAGENET)
    own_mean, own_std = (torch.tensor(values).view(1, 3, 1, 1) for values in normalization_of(ours))
    with torch.no_grad():
        expected = theirs((images - mean) / std)
        torch.testing.assert_close(ours((images - own_mean) / own_std), expected, atol=1e-5, rtol=1e-4)


def test_old_names_of_densenets_are_understood(tmp_path: Path) -> None:
    """The published files have norm.1 where the network has norm1 (torchvision's densenet.py renames them, too)."""
    state = get_model("densenet121").state_dict()
    old = {
        name.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2.") if "denselayer" in name else name: value
        for name, value in state.items()
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    assert_loaded(made("densenet121", weights=saved(old, tmp_path)), state, made("densenet121"), head=("classifier.",))


def test_mnasnet_takes_weights_without_their_version(tmp_path: Path) -> None:
    """Checkpoints keep names and tensors only; by itself, torchvision's class refuses such."""
    state = dict(get_model("mnasnet0_5").state_dict())
    assert_loaded(made("mnasnet0_5", weights=saved(state, tmp_path)), state, made("mnasnet0_5"), head=("classifier.",))


@pytest.mark.slow  # torchvision has no small one
def test_position_embeddings_are_resized_to_the_images(tmp_path: Path) -> None:
    source = made("vit_b_32", image_size=96, seed=7)
    network = made("vit_b_32", image_size=64, weights=saved(source.state_dict(), tmp_path))
    ours, theirs = network.encoder.pos_embedding, source.encoder.pos_embedding
    assert (ours.shape, theirs.shape) == ((1, 5, 768), (1, 10, 768))
    assert torch.equal(ours[:, 0], theirs[:, 0])  # that of the class token


def test_a_file_of_another_network_is_refused_with_what_does_not_fit(tmp_path: Path) -> None:
    file = saved(get_model("resnet18").state_dict(), tmp_path)
    message = refusal(weights=file)
    assert message.startswith(f"model.weights={file}: does not fit this network: ")
    assert message.endswith(
        "Needed: a file of torchvision's MobileNet_V3_Small, as torch.save(model.state_dict(), file) writes it."
    )


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    """As torchvision's VGG16_Weights.IMAGENET1K_FEATURES has in its classifier."""
    state = get_model(SMALL).state_dict()
    state["classifier.0.bias"].fill_(float("nan"))
    assert "classifier.0.bias holds values that are no numbers. Give other weights." in refusal(
        weights=saved(state, tmp_path)
    )


@pytest.mark.parametrize("weights", ["DEFAULT", "IMAGENET1K_V1"])
def test_named_weights_come_from_torchs_cache(weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    url = get_model_weights(SMALL)[weights].url
    file = tmp_path / "hub" / "checkpoints" / Path(url).name
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.hub.urlopen", lambda *_, **__: (_ for _ in ()).throw(OSError("no network here")))
        with pytest.raises(WeightsUnavailable, match=r"these weights are not at .*no network here.*Way out: download"):
            made(weights=weights)
    file.parent.mkdir(parents=True, exist_ok=True)
    state = get_model(SMALL).state_dict()
    torch.save(state, file)
    assert_loaded(made(weights=weights), state, made(), head=("classifier.3.",))


def test_a_run_is_taken_over_with_its_normalization(tmp_path: Path) -> None:
    source = made(seed=7)
    state = {f"network.{name}": value for name, value in source.state_dict().items()}
    state |= {"mean": torch.full((1, 3, 1, 1), 0.25), "std": torch.full((1, 3, 1, 1), 0.5)}
    about = {"classes": ["a", "b", "c"], "config": {"model": {"name": f"torchvision_{SMALL}"}}}
    file = saved({"state_dict": state, "animal_cls": about}, tmp_path)
    network = made(weights=file, class_names=["a", "b", "c"])
    assert_loaded(network, source.state_dict(), made(), head=())
    assert normalization_of(network) == ([0.25] * 3, [0.5] * 3)
    other = made(weights=file, class_names=["a", "b", "d"])
    assert_loaded(other, source.state_dict(), made(), head=("classifier.3.",))


# ---- what a user can get wrong


def test_an_unknown_name_gets_the_nearest_and_the_list() -> None:
    message = refusal(network="efficientnet_b00")
    assert "has no such network for classification. Did you mean efficientnet_b0? All of them: https://" in message
    assert "model.network=fasterrcnn_resnet50_fpn: " in refusal(network="fasterrcnn_resnet50_fpn")  # no classifier


def test_an_argument_that_a_network_lacks_is_refused_with_those_it_has() -> None:
    assert refusal(network="mobilenet_v2", depth=3) == (
        "model.depth=3: torchvision's mobilenet_v2 takes no such argument. Its own: block, inverted_residual_setting, "
        "norm_layer, round_nearest, width_mult."
    )
    assert made("mobilenet_v2", width_mult=0.5).last_channel == 1280


def test_an_image_size_that_it_is_not_made_for_is_said() -> None:
    assert refusal(network="vit_b_32", image_size=65) == (
        "model.network=vit_b_32: cannot be made for data.image_size=65 (Input shape indivisible by patch size!)."
    )
