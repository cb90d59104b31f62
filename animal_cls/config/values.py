"""Values that the config and the rooms below it both speak of, without the libraries that the config needs."""

PUBLISHED = "published"  # for data.val and data.test: as in the report, instead of a fraction
MAX_PIXELS = 100_000_000  # what data.max_pixels is unless it is chosen: 100 megapixels are more than most cameras give
