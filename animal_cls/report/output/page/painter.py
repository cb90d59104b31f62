"""Who draws the figures of a page: an earlier report has, helpers do while arms are still compared, or this process."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

from animal_cls.files.workers import Workers
from animal_cls.report.figures.drawing import Drawing, Files, rendered
from animal_cls.report.figures.study_figures import drawings
from animal_cls.report.output.page.drawn import Drawn, content
from animal_cls.report.records import Study


@dataclass(frozen=True, kw_only=True, eq=False)
class Painter:
    """Draws the figures of a study, some of them while the study is still being made."""

    workers: Workers
    drawn: Drawn  # by an earlier report
    png: bool = False  # without it, new figures have no PNG file
    begun: "dict[bytes, Future[Files]]" = field(default_factory=dict)  # by what they are drawn from

    def begin(self, study: Study) -> None:
        """Let the workers, if there are some, draw what is known already."""
        if self.workers.count:
            _, missing = self._known(list(drawings(study)))
            begun = self.workers.begin(self._work, missing)
            self.begun.update(zip(map(content, missing), begun, strict=False))

    def draw(self, study: Study) -> list[tuple[Drawing, Files]]:
        """All figures: to draw those that no earlier report has takes longer than everything else."""
        made = list(drawings(study))
        known, missing = self._known(made)
        given = [self.begun.get(content(drawing)) for drawing in missing]
        late = [k for k, one in enumerate(given) if one is None]
        for k, one in zip(late, self.workers.begin(self._work, [missing[k] for k in late]), strict=False):
            given[k] = one
        new = self.workers.finish(self._work, missing, given)
        known |= {one.name: self._with_png(one, files) for one, files in zip(missing, new, strict=True)}
        return [(drawing, known[drawing.name]) for drawing in made]

    def _with_png(self, drawing: Drawing, files: Files) -> Files:
        """With the PNG file that lies beside the very same SVG, of an earlier report, where none was asked for now."""
        there = {kind: self.drawn.content(drawing, kind) for kind in ("svg", "png")}
        return files if files.png or there["svg"] != files.svg.encode() else Files(svg=files.svg, png=there["png"])

    @property
    def _work(self) -> Callable[[Drawing], Files]:
        return partial(rendered, png=self.png)

    def _known(self, made: Sequence[Drawing]) -> tuple[dict[str, Files], list[Drawing]]:
        """What an earlier report has drawn, by name, and the drawings that it has not."""
        known = {one.name: files for one in made if (files := self.drawn.files(one))}
        return known, [one for one in made if (old := known.get(one.name)) is None or (self.png and old.png is None)]
