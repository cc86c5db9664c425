import { plainValue } from '../../../lib/metadata/plain-value.js';

describe(plainValue, () => {
  const bytes = Buffer.from([0, 1, 255]);

  it.each<[unknown, unknown]>([
    [9_007_199_254_740_993n, '9007199254740993'],
    [new Date('2026-01-02T03:04:05.678Z'), '2026-01-02T03:04:05.678Z'],
    [new Date(NaN), null],
    [bytes, '0001ff'],
    [new Uint8Array(bytes.buffer, bytes.byteOffset + 1, 1), '01'],
    [
      [1n, [2n]],
      ['1', ['2']],
    ],
    [{ a: { b: 1n, c: null } }, { a: { b: '1', c: null } }],
    ['text', 'text'],
    [7, 7],
    [null, null],
    [undefined, undefined],
  ])('carries %p as JSON does', (value, plain) => {
    expect(plainValue(value)).toEqual(plain);
  });
});
