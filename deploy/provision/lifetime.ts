/** What must not outlive this process: servers started and not yet stopped. */
export interface Mortal {
  /** Ends at once, without waiting for anything. */
  endNow(): void;
}

const alive = new Set<Mortal>();
let hooked = false;

export function register(mortal: Mortal): void {
  alive.add(mortal);
  if (hooked) return;
  hooked = true;
  process.on('exit', endAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
}

export function release(mortal: Mortal): void {
  alive.delete(mortal);
}

function endAll(): void {
  for (const mortal of alive) {
    alive.delete(mortal);
    mortal.endNow();
  }
}

function onSignal(signal: NodeJS.Signals): void {
  // Someone else listens too: they decide when the process ends, and the exit hook follows.
  if (process.listenerCount(signal) > 1) return;
  endAll();
  process.removeListener(signal, onSignal);
  process.kill(process.pid, signal);
}
