"""Makes a negative, and reports the part that is brighter than params: {level: 200}."""
import numpy as np

import picam_filter


def work(frame, info):
    level = info["params"].get("level", 200)
    gray = frame if frame.ndim == 2 else frame.max(axis=2)
    ys, xs = np.nonzero(gray > level)
    found = []
    if len(xs):
        x, y = int(xs.min()), int(ys.min())
        found = [{"label": "bright", "box": [x, y, int(xs.max()) - x + 1, int(ys.max()) - y + 1],
                  "score": len(xs) / gray.size}]
    return 255 - frame, found


picam_filter.run(work)
