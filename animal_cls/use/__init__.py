"""What a finished run is good for, from its folder alone: the training images are never asked for."""
