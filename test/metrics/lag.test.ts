import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Lag } from '../../src/metrics/lag.ts';
import { StopWatch } from '../../src/metrics/tally.ts';

describe('lag', () => {
  let now = 1_000_000;
  const lag = (): Lag => {
    now = 1_000_000;
    return new Lag(() => now);
  };

  it('is unknown until the stream is open and something tells', () => {
    const measured = lag();
    assert.equal(measured.seconds, null);
    measured.knowSource({ clockOffset: 0, expirySeconds: 3600 });
    assert.equal(measured.seconds, null);
    measured.open = true;
    assert.equal(measured.seconds, null);
    measured.heartbeat();
    assert.equal(measured.seconds, 0);
    measured.open = false;
    assert.equal(measured.seconds, null);
  });

  it('is the delay of the last commit, corrected for the clock of the source', () => {
    const measured = lag();
    // The source's clock is 5 s ahead: what it calls 1004 s was 999 s here.
    measured.knowSource({ clockOffset: 5000, expirySeconds: null });
    measured.open = true;
    measured.captured(1_004_000_000);
    measured.durable(1_004_000_000);
    assert.equal(measured.seconds, 1);
    measured.heartbeat();
    assert.equal(measured.seconds, 0);
    assert.equal(measured.headroomSeconds, null);
  });

  it('follows transactions that leave nothing to keep, but not past what waits', () => {
    const measured = lag();
    measured.knowSource({ clockOffset: 0, expirySeconds: 3600 });
    measured.open = true;
    measured.captured(990_000_000);
    measured.durable(990_000_000);
    now += 600_000;
    measured.passed(1_598_000_000);
    assert.equal(measured.seconds, 2, 'the daemon is behind, whatever it keeps of what it reads');
    assert.equal(measured.headroomSeconds, 3598);
    measured.captured(1_599_000_000);
    measured.passed(1_600_000_000);
    assert.equal(measured.headroomSeconds, 3598, 'something before it is not durable yet');
  });

  it('grows while something that was read is not durable, and a heartbeat does not hide that', () => {
    const measured = lag();
    measured.knowSource({ clockOffset: 0, expirySeconds: null });
    measured.open = true;
    measured.captured(999_000_000);
    measured.durable(999_000_000);
    measured.captured(1_000_000_000);
    now += 30_000;
    measured.heartbeat();
    assert.equal(measured.seconds, 31);
  });

  it('counts the very first change that waits, and not the idle time before it', () => {
    const measured = lag();
    measured.knowSource({ clockOffset: 0, expirySeconds: null });
    measured.open = true;
    measured.heartbeat();
    measured.captured(1_000_500_000);
    now += 3000;
    assert.equal(measured.seconds, 3);
    measured.durable(1_000_500_000);
    now += 600_000;
    measured.heartbeat();
    measured.captured(1_603_000_000);
    now += 1000;
    assert.equal(measured.seconds, 1);
  });

  it('takes the headroom from the time up to which the log is complete, also after the stream has ended', () => {
    const measured = lag();
    measured.knowSource({ clockOffset: 0, expirySeconds: 3600 });
    assert.equal(measured.headroomSeconds, null);
    measured.open = true;
    measured.heartbeat();
    assert.equal(measured.headroomSeconds, 3600);
    measured.open = false;
    now += 600_000;
    assert.equal(measured.headroomSeconds, 3000);
  });

  it('never is negative where a server states whole seconds or a clock is off', () => {
    const measured = lag();
    measured.knowSource({ clockOffset: -20, expirySeconds: null });
    measured.open = true;
    measured.durable(1_000_000_000);
    assert.equal(measured.seconds, 0);
  });
});

describe('the stop watch', () => {
  it('adds up, counts what is running, and does not mind being told twice', () => {
    let now = 0;
    const watch = new StopWatch(() => now);
    watch.set(false);
    watch.set(true);
    now = 1500;
    watch.set(true);
    assert.equal(watch.seconds, 1.5);
    now = 2000;
    watch.set(false);
    now = 9000;
    assert.equal(watch.seconds, 2);
  });
});
