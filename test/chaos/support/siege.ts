import { setTimeout as pause } from 'node:timers/promises';
import type { RunningServer } from '../../../deploy/provision/index.ts';
import { LINE_FAULTS, type Camp, type LineFault } from './camp.ts';
import type { Random } from './random.ts';

export interface SiegeSize {
  /** kill -9 of a daemon, over all sources. */
  readonly daemonKills: number;
  /** kill -9 of the backup server. */
  readonly backupKills: number;
  /** Faults of a line, over all sources; with ten or more every kind happens on either side. */
  readonly lineFaults: number;
}

type Blow = { readonly kind: 'kill' } | { readonly kind: 'line'; readonly line: 'source' | 'backup'; readonly fault: LineFault };

/** Strikes until all blows have fallen. Moments and order are the seed's; what they hit is not. */
export async function besiege(camps: readonly Camp[], backup: RunningServer, size: SiegeSize, random: Random, onBlow: () => void = () => undefined): Promise<void> {
  const plans: Blow[][] = camps.map(() => []);
  for (let i = 0; i < size.daemonKills; i++) plans[i % plans.length]!.push({ kind: 'kill' });
  for (let i = 0; i < size.lineFaults; i++) {
    const fault = LINE_FAULTS[i % LINE_FAULTS.length]!;
    plans[i % plans.length]!.push({ kind: 'line', line: Math.floor(i / LINE_FAULTS.length) % 2 === 0 ? 'source' : 'backup', fault });
  }
  const failed = (): boolean => camps.some(({ failure }) => failure !== null);
  const strike = async (camp: Camp, blows: readonly Blow[], own: Random): Promise<void> => {
    for (const blow of own.shuffled(blows)) {
      // In the middle of a start, or from the first packets on to a daemon that has caught up.
      if (own.chance(0.75)) await camp.capturing();
      await pause(own.moment(10, 3000));
      if (failed()) return;
      if (blow.kind === 'kill') await camp.killDaemon(own.chance(0.3) ? own.moment(50, 2000) : 0);
      else await camp.disturb(blow.line, blow.fault, own.moment(100, 3000), own);
      onBlow();
    }
  };
  const server = async (own: Random): Promise<void> => {
    for (let i = 0; i < size.backupKills; i++) {
      await pause(own.moment(500, 5000));
      if (failed()) return;
      await backup.kill();
      await pause(own.moment(50, 1500));
      await backup.restart();
      onBlow();
    }
  };
  await Promise.all([...camps.map((camp, i) => strike(camp, plans[i]!, random.fork())), server(random.fork())]);
}
