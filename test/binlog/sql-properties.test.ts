import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { classifyQuery, sqlModeBits, type DdlStatement, type QueryClass, type QueryContext } from '../../src/binlog/sql/classify.ts';
import { Tokenizer } from '../../src/binlog/sql/tokenizer.ts';

const flavour = fc.constantFrom('mysql', 'mariadb');
const sqlMode = fc.constantFrom(0, sqlModeBits.ANSI_QUOTES, sqlModeBits.NO_BACKSLASH_ESCAPES, sqlModeBits.ANSI_QUOTES | sqlModeBits.NO_BACKSLASH_ESCAPES);
/** What a server takes for a name: any characters but NUL; no U+FFFD, which stands for text that could not be decoded. */
const identifier = fc
  .oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), fc.string({ unit: fc.constantFrom('`', '"', "'", '.', '\\', '\n', ' ', '*', '/', '-', '#', 'a', 'é'), minLength: 1 }))
  .filter((text) => !/[\0\ufffd]/.test(text));
const bare = fc.stringMatching(/^[a-z_$\u00e0-\u00ff][0-9a-z_$\u00e0-\u00ff]{0,10}x$/);

type Quoting = 'backquote' | 'double' | 'bare';
const quoted = fc.oneof(
  fc.record({ text: identifier, quoting: fc.constantFrom<Quoting>('backquote', 'double') }),
  fc.record({ text: bare, quoting: fc.constant<Quoting>('bare') }),
);

function write({ text, quoting }: { text: string; quoting: Quoting }): string {
  if (quoting === 'bare') return text;
  const quote = quoting === 'double' ? '"' : '`';
  return quote + text.replaceAll(quote, quote + quote) + quote;
}

/** Blank text that separates tokens and means nothing under both servers. */
const blank = fc.oneof(
  fc.constantFrom(' ', '\t', '\r\n', '/**/', '/* a `b\' "c */', '-- x\'y`\n', '#"\'\n', '/*!999999 drop `x` */', '/*+ hint */', '--\t*/ /*\n'),
);

function ddlOf(sql: string, context: QueryContext): DdlStatement {
  const query = classifyQuery(sql, context);
  assert.ok(query.kind === 'ddl', sql);
  return query.statement;
}

describe('names and comments', () => {
  it('survive in every quoting', () => {
    fc.assert(
      fc.property(quoted, quoted, quoted, flavour, (schema, table, to, server) => {
        const context = { schema: 'd', sqlMode: sqlModeBits.ANSI_QUOTES, flavour: server };
        const rename = ddlOf(`RENAME TABLE ${write(schema)}.${write(table)} TO ${write(to)}`, context);
        assert.deepEqual(rename.renames, [{ from: { schema: schema.text, table: table.text }, to: { schema: 'd', table: to.text } }]);
        assert.ok(rename.certain);
        const comment = to.text.replaceAll("'", "''").replaceAll('\\', '\\\\');
        const create = ddlOf(`create table ${write(table)}(${write(schema)} int) comment '${comment}'`, context);
        assert.deepEqual([create.tables, create.likeOrSelect, create.certain], [[{ schema: 'd', table: table.text }], null, true]);
      }),
      { numRuns: 500 },
    );
  });

  it('do not change what a statement means', () => {
    const statements: readonly (readonly string[])[] = [
      ['ALTER', 'TABLE', '`s`', '.', '`a b`', 'ADD', 'COLUMN', 'x', 'int', ',', 'RENAME', 'TO', 'y', '.', 'z'],
      ['CREATE', 'DEFINER', '=', '`u`', '@', '`h`', 'TRIGGER', 'tr', 'BEFORE', 'INSERT', 'ON', 'a', 'FOR', 'EACH', 'ROW', 'SET', '@x', '=', '1'],
      ['CREATE', 'TABLE', 'IF', 'NOT', 'EXISTS', 'a', '(', 'x', 'int', ')', 'AS', 'SELECT', '1'],
      ['DROP', 'TEMPORARY', 'TABLE', 'IF', 'EXISTS', 'a', ',', 'b'],
      ['CREATE', 'UNIQUE', 'INDEX', 'i', 'ON', '`a`', '(', 'x', ')'],
      ['RENAME', 'TABLE', 'a', 'TO', 'b', ',', 'c', 'TO', 'a'],
      ['XA', 'COMMIT', "X'61'", ',', "X''", ',', '1', 'ONE', 'PHASE'],
      ['ROLLBACK', 'TO', 'SAVEPOINT', '`s`'],
      ['DELETE', 'FROM', 's', '.', 'a', 'WHERE', 'x', '=', '1'],
    ];
    fc.assert(
      fc.property(fc.constantFrom(...statements), fc.array(fc.array(blank, { minLength: 1, maxLength: 3 }), { minLength: 25, maxLength: 25 }), flavour, sqlMode, (tokens, blanks, server, mode) => {
        const context = { schema: 'd', sqlMode: mode, flavour: server };
        const plain = classifyQuery(tokens.join(' '), context);
        const noisy = classifyQuery(tokens.map((token, i) => blanks[i]!.join('') + token).join('') + blanks[24]!.join(''), context);
        assert.deepEqual(noisy, plain);
      }),
      { numRuns: 500 },
    );
  });
});

describe('arbitrary text', () => {
  const fragment = fc.oneof(
    fc.constantFrom('create ', 'table ', 'alter ', 'drop ', 'rename ', 'to ', '`', '"', "'", '/*', '*/', '/*!', '/*!50100 ', '/*!999999 ', '/*M!', '--', '-- ', '#', '\n', '.', ',', '(', ')', ';', '\\', '@', 'a', ' ', 'if exists ', 'definer=', 'like ', 'select ', 'xa ', 'set statement ', 'for ', 'exchange partition p with table ', 'on '),
    fc.string({ unit: 'binary', maxLength: 5 }),
  );

  it('never throws, and every character is read once', () => {
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 40 }), flavour, sqlMode, (parts, server, mode) => {
        const sql = parts.join('');
        const query: QueryClass = classifyQuery(sql, { schema: 'd', sqlMode: mode, flavour: server });
        assert.equal(typeof query.kind, 'string');
        const tokenizer = new Tokenizer(sql, { sqlMode: mode, flavour: server });
        let last = 0;
        for (let token = tokenizer.next(); token.kind !== 'end'; token = tokenizer.next()) {
          assert.ok(token.start >= last && (token.end > last || token.kind === 'broken'), 'tokens advance');
          last = token.end;
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('reads long statements of every shape without running out of stack', () => {
    const n = 100_000;
    for (const piece of ['(', ')', '`', "''", "'", '/*', '/**/', '/*!', '/*!999999*/', '/*!999999 /* */*/', '-- \n', '#', 'a', 'a,', '.', '@', ' ', 'rename ', 'exchange ', 'set statement ', '\\', '*/', '\ufffd', 'a to b,', 'or replace ', 'definer=a@b ']) {
      for (const head of ['', 'create table a ', 'alter table a ', 'drop table a,', 'rename table ', 'set statement ', 'create ', 'insert into a ', 'create index i ']) {
        assert.equal(typeof classifyQuery(head + piece.repeat(n / piece.length), { schema: 'd', sqlMode: 0, flavour: 'mariadb' }).kind, 'string');
      }
    }
  });
});
