# One target an image:
#   docker buildx build --target webhook --platform linux/amd64,linux/arm64 .
#   docker buildx build --target sidecar --platform linux/amd64,linux/arm64 .
# A release adds --build-arg VERSION=<version>, which becomes a label and what
# --version prints.

# The compiler runs on the building machine's own platform and compiles for the
# image's, which is far faster than emulating it.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
# Modules in a layer of their own: they change less often than the code.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS TARGETARCH
ENV CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH

FROM build AS build-webhook
ARG VERSION=devel
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -ldflags="-s -w -X main.version=$VERSION" -o /out/leaseholder-webhook ./cmd/leaseholder-webhook

FROM build AS build-sidecar
ARG VERSION=devel
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -ldflags="-s -w -X main.version=$VERSION" -o /out/leaseholder-sidecar ./cmd/leaseholder-sidecar

# Both images hold one static binary and nothing else: no shell, no package
# manager, and no certificates, because only the cluster's own API server is
# called. The user is a number, so that runAsNonRoot can be checked without
# reading a password file.
FROM scratch AS webhook
ARG VERSION=devel
LABEL org.opencontainers.image.title="leaseholder-webhook" \
      org.opencontainers.image.description="Puts an election sidecar into annotated pods and grants it its Lease." \
      org.opencontainers.image.source="https://github.com/leaseholder-dev/leaseholder" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build-webhook /out/leaseholder-webhook /leaseholder-webhook
USER 65532:65532
ENTRYPOINT ["/leaseholder-webhook"]

FROM scratch AS sidecar
ARG VERSION=devel
LABEL org.opencontainers.image.title="leaseholder-sidecar" \
      org.opencontainers.image.description="Holds a pod's place in an election and tells its containers who leads." \
      org.opencontainers.image.source="https://github.com/leaseholder-dev/leaseholder" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build-sidecar /out/leaseholder-sidecar /leaseholder-sidecar
USER 65532:65532
ENTRYPOINT ["/leaseholder-sidecar"]
