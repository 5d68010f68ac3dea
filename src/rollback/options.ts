/** How rollback statements are written. */
export interface RenderOptions {
  readonly flavour: 'mysql' | 'mariadb';
  /** 'backup': each statement is right by itself under a default session; 'script': the session is pinned (scriptSessionSettings). */
  readonly form: 'backup' | 'script';
  /** What an UPDATE restores: the columns whose bytes differ, or all that are not generated. */
  readonly update: 'changed' | 'full';
  /** 'changed': a statement only finds its row while it still holds the bytes that the undone change left; 'row': while no column at all differs. */
  readonly guard: 'none' | 'changed' | 'row';
  /**
   * MariaDB, form 'backup': whether FROM_UNIXTIME is exact in the repeated hour of a DST zone (11.8 is, 10.11 is not).
   * Where it is not, statements with a TIMESTAMP set the time zone for themselves.
   */
  readonly exactFromUnixtime?: boolean;
}
