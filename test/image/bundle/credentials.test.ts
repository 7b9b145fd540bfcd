import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { readIdentity } from '../../../src/image';
import { credentials, pair, shell } from '../support';

describe('credentials', () => {
  const JUNK = '-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----\n';

  it('of one user are accepted, in either form of the key', () => {
    const traditional = shell(`openssl rsa -traditional 2>/dev/null <<< '${credentials().privateKey}'`, tmpdir());
    assert.match(traditional, /BEGIN RSA PRIVATE KEY/);
    const [one, other] = [readIdentity(credentials()), readIdentity({ ...credentials(), privateKey: traditional })];
    assert.ok(one.privateKey.equals(other.privateKey));
  });

  it('of two users are refused', () => {
    assert.throws(() => readIdentity({ ...credentials(), privateKey: pair('other-user').key }), {
      code: 'IMAGE_KEY_MISMATCH',
    });
    assert.throws(
      () => readIdentity({ ...credentials(), cloudCertificate: credentials().certificate }),
      { code: 'IMAGE_KEY_MISMATCH' },
      'the user as cloud',
    );
  });

  it('that cannot be read are refused, and not quoted', () => {
    const elliptic = shell('openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256', tmpdir());
    const locked = shell(`openssl rsa -aes128 -passout pass:x 2>/dev/null <<< '${credentials().privateKey}'`, tmpdir());
    for (const privateKey of ['', JUNK, elliptic, locked, credentials().certificate]) {
      assert.throws(() => readIdentity({ ...credentials(), privateKey }), {
        code: 'IMAGE_KEY_UNREADABLE',
        message: 'The private key is not a readable RSA key.',
      });
    }
    for (const certificate of ['', JUNK, credentials().privateKey]) {
      assert.throws(() => readIdentity({ ...credentials(), certificate }), { code: 'IMAGE_CERTIFICATE_UNREADABLE' });
      assert.throws(() => readIdentity({ ...credentials(), cloudCertificate: certificate }), {
        code: 'IMAGE_CERTIFICATE_UNREADABLE',
      });
    }
  });
});
