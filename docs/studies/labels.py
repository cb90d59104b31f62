"""A table of some of CIFAR-10: of each class the first by name train and validate, all of test/ test; for data=table.

python docs/studies/labels.py FOLDER_WITH_train_AND_test TRAIN_PER_CLASS VAL_PER_CLASS OUT.csv
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path


def rows(root: Path, train: int, val: int) -> Iterator[tuple[str, str, str]]:
    """Path, label and split of each image."""
    for folder in sorted((root / "train").iterdir()):
        for k, path in enumerate(sorted(folder.iterdir())[: train + val]):
            yield path.relative_to(root).as_posix(), folder.name, "train" if k < train else "val"
        for path in sorted((root / "test" / folder.name).iterdir()):
            yield path.relative_to(root).as_posix(), folder.name, "test"


if __name__ == "__main__":
    source, out = Path(sys.argv[1]), Path(sys.argv[4])
    with out.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [("path", "label", "split"), *rows(source, int(sys.argv[2]), int(sys.argv[3]))]
        )
