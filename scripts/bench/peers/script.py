"""The Python script that picam is compared with, as one writes it who knows OpenCV and sockets.

  script.py chain HOST PORT    frames from a socket: decode to gray, GaussianBlur 5 × 5, Canny 50, 150
  script.py gray|bgr CLIP      cv2.imdecode alone, on the frames of a file

OpenCV's own threads are on, as they are unless told otherwise. It prints as reference.cpp does.
"""

import socket
import statistics
import sys
import time

import cv2
import numpy as np


def frames(read):
    """Cuts what read() returns into JPEG frames at their end markers; each byte is searched once."""
    buf = bytearray()
    seen = 0
    while chunk := read():
        buf += chunk
        begin = 0
        while (end := buf.find(b"\xff\xd9", seen)) >= 0:
            yield np.frombuffer(bytes(buf[begin : end + 2]), np.uint8)
            begin = seen = end + 2
        seen = max(begin, len(buf) - 1)
        del buf[:begin]
        seen -= begin


def chain(jpeg):
    gray = cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE)
    return cv2.Canny(cv2.GaussianBlur(gray, (5, 5), 0), 50, 150)


def main(what, *args):
    if what == "chain":
        read, work = lambda: conn.recv(1 << 20), chain
        conn = socket.create_connection((args[0], int(args[1])))
    else:
        mode = cv2.IMREAD_GRAYSCALE if what == "gray" else cv2.IMREAD_COLOR
        clip = open(args[0], "rb")
        read, work = lambda: clip.read(1 << 20), lambda jpeg: cv2.imdecode(jpeg, mode)
    cpu = []
    begin, begin_cpu = time.monotonic(), time.process_time()
    for jpeg in frames(read):
        start = time.thread_time()
        result = work(jpeg)
        cpu.append(time.thread_time() - start)
    took, took_cpu = time.monotonic() - begin, time.process_time() - begin_cpu
    edges = cv2.countNonZero(result) if what == "chain" else 0
    print(f"frames {len(cpu)} seconds {took:.6f} cpu-seconds {took_cpu:.6f} edges {edges}",
          f"frame-cpu-us {statistics.median(cpu) * 1e6:.1f}")


main(*sys.argv[1:])
