"""Finished sweeps for trackers of experiments: training itself knows none of them but the logger of a run."""
