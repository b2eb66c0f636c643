"""A filter of your own for picam, in Python: copy this file beside yours. It needs numpy. See docs/own-filters.md."""
import json
import struct
import sys

import numpy as np


def run(work):
    """Call work(picture, info) for each picture: an array, rows x columns (gray) or rows x columns x 3 (blue, green,
    red), and a dict with seq, captured (Unix ns), camera and params. It returns a picture of any size, None for the
    same one, or (picture, list of detections)."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # so that print() does not disturb
    while head := source.read(56):
        _, _, start, width, height, channels, stride, seq, captured, name, params, size, _ = struct.unpack(
            "<4sHHIIIIQqIIII", head)
        rest = source.read(start - 56 + name + params + size)[start - 56:]
        info = {"seq": seq, "captured": captured, "camera": rest[:name].decode(),
                "params": json.loads(rest[name:name + params])}
        rows = np.frombuffer(rest, np.uint8, offset=name + params).reshape(height, stride)[:, :width * channels]
        answer = work(rows.reshape((height, width) if channels == 1 else (height, width, channels)), info)
        picture, found = answer if isinstance(answer, tuple) else (answer, [])
        picture = np.zeros((0, 0), np.uint8) if picture is None else np.ascontiguousarray(picture, np.uint8)
        (height, width), channels = picture.shape[:2], 3 if picture.ndim == 3 else 1
        found = json.dumps(found).encode() if found else b""
        sink.write(struct.pack("<4sHHIIIIIIQ", b"PICM", 1, 40, width, height, channels, width * channels,
                               picture.size, len(found), seq))
        sink.write(picture.data if picture.size else b"")
        sink.write(found)
        sink.flush()
