"""Images on disk -> splits -> decoded cache -> batches."""
