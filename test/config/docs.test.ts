import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { PAGES } from '../../scripts/generate-docs.ts';

describe('generated documentation', () => {
  for (const [path, content] of PAGES) {
    it(`${path} is what npm run docs writes`, () => {
      const stored = readFileSync(join(import.meta.dirname, '..', '..', path), 'utf8');
      assert.equal(stored, content, `${path} is stale: run npm run docs`);
    });
  }
});
