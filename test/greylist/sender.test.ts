// The envelope sender without what changes from message to message.
import { describe, expect, test } from 'vitest';
import { normaliseSender } from '../../src/greylist/sender.ts';
import { makeRandom } from '../support/random.ts';

describe('one sender', () => {
  // Pairs that a sender used for two messages, and what both become.
  test.each([
    // VERP
    ['bounce+joe=example.com@list.example', 'bounce+ann=other.example@list.example', 'bounce+#@list.example'],
    ['list+joe=z0-9.example@l.example', 'list+ann=9Z.example@l.example', 'list+#@l.example'],
    [
      'dev-return-123-joe-smith=a.example@l.example',
      'dev-return-9-ann=b.example@l.example',
      'dev-return-#@l.example',
    ],
    ['dev-return-123-@l.example', 'dev-return-4567-@l.example', 'dev-return-#-@l.example'],
    ['dev-bounces-joe=a.example@l.example', 'dev-bounces-ann=b.example@l.example', 'dev-bounces-#@l.example'],
    ['owner-dev*joe**a.example@l.example', 'owner-dev*ann**b.example@l.example', 'owner-dev*#@l.example'],
    [
      'bounce+joe==a==a.example==dev@l.example',
      'bounce+ann==a==b.example==dev@l.example',
      'bounce+#@l.example',
    ],
    [
      'bounces+1234567-ab12-joe=a.example@em12.shop.example',
      'bounces+1234567-ff09-ann=b.example@em12.shop.example',
      'bounces+#@em12.shop.example',
    ],
    [
      'bounce+4cf8e6.12ab34-joe=a.example@mg.shop.example',
      'bounce+9b1c22.0d7e55-joe=a.example@mg.shop.example',
      'bounce+#@mg.shop.example',
    ],
    [
      'sentto-12345678-9012-1706700000-joe=a.example@returns.groups.example',
      'sentto-12345678-9013-1706799999-joe=a.example@returns.groups.example',
      'sentto-#@returns.groups.example',
    ],
    [
      '1axbnvd1e5o1q2w3e4r5t6y7u8i9-joe=a.example@bf07x.crm.example',
      '1axcqwe9r8t7y6u5i4o3p2a1s0d9-ann=b.example@bf07x.crm.example',
      '#@bf07x.crm.example',
    ],
    // BATV, and what it is put around
    ['prvs=1234abcdef=joe@a.example', 'PRVS=5678fedcba=joe@a.example', 'joe@a.example'],
    ['prvs=joe=1234abcdef@a.example', 'PRVS=joe=5678FEDCBA@a.example', 'joe@a.example'],
    ['prvs=1234abcdef=5678abcdef@a.example', 'prvs=5678fedcba=5678abcdef@a.example', '5678abcdef@a.example'],
    ['prvs=abcdefghij=1234abcdeg@a.example', 'prvs=1234=1234abcdeg@a.example', '1234abcdeg@a.example'], // no tag
    ['prvs=joe=12a4abcdef@a.example', 'prvs=ann=12a4abcdef@a.example', '12a4abcdef@a.example'],
    ['msprvs1=one==joe@a.example', 'msprvs1=two==joe@a.example', '=joe@a.example'],
    ['btv1==0123abcdef=joe@a.example', 'btv1==4567abcdef=joe@a.example', 'joe@a.example'],
    ['btv1==0123abcdef==joe@a.example', 'btv1==4567abcdef==joe@a.example', 'joe@a.example'],
    [
      'msprvs1=18123abcdefgh=bounces-12345-67@bounces.a.example',
      'msprvs1=18124zyxwvuts=bounces-12345-68@bounces.a.example',
      'bounces-#@bounces.a.example',
    ],
    // SRS, with each separator
    [
      'SRS0=Ab1/=C3=a.example=joe@f.example',
      'SRS0=x+9Z=DK=a.example=joe@f.example',
      'SRS0=#=#=a.example=joe@f.example',
    ],
    [
      'SRS0+Ab12=C3=a.example=joe@f.example',
      'SRS0+Zz09=C4=a.example=joe@f.example',
      'SRS0+#=#=a.example=joe@f.example',
    ],
    [
      'srs0-Ab12=C3=a.example=joe@f.example',
      'srs0-Zz09=C4=a.example=joe@f.example',
      'srs0-#=#=a.example=joe@f.example',
    ],
    [
      'SRS1=hH2=f.example==Ab12=C3=a.example=joe@g.example',
      'SRS1=kK3=f.example==Zz09=C4=a.example=joe@g.example',
      'SRS1=#=f.example==#=#=a.example=joe@g.example',
    ],
    [
      'joe+SRS=bXNwU=HS=a.example=ann@tenant.example',
      'joe+SRS=4fGh1=HT=a.example=ann@tenant.example',
      'joe+SRS=#=#=a.example=ann@tenant.example',
    ],
    [
      'bounces+SRS=44ldt=IX@tenant.example',
      'bounces+SRS=9K2ab=JA@tenant.example',
      'bounces+SRS=#=#@tenant.example',
    ],
    [
      'SRS0=Ab12=C3=l.example=bounce+joe=a.example@f.example',
      'SRS0=Zz09=C4=l.example=bounce+joe=a.example@f.example',
      'SRS0=#=#=l.example=bounce+#@f.example',
    ],
    // Tokens
    [
      '0100018c1234abcd-6f1e2d3c-4b5a-cafe-8796-a5b4c3d2e1f0-000000@amazonses.com',
      '0102018dfeedbeef-deadbeef-4b5a-4697-babe-a5b4c3d2e1f0-000000@amazonses.com',
      '#@amazonses.com',
    ],
    [
      '550e8400-e29b-41d4-a716-446655440000@notify.example',
      'deadbeef-cafe-babe-face-0123456789ab@notify.example',
      '#@notify.example',
    ],
    [
      'bounce-md_11043931.5d3f0a12.v1-abcdef0123456789abcdef0123456789@mandrillapp.com',
      'bounce-md_11043931.5e401b99.v1-00112233445566778899aabbccddeeff@mandrillapp.com',
      'bounce-md_#.v1-#@mandrillapp.com',
    ],
    [
      'bounce-mc.us11_12345678.1234567-a1b2c3d4e5@mail123.example',
      'bounce-mc.us11_12345678.7654321-f1e2d3c4b5@mail123.example',
      'bounce-mc.us11_#@mail123.example',
    ],
    [
      'bounce-7_HTML-123456-789-10-1@bounce.shop.example',
      'bounce-7_HTML-654321-790-10-2@bounce.shop.example',
      'bounce-#_HTML-#@bounce.shop.example',
    ],
    [
      'joe=firm.example__0-1a2b3c4d5e6f7g8h9i0j@x.bnc.salesforce.com',
      'joe=firm.example__0-9z8y7x6w5v4u3t2s1r0q@x.bnc.salesforce.com',
      'joe=firm.example__#@x.bnc.salesforce.com',
    ],
    [
      '20240131123456abcdef0123456789abcdef@bounces.shop.example',
      '20240201123456fedcba0123456789abcdef@bounces.shop.example',
      '#@bounces.shop.example',
    ],
    [
      'verp+0123456789abcdef0123456789abcdef@f.example',
      'verp+fedcba98765432100123456789abcdef@f.example',
      'verp+#@f.example',
    ],
    [
      'dev+bncBDAABBBCC2ABBXX5XXGQE3K2M1@g.example',
      'dev+bncBCQ9JKL7PZ4ABBYY8XXGQE7K9M2@g.example',
      'dev+#@g.example',
    ],
    // Tokens in which a word of letters is by chance, in a domain for bounces
    [
      '3Kj8aXwgTCvEDNRGTbbTYR.PbzQbLRKNZCYR@doc-server.bounces.g.example',
      '3Zp9bYxhUDwFEOSHUccUZS.QcaRcMSLOADZS@doc-server.bounces.g.example',
      '#@doc-server.bounces.g.example',
    ],
    [
      's-2sxyz1abcdefghijklmnopqr-stuvwxyz012345@bounce.net.example',
      's-9abcq8zyxwvutsrqponmlk-jihgfedc987654@bounce.net.example',
      's-#@bounce.net.example',
    ],
    // Running numbers
    ['bounce-1234@a.example', 'bounce-1235@a.example', 'bounce-#@a.example'],
    ['1234@bounce.a.example', '99@bounce.a.example', '#@bounce.a.example'],
    ['bounce1234@a.example', 'bounce7@a.example', 'bounce#@a.example'],
    ['news.88.1706700000@bounce.a.example', 'news.89.1706800000@bounce.a.example', 'news.#@bounce.a.example'],
  ])('%s and %s', (one, other, both) => {
    expect(normaliseSender(one)).toBe(both);
    expect(normaliseSender(other)).toBe(both);
  });
});

test.each([
  '',
  'joe@a.example',
  'joe1@a.example',
  'joe2@a.example',
  'Joe.Miller85@a.example',
  'christophermontgomery1985@a.example',
  'joe+shop2024@a.example',
  // What stands behind the last = is no host: not VERP.
  'joe+x=example@a.example',
  'joe+x=b_c.example@a.example',
  'joe+x=b/c.example@a.example',
  'joe+x=b:c.example@a.example',
  'joe+x=b{c.example@a.example',
  'joe-12@bounce.example', // the domain itself may be called so
  // Not all that LISTSERV and SRS have.
  'joe*ann@a.example',
  '*joe**a.example@a.example',
  'SRS0=ab=cd@f.example',
  'SRS1=ab=f.example@f.example',
  'SRS1=ab=f.example=cd=ef=a.example=joe@f.example',
  'joe+SRS=ab=CD-x@f.example',
  '491701234567@sms.example',
  '12345678901234567890@numbers.example',
  'ab123456@uni.example',
  'device-001122aabbcc@iot.example',
  'joe=b.example@relay.example',
  'newsletter-12@a.example',
  'dev2-bounces@lists.example',
  'MAILER-DAEMON',
  'joe1',
  '@a.example',
  '12@',
  'prvs=1234abcdef=@a.example',
  'SRS0=@f.example',
  'SRS0xAb12=C3=f.example=joe@f.example',
  'prvs=joe:1234abcdef@a.example',
  'prvs==1234abcdef@a.example',
  'joe12@bounce-castles.example',
  'j\xf6rg7@a.example',
])('"%s" is somebody’s address and stays', (sender) => expect(normaliseSender(sender)).toBe(sender));

const PARTS =
  'prvs= btv1== msprvs1= SRS0= SRS1+ +SRS= = == a 1 12 abcdef0123456789 bounce - + . _ # * ** ==a== x.y joe cafe 0000 list2 return 12345678901234 =1234abcdef SRS \xff " @'.split(
    ' ',
  );

test('whatever the sender is: twice is as once, the domain stays, nothing becomes empty', () => {
  const random = makeRandom(17);
  for (let i = 0; i < 40_000; i++) {
    const local = Array.from({ length: 1 + random.below(10) }, () => random.pick(PARTS)).join('');
    const domain = random.pick(['@a.example', '@bounce.a.example', '']);
    const once = normaliseSender(local + domain);
    const holds = once.endsWith(domain) && once.length > domain.length;
    expect([local + domain, normaliseSender(once), holds]).toEqual([local + domain, once, true]);
  }
});

test('a hostile sender costs no more steps a byte than a short one', () => {
  const nested = [
    'SRS0=a=a=a=',
    'SRS1=a=a==a=a=a=',
    'a+SRS=a=a=a=',
    'prvs=a=',
    'btv1==a==',
    'a+b=',
    '-12',
    '-cafe',
  ];
  const units = [...nested, ...PARTS.flatMap((one) => PARTS.map((two) => one + two))];
  for (const unit of units) {
    for (const end of ['0', '0=x.y']) {
      const long = (n: number) => `${unit.repeat(n)}${end}@bounce.a.example`;
      const perByte = [10, 150].map((n) => stepsOf(long(n)) / long(n).length) as [number, number];
      expect([unit, perByte[1] < 1.5 * perByte[0] + 5]).toEqual([unit, true]);
    }
  }
});

/** The bytes looked at or copied: those methods of strings that take time in proportion to a length, counted. */
function stepsOf(sender: string): number {
  let steps = 0;
  const own = String.prototype;
  const { charCodeAt, indexOf, lastIndexOf, slice } = own;
  const { exec } = RegExp.prototype;
  own.charCodeAt = function (i) {
    steps++;
    return charCodeAt.call(this, i);
  };
  own.indexOf = function (what, from = 0) {
    const at = indexOf.call(this, what, from);
    steps += (at < 0 ? this.length : at) - from + 1;
    return at;
  };
  own.lastIndexOf = function (this: string, what, from = this.length) {
    const at = lastIndexOf.call(this, what, from);
    steps += from - at;
    return at;
  };
  own.slice = function (this: string, from, to) {
    const text = slice.call(this, from, to);
    steps += text.length + 1;
    return text;
  };
  RegExp.prototype.exec = () => {
    throw new Error('a regular expression cannot be counted');
  };
  try {
    normaliseSender(sender);
  } finally {
    Object.assign(own, { charCodeAt, indexOf, lastIndexOf, slice });
    RegExp.prototype.exec = exec;
  }
  return steps;
}
