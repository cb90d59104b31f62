"""The chart shows what was measured where it belongs."""

from pathlib import Path

from PIL import Image

from benchmarks.harness import chart
from benchmarks.harness.measurements import Part, of


def test_each_network_has_a_panel_with_the_fastest_on_top(tmp_path: Path) -> None:
    speeds = [
        of("bare loop", "images/s", [300.0], subject="simple_cnn"),
        of("the usual pipeline", "images/s", [100.0], subject="simple_cnn"),
        of("bare loop", "images/s", [30.0], subject="resnet18"),
        of("decoder", "images/s", [2000.0]),
    ]
    parts = [Part(letter="a", title="", measurements=speeds)]
    figure = chart.drawn(parts)
    assert figure is not None
    simple, resnet = figure.axes
    titles = [axes.get_title(loc="left") for axes in (simple, resnet)]
    assert titles == ["simple_cnn: images per second", "resnet18: images per second"]
    assert [bar.get_width() for bar in simple.patches] == [100.0, 300.0]  # type: ignore[attr-defined]
    chart.save(parts, tmp_path / "speed.png")
    with Image.open(tmp_path / "speed.png") as image:
        assert image.width > 1000


def test_nothing_to_draw_is_no_chart(tmp_path: Path) -> None:
    chart.save([Part(letter="a", title="", measurements=[of("time", "s", [1.0])])], tmp_path / "speed.png")
    assert not list(tmp_path.iterdir())
