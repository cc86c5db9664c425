import { EntitySchema, MikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { keyText, readKey } from '../../../lib/metadata/key-text.js';

const single = (name: string, type: string, runtimeType?: string) =>
  new EntitySchema<any>({
    name,
    properties: { id: { type, primary: true, ...(runtimeType && { runtimeType }) } as never },
  });

const Whole = single('Whole', 'integer');
const Big = single('Big', 'bigint', 'bigint');
const Name = single('Name', 'string');
const Moment = single('Moment', 'datetime');
const Bytes = single('Bytes', 'blob');
const Line = new EntitySchema<any>({
  name: 'Line',
  properties: {
    whole: { kind: 'm:1', entity: () => Whole, primary: true } as never,
    name: { type: 'string', primary: true } as never,
  },
});
const Note = new EntitySchema<any>({
  name: 'Note',
  properties: {
    line: { kind: 'm:1', entity: () => Line, primary: true } as never,
    n: { type: 'integer', primary: true } as never,
  },
});

const orm = new MikroORM({
  driver: PostgreSqlDriver,
  dbName: 'none',
  entities: [Whole, Big, Name, Moment, Bytes, Line, Note],
} as never);
const meta = (name: string) => orm.getMetadata().getByClassName(name as never) as any;

describe('A key as text', () => {
  it.each<[string, unknown, string]>([
    ['Whole', 7, '7'],
    ['Big', 9_007_199_254_740_993n, '9007199254740993'],
    ['Name', '[1,2]', '[1,2]'],
    ['Moment', new Date('2026-01-02T03:04:05.678Z'), '2026-01-02T03:04:05.678Z'],
    ['Bytes', Buffer.from([0, 255]), '00ff'],
    ['Line', [7, 'a'], '[7,"a"]'],
    ['Note', [[7, 'a'], 2], '[[7,"a"],2]'],
    ['Whole', 9_007_199_254_740_991, '9007199254740991'],
    ['Whole', -1.25, '-1.25'],
    ['Whole', 0.000_123_456_789_012_345, '0.000123456789012345'],
  ])('of %s is read as it was written', (name, key, text) => {
    expect(keyText(meta(name), key)).toBe(text);
    expect(readKey(meta(name), text)).toEqual(key);
  });

  it.each([
    ['Whole', ''],
    ['Whole', 'one'],
    ['Whole', '1e3'],
    ['Whole', '9007199254740993'],
    ['Whole', '-9007199254740993'],
    ['Whole', '2.00000000000000001'],
    ['Line', '[9007199254740993,"a"]'],
    ['Note', '[["9007199254740993","a"],2]'],
    ['Moment', '2026-02-30T00:00:00Z'],
    ['Big', '1.5'],
    ['Name', 'a\u0000'],
    ['Moment', 'yesterday'],
    ['Moment', '2026-13-41T00:00:00Z'],
    ['Bytes', 'abc'],
    ['Line', '7'],
    ['Line', '[7]'],
    ['Line', '[7,null]'],
    ['Line', '[7,"a"'],
    ['Note', '[[7],2]'],
    ['Note', '[7,"a",2]'],
  ])('is none of %s: %p', (name, text) => {
    expect(readKey(meta(name), text)).toBeUndefined();
  });
});
