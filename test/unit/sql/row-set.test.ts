import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { arrayText, identify, inChunks, RowSet, withoutKeyLists } from '../../../lib/sql/row-set.js';

const User = defineEntity({ name: 'User', properties: { id: p.integer().primary() } });
const Vehicle = defineEntity({
  name: 'Vehicle',
  discriminatorColumn: 'kind',
  discriminatorValue: 'vehicle',
  properties: { id: p.integer().primary(), kind: p.string() },
});
const Truck = defineEntity({ name: 'Truck', extends: Vehicle, discriminatorValue: 'truck', properties: {} });
const Line = defineEntity({
  name: 'Line',
  properties: { tenant: p.text().primary(), position: p.integer().primary() },
});

const orm = new MikroORM({ dbName: 'none', entities: [User, Vehicle, Truck, Line] });
const metaOf = (name: string) => [...orm.getMetadata()].find(({ className }) => className === name)!;
const [user, vehicle, truck, line] = ['User', 'Vehicle', 'Truck', 'Line'].map(metaOf) as [any, any, any, any];

describe(RowSet, () => {
  it('says which of the rows that are added are new', async () => {
    const rows = new RowSet();
    expect(await rows.add(user, [['1'], ['2'], ['1']])).toEqual([['1'], ['2']]);
    expect(await rows.add(user, [['2'], ['3']])).toEqual([['3']]);
    expect(rows.keys(user)).toEqual([['1'], ['2'], ['3']]);
    expect(rows.count(user)).toBe(3);
    expect([rows.has(user, ['3']), rows.has(user, ['4'])]).toEqual([true, false]);
  });

  it('tells keys of several columns apart, and gives them back', async () => {
    const rows = new RowSet();
    const keys = [
      ['a', '1'],
      ['a,1', ''],
      ['a"', '1'],
    ];
    expect(await rows.add(line, keys)).toEqual(keys);
    expect([...rows.each(line)]).toEqual(keys);
    expect([rows.has(line, ['a', '1']), rows.has(line, ['1', 'a'])]).toEqual([true, false]);
  });

  it('knows a row by the table that it is in, whatever its class', async () => {
    const rows = new RowSet();
    await rows.add(truck, [['1']]);
    expect(await rows.add(vehicle, [['1']])).toEqual([]);
    expect(rows.has(vehicle, ['1'])).toBe(true);
    expect([rows.count(vehicle), rows.count(truck)]).toEqual([1, 1]);
    expect(rows.keys(truck)).toEqual([['1']]);
    expect(rows.entities()).toEqual([vehicle]);
  });

  it('is empty before anything is added', async () => {
    const rows = new RowSet();
    await rows.add(user, []);
    expect(rows.entities()).toEqual([]);
    expect([rows.count(line), rows.keys(line), rows.has(line, ['a', '1'])]).toEqual([0, [], false]);
  });

  it('lets others have their turn between portions of many rows', async () => {
    let turns = 0;
    let isOver = false;
    const turn = () => {
      turns++;
      if (!isOver) {
        setImmediate(turn);
      }
    };
    setImmediate(turn);
    const rows = new RowSet();
    const keys = Array.from({ length: 100_001 }, (_, i) => [String(i)]);
    expect((await rows.add(user, keys)).length).toBe(keys.length);
    isOver = true;
    expect(turns).toBeGreaterThanOrEqual(2);
    expect(rows.count(user)).toBe(keys.length);
  });
});

describe(inChunks, () => {
  const sizes = async (count: number) => {
    const chunks: number[][] = [];
    await inChunks(
      Array.from({ length: count }, (_, i) => i),
      async (chunk) => {
        chunks.push([chunk[0]!, chunk.length]);
      },
    );
    return chunks;
  };

  it.each<[number, number[][]]>([
    [0, []],
    [1, [[0, 1]]],
    [50_000, [[0, 50_000]]],
    [
      50_001,
      [
        [0, 50_000],
        [50_000, 1],
      ],
    ],
  ])('takes %d keys in portions of 50,000', async (count, chunks) => {
    expect(await sizes(count)).toEqual(chunks);
  });

  it('waits for a portion before it begins with the next one', async () => {
    const order: string[] = [];
    await inChunks(Array.from({ length: 100_001 }), async (chunk) => {
      order.push(`begin ${chunk.length}`);
      await new Promise(setImmediate);
      order.push(`end ${chunk.length}`);
    });
    expect(order).toEqual(['begin 50000', 'end 50000', 'begin 50000', 'end 50000', 'begin 1', 'end 1']);
  });
});

describe(identify, () => {
  it('gives no two keys the same text', () => {
    const keys = [['a'], ['a', 'b'], ['a,b', ''], ['a', 'b', '']];
    expect(new Set(keys.map(identify)).size).toBe(keys.length);
    expect(identify(['a'])).toBe('a');
  });
});

describe(arrayText, () => {
  it.each<[string[], string]>([
    [[], '{}'],
    [['1', '-2'], '{1,-2}'],
    [['2c9e9d3e-6f0b-4a8c-9c5a-0a1b2c3d4e5f'], '{2c9e9d3e-6f0b-4a8c-9c5a-0a1b2c3d4e5f}'],
    [['null', 'a b', ''], '{"null","a b",""}'],
    [['a"b', 'a\\b', '{}', ','], '{"a\\"b","a\\\\b","{}",","}'],
    [['1\n', 'fg'], '{"1\n","fg"}'],
  ])('writes %j as PostgreSQL reads it', (values, text) => {
    expect(arrayText(values)).toBe(text);
  });
});

describe(withoutKeyLists, () => {
  it('leaves out the lists that a condition looks keys up in, and nothing else', () => {
    const list = (name: string) =>
      `(c.a, c.b) in (select "soft-delete:0", "soft-delete:1" from (${name}) ("soft-delete:n"))`;
    expect(withoutKeyLists(`${list('x')} and ${list('y')} and c.d in (select 1)`)).toBe(
      '(c.a, c.b) in () and (c.a, c.b) in () and c.d in (select 1)',
    );
  });
});
