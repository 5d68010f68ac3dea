/**
 * With it every value that a server can hold goes back in: zero and impossible dates, AUTO_INCREMENT 0, ENUM index 0
 * (which strict mode refuses; no value of ours is ever cut or converted by its absence).
 */
export const ROLLBACK_SQL_MODE = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION';

const COMMON = [
  'SET NAMES utf8mb4',
  "SET SESSION time_zone='+00:00'",
  `SET SESSION sql_mode='${ROLLBACK_SQL_MODE}'`,
  // Tables without a key are found by all their columns, which safe updates would refuse.
  'SET SESSION sql_safe_updates=0',
] as const;

const SETTINGS = {
  mysql: COMMON,
  // A row may be older than a CHECK, or written without regard to it.
  mariadb: [...COMMON, 'SET SESSION check_constraint_checks=0'],
} as const;

/** The SET statements, without a final semicolon, that a script of form 'script' starts with. */
export function scriptSessionSettings(flavour: 'mysql' | 'mariadb'): string[] {
  return [...SETTINGS[flavour]];
}
