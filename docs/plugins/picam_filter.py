"""A filter of your own for picam, in Python: copy this file beside yours. It needs numpy. See docs/plugins.md."""
import json
import struct
import sys

import numpy as np


def run(work):
    """Call work(frame, info) for each frame: an array, rows x columns (gray) or rows x columns x 3 (blue, green,
    red), and a dict with seq, captured (Unix ns), camera and params. It returns a frame of any size (see to_pixels),
    None for the same one, or (frame, list of detections)."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # so that print() does not disturb
    while head := source.read(56):
        _, _, start, width, height, channels, stride, seq, captured, name, params, size, _ = struct.unpack(
            "<4sHHIIIIQqIIII", head)
        rest = bytearray(source.read(start - 56 + name + params + size))  # work may draw in the frame
        del rest[:start - 56]
        info = {"seq": seq, "captured": captured, "camera": rest[:name].decode(),
                "params": json.loads(rest[name:name + params])}
        rows = np.frombuffer(rest, np.uint8, offset=name + params).reshape(height, stride)[:, :width * channels]
        answer = work(rows.reshape((height, width) if channels == 1 else (height, width, channels)), info)
        frame, found = answer if isinstance(answer, tuple) else (answer, [])
        frame = np.zeros((0, 0), np.uint8) if frame is None else to_pixels(frame)
        (height, width), channels = frame.shape[:2], 3 if frame.ndim == 3 else 1
        found = json.dumps(found, default=lambda number: number.tolist()).encode() if found else b""
        sink.write(struct.pack("<4sHHIIIIIIQ", b"PICM", 1, 40, width, height, channels, width * channels,
                               frame.size, len(found), seq))
        sink.write(frame.data if frame.size else b"")
        sink.write(found)
        sink.flush()


def to_pixels(frame):
    """Return a frame of any numpy type as uint8: floats times 255 as cv2.imshow does, True as 255, integers as they
    are, without alpha. Where that would not show what is meant, end the program with a sentence for picam's log."""
    found = type(frame).__name__
    if isinstance(frame, np.ndarray):
        found = f"{frame.dtype} of shape {frame.shape}"
        if frame.ndim == 3 and frame.shape[2] in (1, 4):
            frame = frame[:, :, 0] if frame.shape[2] == 1 else frame[:, :, :3]
        if frame.dtype.kind in "buif" and frame.size and frame.ndim > 1 and frame.shape[2:] in ((), (3,)):
            if frame.dtype == bool:
                frame = frame * np.uint8(255)
            if frame.dtype == np.uint8:
                return np.ascontiguousarray(frame)
            low, high = frame.min(), frame.max()
            if frame.dtype.kind == "f" and low >= -1 and high <= 2:  # none, or a little, overshoots
                return np.ascontiguousarray((frame * 255).round().clip(0, 255), np.uint8)
            if frame.dtype.kind != "f" and low >= 0 and high <= 255:
                return np.ascontiguousarray(frame, np.uint8)
            found += f", {low:g} to {high:g}"
    sys.exit(f"work returned {found}; return an array, rows x columns (gray) or rows x columns x 3 (blue, green, red), "
             "of integers from 0 to 255 (frame.clip(0, 255), or frame // 256 of 16 bits), of floats from 0 to 1, or of "
             "bool")
