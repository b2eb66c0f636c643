"""Makes a negative: the smallest filter in Python."""
import picam_filter

picam_filter.run(lambda picture, info: 255 - picture)
