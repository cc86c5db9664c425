import { defineEntity, type EntityManager, type EntityMetadata, MikroORM, p, ref, Type } from '@mikro-orm/postgresql';
import { entityKeyOf, keyAsCondition, rowKeys, sentKey, sentKeyOf } from '../../../lib/sql/entity-key.js';

/** Letters in the entity, a number in the row. */
class Letters extends Type<string, number> {
  override convertToDatabaseValue(value: string) {
    return value.length;
  }
  override convertToJSValue(value: number) {
    return 'x'.repeat(value);
  }
  override getColumnType() {
    return 'int';
  }
}

const keyed = (name: string, key: any) => defineEntity({ name, properties: { id: key.primary() } as any });
const User = keyed('User', p.integer());
const Line = defineEntity({
  name: 'Line',
  properties: { tenant: p.text().primary(), position: p.integer().primary() },
});
const Membership = defineEntity({
  name: 'Membership',
  properties: { user: () => p.manyToOne(User).primary(), line: () => p.manyToOne(Line).primary() },
});
const ENTITIES = [
  User,
  Line,
  Membership,
  keyed('Name', p.text()),
  keyed('Short', p.string().columnType('varchar(20)')),
  keyed('Guid', p.uuid()),
  keyed('Big', p.bigint('bigint')),
  keyed('Small', p.smallint()),
  keyed('Price', p.decimal()),
  keyed('Padded', p.string().columnType('char(4)')),
  keyed('Case', p.string().columnType('citext')),
  keyed('Moment', p.datetime()),
  keyed('Bytes', p.blob()),
  keyed('Word', p.type(Letters as never)),
];

describe('a key of an entity', () => {
  const orm = new MikroORM({ dbName: 'none', entities: ENTITIES, timezone: 'Z' });
  const em = orm.em.fork() as EntityManager;
  const metaOf = (name: string): EntityMetadata => [...orm.getMetadata()].find(({ className }) => className === name)!;
  const GUID = '2c9e9d3e-6f0b-4a8c-9c5a-0a1b2c3d4e5f';

  it.each<[string, unknown, string[]]>([
    ['User', 7, ['7']],
    ['Name', 'a b', ['a b']],
    ['Big', 9_007_199_254_740_993n, ['9007199254740993']],
    ['Bytes', Buffer.from([0, 255]), ['\\x00ff']],
    ['Bytes', new Uint8Array(Buffer.from([9, 0, 255]).buffer, 0, 0), ['\\x']],
    ['Word', 'abc', ['3']],
    ['Moment', new Date('2026-01-02T03:04:05.678Z'), ['2026-01-02 03:04:05.678+00:00']],
    ['Line', ['a', 1], ['a', '1']],
    ['Line', { tenant: 'a', position: 1 }, ['a', '1']],
    ['Membership', [7, ['a', 1]], ['7', 'a', '1']],
    ['Membership', { user: 7, line: { tenant: 'a', position: 1 } }, ['7', 'a', '1']],
    ['User', { id: 7 }, ['7']],
  ])('of %s is sent as texts: %p', (name, key, texts) => {
    const sent = sentKeyOf(em, metaOf(name), key);
    expect(sent.map((text) => text.replace('Z', '+00:00').replace('T', ' '))).toEqual(texts);
  });

  it('is that of its references', () => {
    const [user, line] = [em.getReference(User, 7 as never), em.getReference(Line, ['a', 1])];
    expect(sentKeyOf(em, metaOf('Membership'), [ref(user as never), line])).toEqual(['7', 'a', '1']);
    const membership = em.create(Membership, { user, line } as never, { persist: false });
    expect(sentKey(em, metaOf('Membership'), membership)).toEqual(['7', 'a', '1']);
  });

  it.each<[string, unknown[], unknown]>([
    ['User', [7], 7],
    ['Word', [3], 'xxx'],
    ['Line', ['a', 1], ['a', 1]],
    ['Membership', [7, 'a', 1], [7, ['a', 1]]],
    ['Moment', ['2026-01-02 03:04:05.678+00'], new Date('2026-01-02T03:04:05.678Z')],
  ])('of %s is read from what the driver returns', (name, values, key) => {
    expect(entityKeyOf(em.getPlatform(), metaOf(name), [...values])).toEqual(key);
  });

  it('is a condition', () => {
    expect(keyAsCondition(metaOf('User'), 7)).toEqual({ id: 7 });
    expect(keyAsCondition(metaOf('Line'), ['a', 1])).toEqual({ tenant: 'a', position: 1 });
    expect(keyAsCondition(metaOf('Membership'), [7, ['a', 1]])).toEqual({ user: 7, line: ['a', 1] });
  });

  describe('is as its row has it', () => {
    const asked: { sql: string; params: unknown[] }[] = [];
    const asking = {
      config: em.config,
      schema: undefined,
      getPlatform: () => em.getPlatform(),
      getLoggerContext: () => ({}),
      getDriver: () => ({
        execute: async (sql: string, params: unknown[]) => {
          asked.push({ sql, params });
          return [{ key: ['from the row'] }];
        },
      }),
    } as unknown as EntityManager;
    const find = async (name: string, key: unknown) => {
      asked.length = 0;
      const entity = em.getReference(name as never, key as never) as object;
      return (await rowKeys(asking, {} as never, metaOf(name), [entity])).get(entity);
    };

    it.each<[string, unknown, string[]]>([
      ['User', 7, ['7']],
      ['User', -7, ['-7']],
      ['Small', 0, ['0']],
      ['Big', 9_007_199_254_740_993n, ['9007199254740993']],
      ['Name', ' A ', [' A ']],
      ['Short', 'A', ['A']],
      ['Guid', GUID, [GUID]],
      ['Line', ['a', 1], ['a', '1']],
    ])('without asking, where its type %s has one text only: %p', async (name, key, texts) => {
      expect(await find(name, key)).toEqual(texts);
      expect(asked).toEqual([]);
    });

    it.each<[string, unknown, string]>([
      ['Guid', GUID.toUpperCase(), `{"${GUID.toUpperCase()}"}`],
      ['Price', '1.50', '{"1.50"}'],
      ['Padded', 'a', '{a}'],
      ['Case', 'Ada', '{"Ada"}'],
      ['User', '07', '{07}'],
    ])('by asking, where a key of %s may have another text: %p', async (name, key, param) => {
      expect(await find(name, key)).toEqual(['from the row']);
      expect(asked.map(({ params }) => params)).toEqual([[param]]);
    });

    it('asks for those alone that it has to, and for none without a key', async () => {
      asked.length = 0;
      const guids = [GUID, GUID.toUpperCase()].map((key) => em.getReference('Guid' as never, key as never) as object);
      const unsaved = em.create(User, {} as never, { persist: false });
      const found = await rowKeys(asking, {} as never, metaOf('Guid'), guids);
      expect([...found.values()]).toEqual([[GUID], ['from the row']]);
      expect(asked.map(({ params }) => params)).toEqual([[`{"${GUID.toUpperCase()}"}`]]);
      expect((await rowKeys(asking, {} as never, metaOf('User'), [unsaved])).size).toBe(0);
    });
  });
});
