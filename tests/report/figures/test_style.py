"""Whatever a class is called, it can be drawn."""

from matplotlib.figure import Figure

from animal_cls.report.figures.style import drawable, has_glyph, set_title, short


def test_letters_without_a_font_are_written_as_in_result_json() -> None:
    never = "\U0001ffff"  # no letter, now or later, so that no font has it
    assert drawable(f"a{never}é") == r"a\ud83f\udfffé"


def test_letters_that_a_font_has_stay() -> None:
    assert drawable("élan → ✓ ✗ $x$") == "élan → ✓ ✗ $x$"
    assert has_glyph("✗")


def test_long_names_keep_their_two_ends() -> None:
    assert short("abcdefghijklmnop", 10) == "abcdef…nop"
    assert short("abcdefghij", 10) == "abcdefghij"


def test_titles_fit_into_the_figure() -> None:
    figure = Figure(figsize=(5, 3), layout="constrained")
    set_title(figure, "first line\n" + "long words " * 20)
    figure.draw_without_rendering()
    [title] = figure.texts
    assert title.get_text().startswith("first line\nlong words")
    box = title.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
