# syntax=docker/dockerfile:1
# Not Alpine, because Temporal's native core needs glibc.
FROM node:20.20.2-bookworm-slim AS base
WORKDIR /app

FROM base AS build
COPY package.json package-lock.json ./
# No install scripts: none is needed, and some would download from outside the registry.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY lab ./lab
RUN npm run build

FROM base AS modules
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

# The lab, for `docker compose --profile lab up`. It is set up as on a developer's machine.
FROM base AS lab
COPY . .
RUN node scripts/setup.mjs --lab && install -d -o node -g node .lab
USER node
STOPSIGNAL SIGTERM
CMD ["node", "dist/lab/main.js", "serve"]

FROM base AS worker
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends bind9-dnsutils ca-certificates \
    && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
COPY --from=modules /app/node_modules ./node_modules
COPY --from=build /app/dist/src ./dist/src
COPY package.json ./
COPY bin ./bin
COPY docker/worker-health.cjs ./docker/
USER node
ENV STACKATO_DEPLOY_METRICS=127.0.0.1:9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 CMD ["node", "docker/worker-health.cjs"]
CMD ["node", "dist/src/worker/main.js"]
