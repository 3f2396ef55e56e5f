# Builds the Debian package, and installs it: the image has what the package has, and no more.
#
#   docker build -t turnstile .
#   docker run --rm -p 7000:7000 -v turnstile:/state turnstile --event rush=500

FROM debian:bookworm-slim AS build
WORKDIR /src
COPY script/bootstrap script/
RUN script/bootstrap build package
COPY . .
RUN script/package

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="turnstile" \
      org.opencontainers.image.description="Chat and tickets on many processes" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.documentation="docs/operations.md"
# The number is fixed, so that a volume's files stay readable to a later image.
RUN --mount=type=bind,from=build,source=/src/build/package/deb,target=/deb \
    groupadd --system --gid 900 turnstile \
 && useradd --system --uid 900 --gid 900 --home-dir /state --no-create-home --shell /usr/sbin/nologin turnstile \
 && apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends /deb/turnstile.deb \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /var/lib/turnstile \
 && install -d -o turnstile -g turnstile -m 0700 /state
COPY packaging/container.conf /etc/turnstile/
COPY packaging/demo /usr/share/turnstile/demo

USER 900:900
WORKDIR /state
VOLUME /state
EXPOSE 7000 7007 7080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s --retries=3 \
    CMD ["turnstile", "send", "/ping"]
ENTRYPOINT ["turnstiled", "--config", "/etc/turnstile/container.conf"]
