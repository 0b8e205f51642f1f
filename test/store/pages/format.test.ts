// The bytes of LMDB's pages: what is taken for sound, and nothing that differs from it in a single place.
import { describe, expect, test } from 'vitest';
import {
  BIG_DATA,
  BRANCH,
  hasTreesOf,
  LEAF,
  META_BOOT_ID,
  META_BYTES,
  META_LAST_PAGE,
  META_MAIN,
  META_TREES,
  META_TXNID,
  type Meta,
  metaTxn,
  PAGE_HEADER,
  readMeta,
  TREE_DEPTH,
  TREE_ENTRIES,
  TREE_FLAGS,
  TREE_ROOT,
  wrongWithHeader,
  wrongWithNodes,
} from '../../../src/store/pages/format.ts';

const PAGE = 4096;
const ROOM = PAGE - PAGE_HEADER;
/** Where in their buffer pages lie, so that an offset within the page is not taken for one within the buffer. */
const AT = PAGE;
const TOP = 2 ** 48; // the first bit that no number of a sound file has
const HIGHEST = 2 ** 56; // one of its last byte

/** A change of some bytes, and what is wrong then. */
type Spoil = (bytes: Buffer) => void;

const long = (bytes: Buffer, at: number, number: number) => bytes.writeBigInt64LE(BigInt(number), AT + at);

describe('a meta page', () => {
  const SOUND: Meta = {
    txnid: 0x1234567890,
    pageSize: PAGE,
    lastPage: 0x200000000,
    free: { depth: 1, root: 2, entries: 3 },
    main: { depth: 16, root: 0x200000000, entries: 0x500000000 },
    bootId: 0xfedcba98,
  };
  const make = (spoil: Spoil = () => {}) => {
    const bytes = Buffer.alloc(AT + META_BYTES);
    bytes.writeUInt16LE(8, AT + 18);
    bytes.writeUInt32LE(0xbeefc0de, AT + 24);
    bytes.writeUInt32LE(2, AT + 28);
    bytes.writeUInt32LE(SOUND.pageSize, AT + META_TREES);
    bytes.writeUInt16LE(0x4008, AT + META_TREES + TREE_FLAGS); // numbers as keys, and how the file was opened
    for (const [at, { depth, root, entries }] of [
      [META_TREES, SOUND.free],
      [META_MAIN, SOUND.main],
    ] as const) {
      bytes.writeUInt16LE(depth, AT + at + TREE_DEPTH);
      long(bytes, at + TREE_ENTRIES, entries);
      long(bytes, at + TREE_ROOT, root);
    }
    long(bytes, META_LAST_PAGE, SOUND.lastPage);
    long(bytes, META_TXNID, SOUND.txnid);
    bytes.writeUInt32LE(SOUND.bootId, AT + META_BOOT_ID);
    spoil(bytes);
    return bytes;
  };
  const empty = (bytes: Buffer) => {
    bytes.writeUInt16LE(0, AT + META_MAIN + TREE_DEPTH);
    long(bytes, META_MAIN + TREE_ROOT, -1);
  };

  test('is read as it was written, whatever its numbers are', () => {
    expect(readMeta(make(), AT)).toEqual(SOUND);
    expect(metaTxn(make(), AT)).toBe(SOUND.txnid);
    const small = make((bytes) => {
      bytes.writeUInt32LE(65536, AT + META_TREES);
      long(bytes, META_LAST_PAGE, 2);
      long(bytes, META_MAIN + TREE_ENTRIES, 8192);
      long(bytes, META_MAIN + TREE_ROOT, 2);
    });
    expect(readMeta(small, AT)).toMatchObject({ pageSize: 65536, lastPage: 2, main: { root: 2 } });
    const none = make((bytes) => {
      for (const tree of [META_TREES, META_MAIN]) {
        bytes.writeUInt16LE(0, AT + tree + TREE_DEPTH);
        long(bytes, tree + TREE_ROOT, -1);
      }
      long(bytes, META_LAST_PAGE, 1);
    });
    expect(readMeta(none, AT)).toMatchObject({
      lastPage: 1,
      free: { depth: 0, root: 0, entries: 0 },
      main: { depth: 0, root: 0, entries: 0 },
    });
  });

  test.each<[string, Spoil]>([
    ['not LMDB', (bytes) => bytes.writeUInt32LE(0xbeefc0df, AT + 24)],
    ['not LMDB', (bytes) => bytes.writeUInt16LE(2, AT + 18)],
    ['foreign', (bytes) => bytes.writeUInt32LE(1, AT + 28)],
    ['foreign', (bytes) => bytes.writeUInt32LE(999, AT + 28)],
    ['implausible', (bytes) => bytes.writeUInt32LE(3, AT + 28)],
    ['implausible', (bytes) => bytes.writeUInt32LE(2048, AT + META_TREES)],
    ['implausible', (bytes) => bytes.writeUInt32LE(131_072, AT + META_TREES)],
    ['implausible', (bytes) => bytes.writeUInt32LE(4096 + 2048, AT + META_TREES)],
    ['implausible', (bytes) => long(bytes, META_TXNID, SOUND.txnid + TOP)],
    ['implausible', (bytes) => long(bytes, META_LAST_PAGE, SOUND.lastPage + TOP)],
    ['implausible', (bytes) => bytes.writeUInt8(1, AT + META_TXNID + 7)],
    ['implausible', (bytes) => bytes.writeUInt8(1, AT + META_LAST_PAGE + 7)],
    ['implausible', (bytes) => bytes.writeUInt8(1, AT + META_MAIN + TREE_ROOT + 7)],
    ['implausible', (bytes) => bytes.writeUInt16LE(17, AT + META_MAIN + TREE_DEPTH)],
    ['implausible', (bytes) => long(bytes, META_MAIN + TREE_ROOT, 1)],
    ['implausible', (bytes) => long(bytes, META_TREES + TREE_ROOT, 1)],
    ['implausible', (bytes) => long(bytes, META_MAIN + TREE_ROOT, SOUND.lastPage + 1)],
    ['implausible', (bytes) => long(bytes, META_MAIN + TREE_ROOT, 2 + TOP)],
    // More records than there is room for.
    ['implausible', (bytes) => long(bytes, META_MAIN + TREE_ENTRIES, SOUND.lastPage * 256 + 1)],
    // As what liblmdb would take our keys for; and the list of free pages, if its keys were no numbers, or had several values.
    ['implausible', (bytes) => bytes.writeUInt16LE(4, AT + META_MAIN + TREE_FLAGS)],
    ['implausible', (bytes) => bytes.writeUInt16LE(0x4000, AT + META_TREES + TREE_FLAGS)],
    ['implausible', (bytes) => bytes.writeUInt16LE(0x400c, AT + META_TREES + TREE_FLAGS)],
    // An empty tree has no root.
    ['implausible', (bytes) => bytes.writeUInt16LE(0, AT + META_MAIN + TREE_DEPTH)],
    [
      'implausible',
      (bytes) => {
        empty(bytes);
        long(bytes, META_MAIN + TREE_ROOT, TOP - 1);
      },
    ],
    [
      'implausible',
      (bytes) => {
        empty(bytes);
        long(bytes, META_MAIN + TREE_ROOT, -2);
      },
    ],
    [
      'implausible',
      (bytes) => {
        for (const tree of [META_TREES, META_MAIN]) {
          bytes.writeUInt16LE(0, AT + tree + TREE_DEPTH);
          long(bytes, tree + TREE_ROOT, -1);
        }
        long(bytes, META_LAST_PAGE, 0);
      },
    ],
  ])('is %s', (what, spoil) => {
    expect(readMeta(make(spoil), AT)).toBe(what);
  });

  test('has no transaction where it is none, or the number cannot be', () => {
    expect(metaTxn(Buffer.alloc(AT + META_BYTES), AT)).toBe(-1);
    for (const number of [TOP, HIGHEST]) {
      const bytes = make((bytes) => long(bytes, META_TXNID, number));
      expect(metaTxn(bytes, AT)).toBe(-1);
    }
  });

  test('has the trees of another state only where all of them are the same', () => {
    expect(hasTreesOf(make(), AT, SOUND)).toBe(true);
    for (const tree of [META_TREES, META_MAIN])
      for (const at of [TREE_DEPTH, TREE_ENTRIES, TREE_FLAGS, TREE_ROOT])
        expect(
          hasTreesOf(
            make((bytes) => {
              bytes[AT + tree + at]! ^= 1;
            }),
            AT,
            SOUND,
          ),
        ).toBe(false);
    expect(
      hasTreesOf(
        make((bytes) => long(bytes, META_LAST_PAGE, 7)),
        AT,
        SOUND,
      ),
    ).toBe(false);
    // Where both are empty, what else stands there means nothing.
    const none = readMeta(make(empty), AT) as Meta;
    expect(hasTreesOf(make(empty), AT, none)).toBe(true);
    expect(hasTreesOf(make(), AT, none)).toBe(false);
  });
});

test.each<[string, Spoil, number?]>([
  ['', () => {}],
  ['bears another number', (bytes) => long(bytes, 0, 6)],
  ['bears another number', (bytes) => long(bytes, 0, 7 + TOP)],
  ['bears another number', (bytes) => long(bytes, 0, 7 + HIGHEST)],
  ['is newer than the newest transaction', (bytes) => long(bytes, 8, 100)],
  ['is newer than the newest transaction', (bytes) => long(bytes, 8, 3 + TOP)],
  ['is newer than the newest transaction', (bytes) => long(bytes, 8, HIGHEST)],
  ['is of another kind', (bytes) => bytes.writeUInt16LE(BRANCH, AT + 18)],
  ['is of another kind', (bytes) => bytes.writeUInt16LE(LEAF | 0x4000, AT + 18)],
])('a page header: %s', (what, spoil) => {
  const bytes = Buffer.alloc(AT + PAGE_HEADER);
  long(bytes, 0, 7);
  long(bytes, 8, 99);
  bytes.writeUInt16LE(LEAF, AT + 18);
  spoil(bytes);
  expect(wrongWithHeader(bytes, AT, 7, LEAF, 99)).toBe(what);
});

describe('the nodes of a page', () => {
  /** A page whose nodes, with keys of four bytes and these sizes of data, fill it from the end. */
  function make(kind: number, ...sizes: number[]): Buffer {
    const bytes = Buffer.alloc(AT + PAGE, 0xff);
    let upper = ROOM;
    sizes.forEach((size, i) => {
      upper -= 12 + size;
      const node = AT + PAGE_HEADER + upper;
      bytes.writeUInt32LE(kind === LEAF ? size : 7, node); // in a branch, a child's number
      bytes.writeUInt32LE(4 << 16, node + 4);
      bytes.writeUInt16LE(upper, AT + PAGE_HEADER + 2 * i);
    });
    bytes.writeUInt16LE(2 * sizes.length, AT + 20);
    bytes.writeUInt16LE(upper, AT + 22);
    return bytes;
  }
  const judge = (bytes: Buffer, kind: number) => wrongWithNodes(bytes, AT, PAGE, kind);

  test('may fill it to the last byte', () => {
    expect(judge(make(LEAF, 8), LEAF)).toBe('');
    expect(judge(make(LEAF, 10, 8, 0), LEAF)).toBe('');
    expect(judge(make(BRANCH, 0, 0), BRANCH)).toBe('');
    const two = ROOM - 2 * 14;
    expect(judge(make(LEAF, 0, two), LEAF)).toBe(''); // no byte is left between the two ends
  });

  test('are one at least, and in a branch two', () => {
    expect(judge(make(LEAF), LEAF)).toBe('is empty');
    expect(judge(make(BRANCH, 0), BRANCH)).toBe('is empty');
    expect(judge(make(LEAF, 0), LEAF)).toBe('');
  });

  test.each<[string, Spoil]>([
    ['has impossible bounds', (bytes) => bytes.writeUInt16LE(3, AT + 20)],
    ['has impossible bounds', (bytes) => bytes.writeUInt16LE(bytes.readUInt16LE(AT + 22) + 2, AT + 20)],
    ['has impossible bounds', (bytes) => bytes.writeUInt16LE(ROOM + 2, AT + 22)],
    ['has a node outside it', (bytes) => bytes.writeUInt16LE(ROOM - 6, AT + PAGE_HEADER + 2)],
    ['has a node outside it', (bytes) => bytes.writeUInt16LE(4, AT + PAGE_HEADER)],
    ['has a node outside it', (bytes) => bytes.writeUInt16LE(ROOM - 21, AT + PAGE_HEADER)],
    ['has a node outside it', (bytes) => bytes.writeUInt16LE(bytes.readUInt16LE(AT + 22) + 2, AT + 22)],
  ])('a page of them %s', (what, spoil) => {
    const bytes = make(LEAF, 8, 10);
    spoil(bytes);
    expect(judge(bytes, LEAF)).toBe(what);
  });

  test('none is longer than the page', () => {
    const first = AT + PAGE - 20;
    const long = 'has a node that is too long';
    const leaf = (spoil: Spoil) => {
      const bytes = make(LEAF, 8);
      spoil(bytes);
      return judge(bytes, LEAF);
    };
    expect(leaf((bytes) => bytes.writeUInt32LE(9, first))).toBe(long);
    expect(leaf((bytes) => bytes.writeUInt32LE(0xffffffff, first))).toBe(long);
    expect(leaf((bytes) => bytes.writeUInt16LE(5, first + 6))).toBe(long);
    // Of what lies on pages of its own, liblmdb reads 24 bytes here: where it lies, and more that it notes.
    const big = (bytes: Buffer) => bytes.writeUInt16LE(BIG_DATA, first + 4);
    expect(leaf(big)).toBe(long);
    const bytes = make(LEAF, 24);
    bytes.writeUInt16LE(BIG_DATA, AT + PAGE - 36 + 4);
    bytes.writeUInt32LE(100_000, AT + PAGE - 36);
    expect(judge(bytes, LEAF)).toBe('');
    bytes.writeUInt16LE(5, AT + PAGE - 36 + 6);
    expect(judge(bytes, LEAF)).toBe(long);
    // In a branch there are keys only, and the first node has none.
    const keyless = make(BRANCH, 0, 0);
    keyless.writeUInt16LE(ROOM - 8, AT + PAGE_HEADER);
    keyless.writeUInt32LE(0, AT + PAGE - 4);
    expect(judge(keyless, BRANCH)).toBe('');
    const branch = make(BRANCH, 0, 0);
    branch.writeUInt16LE(4 + 12, AT + PAGE - 24 + 6); // into the other one, to the last byte
    expect(judge(branch, BRANCH)).toBe('');
    branch.writeUInt16LE(4 + 13, AT + PAGE - 24 + 6);
    expect(judge(branch, BRANCH)).toBe(long);
  });
});
