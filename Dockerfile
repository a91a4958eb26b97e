# gatewatch as a container: compiled JavaScript on a slim Node, no shell tools needed at run time, no Chromium.
#   docker build --build-arg BASE_DIGEST=sha256:… -t gatewatch .
#   docker run --read-only --cap-drop ALL --init -v gatewatch:/var/lib/gatewatch -v ./gatewatch.yaml:/etc/gatewatch/gatewatch.yaml:ro gatewatch
# The image has no init of its own: --init is for `checks.browser`, which starts a child for each visit (with a remote
# browser, `browser.connect`, and --tmpfs /tmp); without, it starts none. BASE_DIGEST pins the base to the bytes you have checked.
ARG BASE=docker.io/library/node:24.21.0-bookworm-slim
ARG BASE_DIGEST=

FROM ${BASE}${BASE_DIGEST:+@${BASE_DIGEST}} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# With the optional packages: the compiler's own program is one of them.
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY probes probes
COPY config config
RUN npm run build && npm prune --omit=dev --omit=optional

FROM ${BASE}${BASE_DIGEST:+@${BASE_DIGEST}}
ARG BASE
ARG BASE_DIGEST
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="gatewatch" \
      org.opencontainers.image.description="Tells operators of self-hosted sites, within a minute and in one alert, what broke in front of their services" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${BASE}" \
      org.opencontainers.image.base.digest="${BASE_DIGEST}"
# Runtime stage without a package manager: nothing is installed here, ever.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn* \
 && install -d -o 65532 -g 65532 -m 0700 /var/lib/gatewatch
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
ENV NODE_ENV=production \
    MALLOC_ARENA_MAX=2 \
    GATEWATCH_HEALTH_URL=http://127.0.0.1:10780/livez
USER 65532:65532
VOLUME /var/lib/gatewatch
EXPOSE 10780
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch(process.env.GATEWATCH_HEALTH_URL).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The store's default is a relative file: it lands on the volume. A missing configuration is exit 2, never the demo.
WORKDIR /var/lib/gatewatch
ENTRYPOINT ["node", "--disable-proto=delete", "--disable-sigusr1", "--report-exclude-env", "--enable-experimental-regexp-engine-on-excessive-backtracks", "--max-semi-space-size=1", "--max-old-space-size=256", "--optimize-for-size", "--no-maglev", "--liftoff-only", "/app/dist/src/main.js"]
CMD ["run", "--config", "/etc/gatewatch/gatewatch.yaml"]
