"""The report's simple CNN: four convolutions, each with ReLU and a 2 x 2 max-pool, then five linear layers."""

from torch import Tensor, nn

CONVOLUTIONS = ((5, 6), (5, 12), (4, 16), (4, 20))  # kernel (pixels), channels out; unpadded, stride 1
HIDDEN = (256, 128, 64, 32)  # features out of the four hidden linear layers
POOL = 2  # pixels


class SimpleCNN(nn.Module):
    """Images (N, 3, H, W) -> logits (N, K); 182,314 parameters at K = 10 and 128 x 128 pixels.

    Args:
        num_classes: K.
        image_size: H = W in pixels; the first linear layer follows it.
        dropout: probability in [0, 1) of dropping an activation, after the ReLU of each hidden linear layer.

    Raises:
        ValueError: images of this size have nothing left after the last pool.
    """

    def __init__(self, *, num_classes: int, image_size: int = 128, dropout: float = 0.0) -> None:
        super().__init__()
        side = feature_side(image_size)
        if side < 1:
            raise ValueError(
                f"data.image_size={image_size}: too small for simple_cnn, whose convolutions and pools need at least "
                f"{smallest_image_size()} pixels. Use data.image_size={smallest_image_size()} or more."
            )
        layers: list[nn.Module] = []
        channels = 3
        for kernel, out in CONVOLUTIONS:
            # The pool comes first: the result and the gradients are exactly equal, for a quarter of the ReLU's work.
            layers += [nn.Conv2d(channels, out, kernel), nn.MaxPool2d(POOL), nn.ReLU()]
            channels = out
        self.features = nn.Sequential(*layers)
        head: list[nn.Module] = [nn.Flatten()]
        width = channels * side**2
        for out in HIDDEN:
            head += [nn.Linear(width, out), nn.ReLU(), nn.Dropout(dropout)]
            width = out
        self.classifier = nn.Sequential(*head, nn.Linear(width, num_classes))

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def feature_side(image_size: int) -> int:
    """Height and width of the last feature map in pixels, for images of `image_size` pixels."""
    side = image_size
    for kernel, _ in CONVOLUTIONS:
        side = max(side - kernel + 1, 0) // POOL
    return side


def smallest_image_size() -> int:
    """The smallest image in pixels that leaves a feature map."""
    return next(size for size in range(1, 1000) if feature_side(size) >= 1)
