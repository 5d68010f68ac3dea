/** The account that may do anything over TCP from this machine; private servers listen on 127.0.0.1 only. */
export const ADMIN = { user: 'admin', password: 'admin-pw' } as const;

/** One statement per line, as both servers' init files and MariaDB's bootstrap want it. */
export const ACCOUNT_SQL: readonly string[] = [
  "CREATE USER IF NOT EXISTS root@'127.0.0.1';",
  "GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;",
  `CREATE USER IF NOT EXISTS ${ADMIN.user}@'%' IDENTIFIED BY '${ADMIN.password}';`,
  `GRANT ALL ON *.* TO ${ADMIN.user}@'%' WITH GRANT OPTION;`,
];
