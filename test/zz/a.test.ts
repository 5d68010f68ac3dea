import { it, describe } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
describe('x', () => { it('fails once', () => { const was = existsSync('/tmp/zz.flag'); writeFileSync('/tmp/zz.flag', ''); assert.ok(was); }); it('ok', () => {}); });
