import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deb822Uris, oneLineUris, pickMirror } from '../../deploy/provision/mirror.ts';

describe('the package mirror', () => {
  it('is read from one-line entries', () => {
    const text = ['# deb http://commented.example/debian sid main', 'deb-src http://source.example/debian sid main', 'deb [arch=amd64 signed-by=/k.gpg] https://a.example/debian/ bookworm main', ' deb http://b.example/x sid main'].join('\n');
    assert.deepEqual(oneLineUris(text), ['https://a.example/debian/', 'http://b.example/x']);
  });

  it('is read from deb822 stanzas: several URIs, folded lines, comments, disabled and source stanzas', () => {
    const text = [
      'Types: deb deb-src',
      '# URIs: http://comment.example/debian',
      'URIs: http://a.example/debian',
      '  http://b.example/debian',
      'Suites: bookworm',
      '',
      'Enabled: no',
      'Types: deb',
      'URIs: http://disabled.example/debian',
      '',
      'Types: deb-src',
      'URIs: http://source.example/debian',
    ].join('\n');
    assert.deepEqual(deb822Uris(text), ['http://a.example/debian', 'http://b.example/debian']);
  });

  it('is the main archive, never the security archive or another distribution', () => {
    assert.equal(pickMirror(['https://apt.example/tools', 'http://a.example/debian-security', 'http://a.example/ubuntu']), undefined);
    assert.equal(pickMirror(['http://a.example/debian-security/', 'http://a.example/proxied/debian//']), 'http://a.example/proxied/debian');
  });
});
