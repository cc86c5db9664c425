import { defineEntity, type EntityManager, MikroORM, p } from '@mikro-orm/postgresql';
import { keyFromTexts } from '../../../lib/sql/key-from-texts.js';

const keyed = (name: string, primary: any) => defineEntity({ name, properties: { id: primary.primary() } as any });
const ENTITIES = {
  Whole: keyed('Whole', p.integer()),
  Fraction: keyed('Fraction', p.double()),
  Big: keyed('Big', p.bigint('bigint')),
  Flag: keyed('Flag', p.boolean()),
  Bytes: keyed('Bytes', p.blob()),
  Name: keyed('Name', p.text()),
  Line: defineEntity({ name: 'Line', properties: { tenant: p.boolean().primary(), n: p.smallint().primary() } }),
};

describe(keyFromTexts, () => {
  let em: EntityManager;
  beforeAll(async () => {
    const orm = await MikroORM.init({ dbName: 'none', entities: Object.values(ENTITIES) });
    em = orm.em as EntityManager;
    await orm.close();
  });
  const read = (name: string, ...key: string[]) =>
    keyFromTexts(
      em,
      [...em.getMetadata()].find(({ className }) => className === name),
      key,
    );

  it.each<[string, string[], unknown]>([
    ['Whole', ['7'], 7],
    ['Fraction', ['0.25'], 0.25],
    ['Big', ['9007199254740993'], 9_007_199_254_740_993n],
    ['Flag', ['true'], true],
    ['Flag', ['false'], false],
    ['Bytes', ['\\x00ff'], Buffer.from([0, 255])],
    ['Name', ['\\x00ff'], '\\x00ff'],
    ['Line', ['false', '7'], [false, 7]],
  ])('reads a key of %s as the entity has it', (name, texts, key) => {
    const found = read(name, ...texts);
    expect(ArrayBuffer.isView(found) ? Buffer.from(found as Uint8Array) : found).toEqual(key);
  });

  it('gives the texts where the entity is gone, or has another key by now', () => {
    expect(read('Gone', '7')).toBe('7');
    expect(read('Gone', 'true', '7')).toEqual(['true', '7']);
    expect(read('Line', '7')).toBe('7');
    expect(read('Whole', '1', '2')).toEqual(['1', '2']);
  });
});
