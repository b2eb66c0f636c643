# docker build -t picam . && docker run --rm --network host picam recv --listen :8002 --display none ...

FROM golang:1.26-trixie AS build
WORKDIR /src
# From what changes least to what changes most, as each step is kept until something before it changes.
COPY go.mod go.sum ./
COPY scripts/deps.sh scripts/build-env.sh scripts/
RUN scripts/deps.sh && rm -rf /var/lib/apt/lists/*
RUN go mod download && scripts/build-env.sh go build gocv.io/x/gocv
COPY . .
ARG VERSION=dev
RUN make build VERSION=$VERSION

FROM debian:trixie-slim
# The libraries that the binary is linked with, or loads when they are needed. imgcodecs and videoio, which bring GDAL,
# FFmpeg and GStreamer, are not among them; see scripts/build-env.sh. For windows, on a screen that the container can
# reach, add libopencv-highgui410, and with it Qt. opencv-data has what the filter faces looks for.
RUN apt-get update && \
    apt-get install -y --no-install-recommends \
        libopencv-calib3d410 libopencv-core410 libopencv-imgproc410 libopencv-objdetect410 libopencv-photo410 \
        libjpeg62-turbo libopencv-video410 opencv-data && \
    rm -rf /var/lib/apt/lists/*
# In the group video a camera given with --device /dev/video0 can be read.
RUN useradd --create-home --groups video picam
USER picam
WORKDIR /home/picam
COPY --from=build /src/picam /usr/local/bin/picam
EXPOSE 8002
ENTRYPOINT ["picam"]
