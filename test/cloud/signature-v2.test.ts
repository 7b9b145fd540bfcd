/** Signature version 2 against a published example of AWS, and what Eucalyptus 3.2 adds to it. */

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { signedForm, stringToSign, timestamps } from '../../src/cloud/signature-v2';

describe('signature version 2', () => {
  it('is the one of the example in the AWS General Reference', () => {
    const keys = { accessKey: 'AKIAIOSFODNN7EXAMPLE', secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
    const request = {
      method: 'GET',
      host: 'elasticmapreduce.amazonaws.com',
      path: '/',
      params: { Action: 'DescribeJobFlows', Version: '2009-03-31' },
    };
    assert.equal(
      signedForm(request, keys, '2011-10-03T15:19:30'),
      'AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Action=DescribeJobFlows&SignatureMethod=HmacSHA256&SignatureVersion=2' +
        '&Timestamp=2011-10-03T15%3A19%3A30&Version=2009-03-31&Signature=i91nKc4PWAt0JJIdXwz9HxZCJDdiy6cf%2FMj6vPxyYIs%3D',
    );
  });

  it('signs method, host in lower case with its port, path, and the parameters sorted and encoded', () => {
    const params = { 'ZoneName.1': 'a b+c*~', Action: 'DescribeAvailabilityZones', Empty: '', Umlaut: 'ü' };
    assert.equal(
      stringToSign({ method: 'POST', host: 'CLC.Example.com:8773', path: '/services/Eucalyptus/', params }),
      'POST\nclc.example.com:8773\n/services/Eucalyptus/\nAction=DescribeAvailabilityZones&Empty=&Umlaut=%C3%BC&ZoneName.1=a%20b%2Bc%2A%7E',
    );
  });

  it('covers what is sent', () => {
    const form = new URLSearchParams(
      signedForm(
        { method: 'POST', host: 'clc:8773', path: '/', params: { Action: 'A', Text: "it's (a) !" } },
        { accessKey: 'AK', secretKey: 'SK' },
        'now',
      ),
    );
    const { Signature, ...params } = Object.fromEntries(form);
    assert.equal(
      Signature,
      createHmac('sha256', 'SK')
        .update(stringToSign({ method: 'POST', host: 'clc:8773', path: '/', params }))
        .digest('base64'),
    );
  });

  it('has every time once, in milliseconds, and follows a clock that was set back', () => {
    const clock = [1_000_000, 1_000_000, 1_000_000, 999_500, 5_000, 5_000];
    const next = timestamps(() => clock.shift() ?? 0);
    const times = [0, 1, 2, 3, 4, 5].map(() => Date.parse(next()));
    assert.deepEqual(times, [1_000_000, 1_000_001, 1_000_002, 1_000_003, 5_000, 5_001]);
    assert.match(timestamps(() => 0)(), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });
});
