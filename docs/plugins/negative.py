"""Makes a negative: the smallest filter in Python."""
import picam_filter

picam_filter.run(lambda frame, info: 255 - frame)
