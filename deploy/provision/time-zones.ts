import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Prefix } from './debian-prefix.ts';

/** Zones with and without daylight saving, half hours, and none at all. The whole table would double the init time. */
const ZONES = ['UTC', 'America/New_York', 'Europe/Berlin', 'Asia/Shanghai', 'Asia/Kolkata', 'Australia/Lord_Howe'];

/**
 * Statements that load a few named time zones from the prefix's own tzdata into the current schema, one per line.
 * The servers' own loader is not used: MariaDB's is not part of its core package.
 */
export async function timeZoneSql(prefix: Prefix): Promise<string[]> {
  const lines: string[] = [];
  for (const [index, name] of ZONES.entries()) {
    const zone = readZone(await readFile(join(prefix.root, 'usr/share/zoneinfo', name)));
    const id = index + 1;
    lines.push(`INSERT INTO time_zone (Time_zone_id, Use_leap_seconds) VALUES (${id}, 'N');`, `INSERT INTO time_zone_name (Name, Time_zone_id) VALUES ('${name}', ${id});`);
    const types = zone.types.map((type, number) => `(${id}, ${number}, ${type.offset}, ${type.dst}, '${type.abbreviation}')`);
    lines.push(`INSERT INTO time_zone_transition_type (Time_zone_id, Transition_type_id, \`Offset\`, Is_DST, Abbreviation) VALUES ${types.join(', ')};`);
    const changes = zone.transitions.map(([time, type]) => `(${id}, ${time}, ${type})`);
    if (changes.length > 0) lines.push(`INSERT INTO time_zone_transition (Time_zone_id, Transition_time, Transition_type_id) VALUES ${changes.join(', ')};`);
  }
  return lines;
}

interface Zone {
  /** Unix seconds and the number of the type that holds from there on. */
  readonly transitions: readonly (readonly [time: number, type: number])[];
  readonly types: readonly { readonly offset: number; readonly dst: number; readonly abbreviation: string }[];
}

/** The 32-bit block of a TZif file (RFC 9636): Debian's files are complete in it from 1901 to 2037. */
export function readZone(file: Buffer): Zone {
  const count = (at: number): number => file.readUInt32BE(at);
  const [times, types, characters] = [count(32), count(36), count(40)];
  const typeIndexes = 44 + times * 4;
  const typeRecords = typeIndexes + times;
  const names = typeRecords + types * 6;
  if (file.toString('latin1', 0, 4) !== 'TZif' || names + characters > file.length) throw new Error('not a TZif file');
  return {
    transitions: Array.from({ length: times }, (_, i) => [file.readInt32BE(44 + i * 4), file[typeIndexes + i]!] as const),
    types: Array.from({ length: types }, (_, i) => {
      const at = typeRecords + i * 6;
      const name = names + file[at + 5]!;
      return { offset: file.readInt32BE(at), dst: file[at + 4]!, abbreviation: file.toString('latin1', name, file.indexOf(0, name)) };
    }),
  };
}
