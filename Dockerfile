# The image of both programs: bin/sightlog (cameras) and bin/sightlogd
# (services). It holds no PostgreSQL; give it one with --database-url.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY . .
ARG VERSION=dev
RUN make setup build VERSION="$VERSION"

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
    libopencv-core406 libopencv-imgproc406 libopencv-imgcodecs406 libopencv-videoio406 \
    libavformat59 libavcodec59 libavutil57 libswscale6 ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --gid 0 --home-dir /data --no-create-home sightlog \
 && install -d -m 2770 -o 10001 -g 0 /data
COPY --from=build /src/bin/sightlog /src/bin/sightlogd /usr/local/bin/
COPY --from=build /src/lib/libonnxruntime.so.1.29.0 /usr/local/lib/

# A number, so that Kubernetes can see that it is not root. Another user works,
# too, as long as its group is 0 or /data is its own.
USER 10001:0
ENV HOME=/data SIGHTLOG_METRICS=127.0.0.1:9464
WORKDIR /data
VOLUME /data
# 503 while anything keeps sightings from the tables; there is no curl in here.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9464 && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r line <&3 && [[ $line == *' 200 '* ]]"]
ENTRYPOINT ["sightlog"]
CMD ["--help"]
