# The service as an image with nothing in it but the program and the certificates of authorities: see deploy/README.md.
#
#   docker build --tag taskgate .
#   docker run --env BETTER_AUTH_SECRET --publish 8000:8000 --volume taskgate:/data --stop-timeout 15 taskgate

FROM docker.io/library/rust:1.95-bookworm AS build
# What comes after file makes the profile that the compiler goes by.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends file openssl postgresql python3 wrk \
    && rm -rf /var/lib/apt/lists/* \
    && rustup component add llvm-tools
# Debian's Node is older than what the explorer is built with.
COPY --from=docker.io/library/node:22-bookworm-slim /usr/local/ /usr/local/
WORKDIR /src
COPY . .
RUN scripts/build release && scripts/rootfs release /image

FROM scratch
COPY --from=build --chown=65532:65532 /image/data/ /data/
COPY --from=build /image/rootfs/ /
# A user that is none of the host's. By number, so that Kubernetes can tell that it is not root.
USER 65532:65532
WORKDIR /data
# A .env file of the volume counts less than these; --env and flags count more.
ENV LISTEN=0.0.0.0:8000 DATABASE_URL=sqlite:///data/taskgate.db
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["/taskgate", "health"]
ENTRYPOINT ["/taskgate"]
CMD ["serve"]
