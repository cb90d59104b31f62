"""From run folders to arms, comparisons, classes and the answer."""
