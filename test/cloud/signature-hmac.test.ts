/** S3's first signature against the published examples of AWS, and what Eucalyptus adds to it. */

import assert from 'node:assert/strict';
import { authorization, stringToSign } from '../../src/cloud/signature-hmac';

describe('the first signature of S3', () => {
  const keys = { accessKey: 'AKIAIOSFODNN7EXAMPLE', secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
  const date = 'Tue, 27 Mar 2007 21:15:45 +0000';

  it('is the one of the examples in the S3 Developer Guide', () => {
    const put = {
      method: 'PUT',
      path: '/johnsmith/photos/puppy.jpg',
      query: {},
      headers: { 'content-type': 'image/jpeg', 'content-length': '94328', date },
    };
    assert.equal(authorization(put, keys), 'AWS AKIAIOSFODNN7EXAMPLE:MyyxeRY7whkBe+bq8fHCL/2kKUg=');
    const get = {
      method: 'GET',
      path: '/johnsmith/photos/puppy.jpg',
      query: {},
      headers: { date: 'Tue, 27 Mar 2007 19:36:42 +0000' },
    };
    assert.equal(authorization(get, keys), 'AWS AKIAIOSFODNN7EXAMPLE:bWq2s1WEIj+Ydj0vQ697zp+IXMU=');
  });

  it('covers the digest, every header of Amazon in order, the whole path, and sub-resources only', () => {
    const request = {
      method: 'PUT',
      path: '/services/Walrus/images/a.part.00',
      query: { 'x-id': 'PutObject', acl: '' },
      headers: {
        'content-md5': '1B2M2Y8AsgTpgAmY7PhCfg==',
        'content-type': 'application/octet-stream',
        date,
        'x-amz-user-agent': ' sdk ',
        'x-amz-acl': 'aws-exec-read',
        host: 'walrus',
      },
    };
    assert.equal(
      stringToSign(request),
      `PUT\n1B2M2Y8AsgTpgAmY7PhCfg==\napplication/octet-stream\n${date}\nx-amz-acl:aws-exec-read\nx-amz-user-agent:sdk\n/services/Walrus/images/a.part.00?acl`,
    );
  });
});
