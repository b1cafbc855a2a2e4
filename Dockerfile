# The API, and with `worker/main.ts` as its command the worker. Node runs the .ts files as they are; only the workflows are
# bundled.
FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Not `npm ci`: it refuses its own lock file for packages of other platforms.
RUN npm install --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
# The worker's connection to Temporal takes the system's certificate authorities, and the slim image has none.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY . .
RUN node worker/bundle-workflows.ts
ENV HOLDFAST_WORKFLOW_BUNDLE=dist/workflows.js
USER node
# As `npm run api` and `npm run worker`: docs/operations.md says why.
ENTRYPOINT ["node", "--max-semi-space-size=4"]
CMD ["api/main.ts"]
# Of the API. A worker has no port: it ends by itself when it is broken.
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s \
  CMD ["node", "--eval", "fetch(`http://127.0.0.1:${process.env.PORT || 8080}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
