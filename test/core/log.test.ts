import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UndoError } from '../../src/core/errors.ts';
import { createLogger, type LogLevel, type Logger } from '../../src/core/log.ts';

function capture(level: LogLevel): { log: Logger; lines: () => Record<string, unknown>[] } {
  const written: string[] = [];
  const log = createLogger(level, { write: (line: string) => void written.push(line) });
  return { log, lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('log lines', () => {
  it('are JSON with a stable event name, a level in words and an ISO time', () => {
    const { log, lines } = capture('info');
    log.child({ source: 'db1' }).warn({ event: 'stream_silent', seconds: 30 }, 'Nothing came');
    const [line] = lines();
    assert.deepEqual({ ...line, time: null, pid: null }, { level: 'warn', time: null, pid: null, name: 'binlog-undo', source: 'db1', event: 'stream_silent', seconds: 30, msg: 'Nothing came' });
    assert.match(String(line?.time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('are left out below the level', () => {
    const { log, lines } = capture('warn');
    log.info({ event: 'a' }, 'a');
    log.error({ event: 'b' }, 'b');
    assert.deepEqual(lines().map((line) => line.event), ['b']);
  });

  it('hold no secret, at any of the depths that we log', () => {
    const { log, lines } = capture('info');
    log.info({ event: 'x', password: 'sesame', endpoint: { password: 'sesame', host: 'h' }, request: { headers: { authorization: 'Bearer sesame' } } }, 'x');
    assert.doesNotMatch(JSON.stringify(lines()), /sesame/);
    assert.match(JSON.stringify(lines()), /"host":"h"/);
  });

  it('tell an error, the way out and its cause without a stack', () => {
    const { log, lines } = capture('info');
    log.error({ event: 'x', error: new UndoError('LEADER_LOST', 'Gone.', { fix: 'Let it stand by.', cause: new Error('socket hang up') }) }, 'x');
    assert.deepEqual(lines()[0]?.error, { message: 'Gone.', code: 'LEADER_LOST', fix: 'Let it stand by.', cause: { message: 'socket hang up' } });
  });
});
