FROM node:24-bookworm-slim AS build
WORKDIR /app
ENV NUXT_TELEMETRY_DISABLED=1

# Before the sources, so that a change in them does not install everything again. Scripts stay off: `postinstall` needs
# the sources (and `npm run build` does its work anyway), and the npm package `node` would fetch what this image is.
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-audit --no-fund

COPY . .
RUN npm run build


FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="Leitstand" \
      org.opencontainers.image.description="The control room for MQTT devices: every device live in the browser" \
      org.opencontainers.image.licenses="MIT"

# The application listens on 127.0.0.1 unless told otherwise, and nobody could reach that from outside the container.
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    NUXT_DATA_DIR=/data
WORKDIR /app

# The history, which must outlive the container; a volume mounted here takes over this owner. No VOLUME line,
# because that would leave a nameless volume behind after each `docker run`.
RUN install -d -o node -g node /data

# Owned by root: the running process cannot change its own program.
COPY --from=build /app/.output ./.output

USER node
EXPOSE 3000
STOPSIGNAL SIGTERM

# Well means that messages can arrive: the answer is 503 while the broker is away.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/api/health').then(answer => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

# No shell and no npm in between: signals reach node itself.
CMD ["node", ".output/server/index.mjs"]
