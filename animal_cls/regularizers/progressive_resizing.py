"""Progressive resizing: the first images are small ones, the last have their full size."""

from animal_cls.regularizers import Card, Method

STEP = 4  # px, between two sides


class ProgressiveResizing(Method):
    """Images start at `strength` x their side, grow linearly, and end at their full size.

    As Composer's ProgressiveResizing (https://docs.mosaicml.com/projects/composer/en/stable/method_cards/
    progressive_resizing.html) with its mode "resize" and its fractions; from https://www.fast.ai/posts/2018-04-30-dawnbench-fastai.html.

    Args:
        strength: share of the side at the start, in (0, 1).
        delay: share of the training in which the images stay as small as at the start.
        finetune: share of the training, at its end, with images of the full size.
    """

    acts_on = "order"
    card = Card(
        does="The training begins with small images and ends with full ones. Between, the side grows linearly.",
        strength="share of the side at the start, in (0, 1)",
        formula="side = strength * full side until delay of the training, full in its last finetune",
        source="https://docs.mosaicml.com/projects/composer/en/stable/method_cards/progressive_resizing.html",
        values=(0.5,),
        values_from="Composer's card",
        cost="less than a step without it, by the share of pixels",
        needs="a network that takes images of any size: not simple_cnn",
    )

    def __init__(self, strength: float, delay: float = 0.5, finetune: float = 0.2) -> None:
        if strength >= 1:
            raise ValueError(f"reg.progressive_resizing={strength}: a share of the side below 1 is needed.")
        if min(delay, finetune) < 0 or delay + finetune > 1:
            shares = f"delay={delay}, finetune={finetune}"
            raise ValueError(f"reg.progressive_resizing: shares of the training of at most 1 are needed, not {shares}.")
        super().__init__(strength)
        self.delay, self.finetune = delay, finetune

    def side(self, side: int) -> int:
        between = 1 - self.delay - self.finetune
        grown = (self.progress - self.delay) / between if between else float(self.progress >= self.delay)
        share = self.strength + (1 - self.strength) * min(max(grown, 0.0), 1.0)
        return side if share == 1 else max(STEP, round(share * side / STEP) * STEP)
