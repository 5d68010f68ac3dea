import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { main } from '../../src/cli/program.ts';

class Sink extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}

/** Runs the program in this process, without any configuration in the environment. */
async function undo(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  const out = new Sink();
  const err = new Sink();
  const status = await main(argv, { stdout: out, stderr: err, env: {}, signal: new AbortController().signal });
  return { status, out: out.text, err: err.text };
}

describe('the command line', () => {
  it('helps everywhere, with examples', async () => {
    for (const argv of [['--help'], ['-h'], ['help']]) assert.match((await undo(...argv)).out, /Commands:/);
    for (const command of ['run', 'check', 'find', 'plan', 'script', 'status']) {
      const { status, out } = await undo(command, '--help');
      assert.equal(status, 0);
      assert.match(out, new RegExp(`^binlog-undo ${command}: `));
      assert.match(out, /Examples:\n {2}.*binlog-undo/);
      assert.equal((await undo('help', command)).out, out);
    }
  });

  it('tells its version', async () => assert.match((await undo('--version')).out, /^\d+\.\d+\.\d+\n$/));

  for (const [argv, said] of [
    [['scirpt'], /USAGE: "scirpt" is not a command\. The nearest is script\./],
    [['find', '--tabel', 'a.b'], /USAGE: --tabel is not an option of find\. The nearest is --table\./],
    [['find', '--table'], /USAGE: --table lacks its value\./],
    [['find', '--table', '--json'], /USAGE: --table lacks its value\./],
    [['find', '--json=yes'], /USAGE: --json takes no value\./],
    [['find', 'orders'], /USAGE: "orders" is one word too many\./],
    [['find', '--ledger', 'a', '--ledger', 'b'], /USAGE: --ledger is given 2 times\./],
    [['find'], /CONFIG_BACKUP_MISSING: /],
    [['find', '-x'], /USAGE: -x is not an option of find/],
  ] as const) {
    it(`refuses ${argv.join(' ')} with one line and status 2`, async () => {
      const { status, out, err } = await undo(...argv);
      assert.equal(status, 2);
      assert.equal(out, '');
      assert.match(err, said);
      assert.match(err, /^binlog-undo: [^\n]+\n$/);
    });
  }

  it('lists the commands when it is given none', async () => {
    const { status, err } = await undo();
    assert.equal(status, 2);
    assert.match(err, /Usage: binlog-undo COMMAND/);
  });

  it('says which server does not answer, without the password', async () => {
    const { status, err } = await undo('find', '--backup-host', '127.0.0.1', '--backup-port', '1', '--backup-user', 'u', '--backup-password', 'geheim');
    assert.equal(status, 1);
    assert.match(err, /^binlog-undo: BACKUP_UNREACHABLE: The backup server at 127\.0\.0\.1:1 [^\n]+\n$/);
    assert.doesNotMatch(err, /geheim/);
  });

  it('prints the configuration in force without secrets', async () => {
    const { status, out } = await undo('run', '--source-host', 'h', '--source-user', 'u', '--source-password', 'geheim', '--backup-host', 'h', '--backup-user', 'u', '--print-config');
    assert.equal(status, 0);
    assert.equal((JSON.parse(out) as { source: { host: string } }).source.host, 'h');
    assert.doesNotMatch(out, /geheim/);
  });

  it('never falls over, whatever stands on it', async () => {
    const word = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('--table', '--json', '--', '-', '--=', '--table=', '--wait', '1', '--allow', 'gap', '--help', '--config', '--config=/dev/null'));
    await fc.assert(fc.asyncProperty(fc.constantFrom('find', 'plan', 'script', 'status'), fc.array(word, { maxLength: 5 }), async (command, words) => {
      const { status, err } = await undo(command, ...words);
      assert.ok(status === 0 || status === 2, `${status}: ${err}`);
    }), { numRuns: 500 });
  });
});
