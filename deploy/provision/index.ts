/** Real servers and tools for the demo, the tests and the benchmarks: docs/servers.md. */
export { makeCertificates, type Certificates } from './certificates.ts';
export { externalServer, formatDsn, parseDsn, type ExternalServer, type ServerAddress } from './dsn.ts';
export { ensurePrefix, type Prefix } from './debian-prefix.ts';
export { ProvisionError } from './errors.ts';
export { exec, execOk, type ExecOptions, type ExecResult } from './exec.ts';
export { cacheRoot } from './host.ts';
export { SERVER_KINDS, flavourOf, type ExternalKind, type Flavour, type PrefixKind, type Progress, type ServerKind } from './kinds.ts';
export { freePort } from './ports.ts';
export { runHelm, whyNoHelm } from './helm.ts';
export { startKafka, type RunningKafka } from './kafka.ts';
export type { SecureListener } from './kafka-settings.ts';
export { sweepStaleServers } from './run-folder.ts';
export { startServer, type RunningServer, type ServerOptions } from './server.ts';
export { runTool, spawnTool, sysbenchScripts, toolCommand, type ToolCommand } from './tools.ts';
