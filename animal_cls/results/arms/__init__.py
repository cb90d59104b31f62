"""Arms: all runs that differ in nothing but seed and fold, and which of them an arm is compared with."""
