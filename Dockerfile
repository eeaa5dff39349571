# The image of both programs: bin/sightlog (cameras) and bin/sightlogd
# (services). It holds no PostgreSQL; give it one with --database-url.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY . .
RUN make setup build

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
    libopencv-core406 libopencv-imgproc406 libopencv-imgcodecs406 libopencv-videoio406 ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --create-home --home-dir /data sightlog
COPY --from=build /src/bin/sightlog /src/bin/sightlogd /usr/local/bin/
COPY --from=build /src/lib/libonnxruntime.so.1.29.0 /usr/local/lib/
ENV SIGHTLOG_ONNXRUNTIME=/usr/local/lib/libonnxruntime.so.1.29.0
USER sightlog
WORKDIR /data
VOLUME /data
ENTRYPOINT ["sightlog"]
CMD ["--help"]
