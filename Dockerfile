# The daemon, and every other command, as `docker run IMAGE COMMAND`. Not built where it was written (no container engine there):
# test/deploy/image.test.ts makes what the last stage holds, by these COPY lines, and starts it.
FROM node:22.20.0-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/clean.mjs ./scripts/clean.mjs
COPY src ./src
RUN npm run build

FROM node:22.20.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:22.20.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json LICENSE ./
# A number, so that Kubernetes can see that it is not root. Nothing in the image is writable for it, and nothing needs to be.
USER 65532:65532
EXPOSE 8780 9780
# Only says that the process answers: a source that is away does not make the container unhealthy.
HEALTHCHECK --interval=15s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.BINLOG_UNDO_ADMIN_PORT || 8780}/livez`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# No shell in between: signals reach node, which ends at a transaction boundary.
ENTRYPOINT ["node", "/app/dist/cli/main.js"]
CMD ["run"]
