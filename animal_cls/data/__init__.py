"""Pictures on disk -> splits -> decoded cache -> batches."""
