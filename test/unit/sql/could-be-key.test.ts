import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { couldBeKey } from '../../../lib/sql/could-be-key.js';

const KEYS = {
  smallint: ['32767', '-32768', '32768', '-32769'],
  int2: ['32767', '-32768', '32768', '-32769'],
  smallserial: ['1', '32767', '32768', '1.5'],
  serial2: ['1', '32767', '32768', '1.5'],
  int: ['2147483647', '-2147483648', '2147483648', '-2147483649'],
  integer: ['2147483647', '-2147483648', '2147483648', '-2147483649'],
  int4: ['2147483647', '-2147483648', '2147483648', '-2147483649'],
  serial: ['0', '2147483647', '2147483648', ''],
  serial4: ['0', '2147483647', '2147483648', ''],
  bigint: ['9223372036854775807', '-9223372036854775808', '9223372036854775808', '-9223372036854775809'],
  int8: ['9223372036854775807', '-9223372036854775808', '9223372036854775808', '-9223372036854775809'],
  bigserial: ['1', '9223372036854775807', '9223372036854775808', '1e3'],
  serial8: ['1', '9223372036854775807', '9223372036854775808', '1e3'],
  uuid: [
    '2c9e9d3e-6f0b-4a8c-9c5a-0a1b2c3d4e5f',
    '{2C9E9D3E6F0B4A8C9C5A0A1B2C3D4E5F}',
    '2c9e9d3e-6f0b-4a8c-9c5a-0a1b2c3d4e5',
    'seven',
  ],
} as const;

const keyed = (type: string) =>
  defineEntity({ name: `Of ${type}`, properties: { id: p.string().columnType(type).primary() } });
const Line = defineEntity({
  name: 'Line',
  properties: { tenant: p.text().primary(), position: p.integer().primary() },
});
const Day = keyed('date');

describe(couldBeKey, () => {
  const orm = new MikroORM({ dbName: 'none', entities: [...Object.keys(KEYS).map(keyed), Line, Day] });
  const metaOf = (name: string) => [...orm.getMetadata()].find(({ className }) => className === name)!;

  it.each(Object.entries(KEYS))('tells what a key of type %s can be', (type, [lowest, highest, tooHigh, wrong]) => {
    const meta = metaOf(`Of ${type}`);
    expect([lowest, highest, tooHigh, wrong].map((text) => couldBeKey(meta, [text]))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    for (const text of ['one', '1; drop', ' 1', '1'.repeat(30), '\0']) {
      expect(couldBeKey(meta, [text])).toBe(false);
    }
  });

  it('leaves it to PostgreSQL to read other types, but for the character that no text has', () => {
    const meta = metaOf('Of date');
    expect(couldBeKey(meta, ['2026-01-01'])).toBe(true);
    expect(couldBeKey(meta, ['never'])).toBe(true);
    expect(couldBeKey(meta, ['2026-01-01\0'])).toBe(false);
  });

  it('asks every column of a key, and for as many texts as it has', () => {
    const meta = metaOf('Line');
    expect(couldBeKey(meta, ['a', '1'])).toBe(true);
    expect(couldBeKey(meta, ['1', 'a'])).toBe(false);
    expect(couldBeKey(meta, ['a'])).toBe(false);
    expect(couldBeKey(meta, ['a', '1', '1'])).toBe(false);
  });
});
