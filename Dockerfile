# One target an image, from the files that `make image-files` leaves:
#   docker buildx build --target webhook --platform linux/amd64,linux/arm64 .
#   docker buildx build --target sidecar --platform linux/amd64,linux/arm64 .
#   docker buildx build --target sidecar-cloud --platform linux/amd64,linux/arm64 .
# `make images ARCHITECTURES=amd64,arm64` makes the files and then one image for each
# target and architecture. Nothing is compiled here: an image depends on the files alone,
# on no other image, and needs no network. The files are the same bytes wherever they are
# made, so with SOURCE_DATE_EPOCH (docker) or --timestamp (podman, buildah) the image's
# digest is the same too.

# Each image holds one static binary and its bill of materials, and nothing else: no
# shell, no package manager, and no certificates. Only the cluster's own API server is
# called, but for sidecar-cloud, whose program has the public authorities in it. The user
# is a number, so that runAsNonRoot can be checked without reading a password file.
FROM scratch AS webhook
ARG TARGETARCH
ARG VERSION=devel
LABEL org.opencontainers.image.title="leaseholder-webhook" \
      org.opencontainers.image.description="Puts an election sidecar into annotated pods and grants it its Lease." \
      org.opencontainers.image.source="https://github.com/leaseholder-dev/leaseholder" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
COPY bin/images/linux-$TARGETARCH/webhook/ /
USER 65532:65532
ENTRYPOINT ["/leaseholder-webhook"]

FROM scratch AS sidecar
ARG TARGETARCH
ARG VERSION=devel
LABEL org.opencontainers.image.title="leaseholder-sidecar" \
      org.opencontainers.image.description="Holds a pod's place in an election and tells its containers who leads." \
      org.opencontainers.image.source="https://github.com/leaseholder-dev/leaseholder" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
COPY bin/images/linux-$TARGETARCH/sidecar/ /
USER 65532:65532
ENTRYPOINT ["/leaseholder-sidecar"]

FROM scratch AS sidecar-cloud
ARG TARGETARCH
ARG VERSION=devel
LABEL org.opencontainers.image.title="leaseholder-sidecar-cloud" \
      org.opencontainers.image.description="The sidecar of elections whose lock is outside the cluster, in cloud storage." \
      org.opencontainers.image.source="https://github.com/leaseholder-dev/leaseholder" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
COPY bin/images/linux-$TARGETARCH/sidecar-cloud/ /
USER 65532:65532
ENTRYPOINT ["/leaseholder-sidecar-cloud"]
