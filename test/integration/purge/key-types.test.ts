import { inspect } from 'node:util';
import { type Rel, PrimaryKeyProp } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey } from '@mikro-orm/decorators/legacy';
import { createPurge, SoftDeletable, SoftDeletableEntity, type SoftDeleteEvent } from 'nestjs-mikro-orm-soft-delete';
import { findInstallation } from '../../../lib/installation/installation.js';
import { KEY_TYPES, KEY_TYPES_SQL, type KeyType } from '../../support/key-types.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

/** A row with a key of one type, and rows behind it whose key contains that. */
function family({ name, column, value }: KeyType) {
  @SoftDeletable({ retention: '30d' })
  @Entity({ tableName: `${name}_root` })
  class Root extends SoftDeletableEntity {
    @PrimaryKey(column as never)
    id!: any;
  }

  @SoftDeletable({ retention: '30d' })
  @Entity({ tableName: `${name}_child` })
  class Child extends SoftDeletableEntity {
    [PrimaryKeyProp]?: ['root', 'part'];

    @ManyToOne(() => Root, { primary: true })
    root!: Rel<Root>;

    @PrimaryKey({ type: 'integer' })
    part!: number;
  }

  return { name, value, Root: Root as any, Child: Child as any };
}

describe.each(KEY_TYPES.map(family))('a purge of keys of the type $name', ({ name, value, Root, Child }) => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Root, Child], {}, {}, KEY_TYPES_SQL);
    await test.database.query(`
      create table refused (key text);
      create function refuse() returns trigger language plpgsql as $$ begin
        if exists (select from refused where key = to_jsonb(old)::text) then raise exception 'not this one'; end if;
        return old;
      end $$;
      create trigger refuse before delete on ${name}_root for each row execute function refuse();
      create trigger refuse before delete on ${name}_child for each row execute function refuse()`);
  });
  afterAll(() => test.close());

  beforeEach(async () => {
    await test.database.query(`delete from refused; delete from ${name}_child; delete from ${name}_root`);
    const em: any = test.orm.em.fork();
    for (const n of [1, 2, 3]) {
      const root = em.create(Root, { id: value(n) });
      em.create(Child, { root, part: n });
    }
    await em.flush();
  });

  const age = (table: string, days: number, and = 'true') =>
    test.database.query(
      `update ${name}_${table} set deleted_at = now() - interval '${days} days' + random() * interval '1 hour' where ${and}`,
    );
  const left = async (table: string) =>
    Number((await test.database.query(`select count(*) from ${name}_${table}`))[0].count);
  const refuse = (table: string, where: string) =>
    test.database.query(`insert into refused select to_jsonb(t)::text from ${name}_${table} as t where ${where}`);

  it.each([1, 1000])('removes everything that is due, %s at a time', async (batchSize) => {
    await age('root', 31);
    await age('child', 32);
    const report = await createPurge(test.orm).run({ batchSize });
    expect(report).toMatchObject({ outcome: 'completed', total: 6 });
    expect([await left('root'), await left('child')]).toEqual([0, 0]);
  });

  it('names the keys of entities in failures', async () => {
    await age('root', 31);
    await age('child', 32);
    await refuse('root', `id = (select root_id from ${name}_child where part = 2)`);
    await refuse('child', 'part = 3');
    const report = await createPurge(test.orm).run();
    const [children, roots] = report.entities;
    expect(children).toMatchObject({ purged: 2, failed: 1 });
    expect(children!.failures).toEqual([
      expect.objectContaining({ key: [value(3), 3], message: expect.stringContaining('not this one') }),
    ]);
    expect(roots).toMatchObject({ purged: 1, blocked: 1, failed: 1 });
    expect(roots!.failures).toEqual([expect.objectContaining({ key: value(2) })]);
    expect([await left('root'), await left('child')]).toEqual([2, 1]);
  });

  it('names the keys of entities in events', async () => {
    await age('root', 31);
    await age('child', 32);
    const events: SoftDeleteEvent[] = [];
    const subscription = findInstallation(test.orm.em)!.events.stream$.subscribe((event) => events.push(event));
    await createPurge(test.orm).run();
    subscription.unsubscribe();
    const sorted = (keys: readonly unknown[] = []) => keys.map((key) => inspect(key)).toSorted();
    expect(events.map(({ type }) => type)).toEqual(['purged', 'purged']);
    expect(sorted(events[0]!.keys)).toEqual(sorted([1, 2, 3].map((n) => [value(n), n])));
    expect(sorted(events[1]!.keys)).toEqual(sorted([1, 2, 3].map(value)));
  });

  it('leaves what others need', async () => {
    await age('root', 31);
    await age('child', 32, 'part = 1');
    expect(await createPurge(test.orm).run()).toMatchObject({ total: 2 });
    expect([await left('root'), await left('child')]).toEqual([2, 2]);
  });
});
