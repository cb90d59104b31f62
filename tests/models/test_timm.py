"""timm's networks: as timm alone makes them, with the strengths that they take and weights by name or from a file."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from animal_cls.errors import UserError, WeightsUnavailable
from animal_cls.models import normalization_of
from animal_cls.models.timm import create_model
from animal_cls.regularizers import NoEffect
from animal_cls.regularizers.stochastic_depth import StochasticDepth

timm = pytest.importorskip("timm")
safetensors = pytest.importorskip("safetensors.torch")

SMALL = "test_resnet"  # timm's own for tests; so is test_vit


def made(network: str = SMALL, *, num_classes: int = 3, seed: int = 0, **arguments: Any) -> Any:
    torch.manual_seed(seed)
    return create_model(network=network, num_classes=num_classes, **arguments)


def refusal(**arguments: Any) -> str:
    with pytest.raises(UserError) as error:
        made(**arguments)
    assert not isinstance(error.value, WeightsUnavailable)
    return str(error.value)


def equal(one: nn.Module, other: nn.Module) -> bool:
    """Whether two networks have the same weights under the same names."""
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(value, theirs[name]) for name, value in ours.items())


@pytest.mark.parametrize("network", [SMALL, "resnet10t"])
def test_it_is_timms_own_network(network: str) -> None:
    ours = made(network)
    torch.manual_seed(0)
    theirs = timm.create_model(network, num_classes=3)
    images = torch.randn(2, 3, 64, 64)
    assert type(ours) is type(theirs)
    assert equal(ours, theirs)
    assert torch.equal(ours.eval()(images), theirs.eval()(images))
    assert normalization_of(ours) == (theirs.pretrained_cfg["mean"], theirs.pretrained_cfg["std"])


def test_dropout_is_timms_drop_rate() -> None:
    assert made(dropout=0.3).drop_rate == 0.3
    assert made().drop_rate == 0


def test_stochastic_depth_finds_timms_branches_where_there_are_some() -> None:
    network = StochasticDepth(0.3).network(made("test_vit", stochastic_depth=0.3, image_size=64))
    found = [module.drop_prob for module in network.modules() if type(module).__name__ == "DropPath"]
    assert found == pytest.approx([0.3 * (k + 1) / len(found) for k in range(len(found))])
    with pytest.raises(NoEffect):
        StochasticDepth(0.3).network(made("repghostnet_050", stochastic_depth=0.3))  # has no such argument


def test_a_network_that_takes_neither_strength_is_made_without(monkeypatch: pytest.MonkeyPatch) -> None:
    class Plain(nn.Linear):
        def __init__(self, num_classes: int = 2) -> None:
            super().__init__(4, num_classes)

    monkeypatch.setattr(timm, "create_model", lambda name, **arguments: Plain(**arguments))
    assert made(dropout=0.3, stochastic_depth=0.2).out_features == 3


@pytest.mark.parametrize("side", [32, 64])
def test_a_network_for_one_size_is_made_for_that_of_the_images(side: int) -> None:
    assert made("test_vit", image_size=side)(torch.zeros(2, 3, side, side)).shape == (2, 3)


# ---- weights from a file


@pytest.fixture(scope="module")
def source() -> Any:
    return made(num_classes=1000, seed=7)


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model", "module.", "safetensors"])
def test_a_file_is_taken_over_all_but_the_head(source: nn.Module, wrapper: str | None, tmp_path: Path) -> None:
    state: Any = source.state_dict()
    file = tmp_path / ("weights.safetensors" if wrapper == "safetensors" else "weights.pth")
    if wrapper == "safetensors":
        safetensors.save_file(state, file)
    elif wrapper == "module.":
        torch.save({f"module.{name}": value for name, value in state.items()}, file)
    else:
        torch.save({wrapper: state, "epoch": 3} if wrapper else state, file)
    network = made(weights=str(file))
    ours, fresh = network.state_dict(), made().state_dict()
    assert all(torch.equal(value, (fresh if name.startswith("fc.") else state)[name]) for name, value in ours.items())


def test_the_head_is_taken_over_where_it_has_as_many_classes(tmp_path: Path) -> None:
    source = made(num_classes=3, seed=7)
    torch.save(source.state_dict(), tmp_path / "weights.pth")
    assert equal(made(weights=str(tmp_path / "weights.pth")), source)


def test_position_embeddings_are_resized_as_timm_does(tmp_path: Path) -> None:
    source = timm.create_model("test_vit")
    torch.save(source.state_dict(), tmp_path / "weights.pth")
    ours = made("test_vit", image_size=64, weights=str(tmp_path / "weights.pth"))
    overlay = {"state_dict": source.state_dict()}
    theirs = timm.create_model("test_vit", img_size=64, pretrained=True, pretrained_cfg_overlay=overlay)
    assert ours.pos_embed.shape != source.pos_embed.shape
    assert torch.equal(ours.pos_embed, theirs.pos_embed)


def test_a_file_of_another_network_is_refused_with_what_does_not_fit(source: nn.Module, tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    torch.save(source.state_dict(), file)
    message = refusal(network="resnet10t", weights=str(file))
    assert message.startswith(f"model.weights={file}: does not fit this network: ")
    assert message.endswith("Needed: weights of timm's resnet10t, as torch.save(model.state_dict(), file) writes them.")


def test_a_larger_network_of_the_same_kind_is_refused_too(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    torch.save(timm.create_model("resnet14t", num_classes=5).state_dict(), file)
    assert "unknown (layer" in refusal(network="resnet10t", weights=str(file))


def test_a_damaged_safetensors_file_is_one_message(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    file.write_bytes(b"cut off")
    assert refusal(weights=str(file)).startswith(
        f"model.weights={file}: not a file of weights that can be read safely ("
    )


def test_weights_that_are_no_numbers_are_refused(source: nn.Module, tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    state: dict[str, Tensor] = {name: value.clone() for name, value in source.state_dict().items()}
    next(iter(state.values())).fill_(float("nan"))
    torch.save(state, file)
    assert "holds values that are no numbers" in refusal(weights=str(file))


# ---- weights by name


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of Hugging Face's library, empty; and no network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def put(source: nn.Module, hub: Path, name: str) -> None:
    """Lay weights where the library has put what it once downloaded."""
    folder, commit = hub / f"models--timm--{name}", "0123456789abcdef0123456789abcdef01234567"
    (folder / "snapshots" / commit).mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commit)
    safetensors.save_file(source.state_dict(), folder / "snapshots" / commit / "model.safetensors")


@pytest.mark.parametrize("weights", ["DEFAULT", "r160_in1k"])
def test_named_weights_that_are_in_the_cache_need_no_network(weights: str, source: nn.Module, hub: Path) -> None:
    put(source, hub, "test_resnet.r160_in1k")
    network = made(weights=weights)
    state, fresh = source.state_dict(), made().state_dict()
    for name, value in network.state_dict().items():
        assert torch.equal(value, (fresh if name.startswith("fc.") else state)[name]), name


def test_the_images_are_normalised_as_the_named_weights_want_it(hub: Path) -> None:
    name = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"
    put(timm.create_model(name), hub, name)
    assert normalization_of(made("vit_tiny_patch16_224", weights="DEFAULT")) == ((0.5,) * 3, (0.5,) * 3)


def test_named_weights_without_a_network_say_where_they_are(hub: Path) -> None:
    with pytest.raises(WeightsUnavailable) as error:
        made(weights="DEFAULT")
    message = str(error.value)
    assert message.startswith(
        "model.weights=DEFAULT: these weights could not be fetched from "
        "https://huggingface.co/timm/test_resnet.r160_in1k ("
    )
    assert message.endswith(
        "Way out: download its model.safetensors on another machine and name it: "
        "model.weights=/path/to/model.safetensors"
    )
    assert "\n" not in message


# ---- a run of ours


def test_a_run_is_taken_over_with_its_normalization(tmp_path: Path) -> None:
    source = made(seed=7)
    state = {f"network.{name}": value for name, value in source.state_dict().items()}
    state |= {"mean": torch.full((1, 3, 1, 1), 0.25), "std": torch.full((1, 3, 1, 1), 0.5)}
    about = {"classes": ["a", "b", "c"], "config": {"model": {"name": "timm_test_resnet"}}}
    torch.save({"state_dict": state, "animal_cls": about}, tmp_path / "best.ckpt")
    network = made(weights=str(tmp_path / "best.ckpt"), class_names=["a", "b", "c"])
    assert equal(network, source)
    assert normalization_of(network) == ([0.25] * 3, [0.5] * 3)
    other = made(weights=str(tmp_path / "best.ckpt"), class_names=["a", "b", "d"])
    assert torch.equal(other.fc.weight, made().fc.weight)


# ---- what a user can get wrong


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"network": "resnet10"},
            f"model.network=resnet10: timm {timm.__version__} has no such network. Did you mean resnet10t? "
            "All of them: python -c 'import timm; print(timm.list_models())'",
        ),
        (
            {"network": "resnet10t.c3_in2k"},
            "model.network=resnet10t.c3_in2k: timm has no weights c3_in2k of resnet10t. Did you mean c3_in1k? "
            "There are: c3_in1k.",
        ),
        ({"weights": "r161"}, "model.weights=r161: neither a file nor a name of weights (r160_in1k, DEFAULT)."),
        ({"depth": 3}, "model.depth=3: timm's test_resnet takes no such argument."),
        (
            {"checkpoint_path": "evil.pth"},
            "model.checkpoint_path=evil.pth: is not handed on to timm; weights are model.weights=...",
        ),
    ],
)
def test_a_mistake_is_one_message(arguments: dict[str, Any], message: str) -> None:
    assert refusal(**arguments) == message


@pytest.mark.parametrize("network", ["hf-hub:somebody/evil", "local-dir:/tmp/evil"])
def test_networks_of_somebody_else_are_not_fetched(network: str) -> None:
    assert f"model.network={network}: timm {timm.__version__} has no such network." in refusal(network=network)


def test_without_timm_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert refusal() == "model=timm: timm is not installed. Install it: python -m pip install 'animal-cls[timm]'"
