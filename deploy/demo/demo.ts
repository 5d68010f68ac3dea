/**
 * npm run demo [-- --keep]: a shop on real servers, an UPDATE without its WHERE, and its undo, each claim put to the test.
 * Exit status: 0 when all held, 1 when not, 2 for wrong usage, 130 or 143 after a signal; nothing is left behind.
 */
import { ProvisionError, sweepStaleServers } from '../provision/index.ts';
import { Cleanup } from './cleanup.ts';
import { BUILT, SOURCE } from './program.ts';
import { runDemo, type DemoOptions } from './run-demo.ts';

const USAGE = `npm run demo [-- --keep]

Starts two private MySQL servers and the daemon, runs a shop, has an accident and undoes it.
  --keep          leave servers and daemon running afterwards, and say where they are and how to stop them
  --from-source   run the source tree instead of the build
`;

const write = (text: string): void => void process.stdout.write(text);

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    write(USAGE);
    return 0;
  }
  const unknown = args.find((arg) => !['--keep', '--from-source'].includes(arg));
  if (unknown !== undefined) {
    write(`Unknown option ${unknown}.\n${USAGE}`);
    return 2;
  }
  sweepStaleServers();
  const cleanup = new Cleanup();
  const interrupted = new AbortController();
  const tell = (text: string): void => {
    if (!interrupted.signal.aborted) write(text);
  };
  for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) {
    process.on(signal, () => {
      if (interrupted.signal.aborted) return;
      interrupted.abort();
      write('\nInterrupted: ending the daemon and the servers.\n');
      void cleanUp(cleanup).then(() => process.exit(status));
    });
  }
  const status = await play({ program: args.includes('--from-source') ? SOURCE : BUILT, keep: args.includes('--keep'), write: tell, cleanup });
  // After a signal the story breaks off somewhere; the signal's handler says how it ends.
  if (interrupted.signal.aborted) return new Promise<number>(() => undefined);
  return (await cleanUp(cleanup)) ? status : 1;
}

async function play(options: DemoOptions): Promise<number> {
  const { write: tell } = options;
  try {
    const proofs = await runDemo(options);
    const failed = proofs.filter(({ holds }) => !holds).length;
    tell(failed === 0 ? `\nAll ${proofs.length} claims held.\n` : `\n${failed} of ${proofs.length} claims did not hold.\n`);
    return failed === 0 ? 0 : 1;
  } catch (error) {
    tell(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
    if (error instanceof ProvisionError) tell('The demo itself uses private copies only, since it has accidents; a DSN serves npm test.\n');
    return 1;
  }
}

/** @returns false, with a word about it, when something could not be ended or removed */
async function cleanUp(cleanup: Cleanup): Promise<boolean> {
  try {
    await cleanup.run();
    return true;
  } catch (error) {
    const reasons = error instanceof AggregateError ? error.errors : [error];
    write(`Not everything could be cleaned up: ${reasons.map((reason) => (reason instanceof Error ? reason.message : String(reason))).join('; ')}\n`);
    return false;
  }
}

const status = await main(process.argv.slice(2));
// With --keep, sockets of what stays must not hold this process.
process.exit(status);
