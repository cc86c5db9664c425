import { MikroORM } from '@mikro-orm/postgresql';
import { softDelete } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, createCompliance } from 'nestjs-mikro-orm-soft-delete/compliance';
import { Customer, Order, SHOP, Ticket } from './shop.entities.js';
import { PLANT, useErasures } from './use-erasures.js';

describe('The records of erasures equal their effects', () => {
  const test = useErasures();
  const refuse = () => Promise.reject(new Error('refused'));
  const isRefused = (error: Error) => expect(error.message).toBe('refused');

  beforeEach(async () => {
    await test.database.query(PLANT);
    await test.repo(Ticket).softDelete(1);
    await test.database.query(
      `begin; set local session_replication_role = 'replica'; delete from deletion_record; commit`,
    );
  });

  /** Rows of all tables but those of this package, as they are. */
  const state = async () => {
    const tables = ['customer', 'purchase', 'line', 'review', 'picture', 'message', 'visit', 'ticket', 'attachment'];
    const rows = await test.rows(
      [
        ...tables.map((name) => `select '${name} ' || id as id, to_jsonb(t.*)::text as shown from ${name} as t`),
        `select part || ' ' || key as id, data::text from deletion_archive`,
      ].join(' union all '),
    );
    return new Map(rows.map(({ id, shown }) => [id as string, shown as string]));
  };
  const changes = (before: Awaited<ReturnType<typeof state>>, after: typeof before) =>
    [...before].filter(([id, shown]) => after.get(id) !== shown).map(([id]) => id);
  /** Not among them: a picture, of which nobody speaks, and the reply of somebody else, which is left without what it replied to. */
  const erased = (ids: readonly string[]) => ids.filter((id) => !id.startsWith('picture') && id !== 'review 2');
  const recorded = async () =>
    (
      await test.rows(
        `select coalesce(sum(count), 0)::int as rows from deletion_record where action = 'erased' and entity <> 'Picture'`,
      )
    )[0]!.rows as number;

  it('that are committed, alone and in a transaction', async () => {
    const before = await state();
    await test.erasures.erase(Customer, 1);
    const own = erased(changes(before, await state()));
    expect(own.length).toBeGreaterThan(5);
    expect(await recorded()).toBe(own.length);
    const between = await state();
    await test.fork().transactional(() => test.erasures.erase(Customer, 2));
    const both = changes(between, await state()).filter((id) => !id.startsWith('picture'));
    expect(await recorded()).toBe(own.length + both.length);
  });

  it('that are undone with the transaction, or a savepoint of one that lasts', async () => {
    const before = await state();
    await test
      .fork()
      .transactional(async () => {
        await test.erasures.erase(Customer, 1);
        await refuse();
      })
      .catch(isRefused);
    expect([changes(before, await state()), await recorded()]).toEqual([[], 0]);
    await test.fork().transactional(async (tx) => {
      await tx
        .transactional(async () => {
          await test.erasures.erase(Customer, 1);
          await refuse();
        })
        .catch(isRefused);
      await test.repo(Order).softDelete(3);
    });
    expect([changes(before, await state()), await recorded()]).toEqual([['purchase 3'], 0]);
    expect(await test.rows('select 1 from erasure')).toEqual([]);
  });

  it('whose backend is killed before they commit', async () => {
    const before = await state();
    const other = await MikroORM.init({
      clientUrl: test.database.url,
      entities: [...SHOP, ...complianceEntities()],
      extensions: [softDelete()],
    });
    const broken = other.em.fork().transactional(async (tx) => {
      await createCompliance(other).erasures.erase(Customer, 1);
      const [backend] = await tx.execute<{ pid: number }[]>('select pg_backend_pid() as pid');
      await test.database.query('select pg_terminate_backend($1)', [backend!.pid]);
      await tx.execute('select 1');
    });
    await expect(broken).rejects.toThrow(/terminat|connection/i);
    expect([changes(before, await state()), await recorded()]).toEqual([[], 0]);
  });

  it('whose record is refused', async () => {
    const before = await state();
    await test.database.query(`
      create or replace function refuse_it() returns trigger as $$ begin raise exception 'no records today'; end; $$ language plpgsql;
      create trigger refuse_it before insert on deletion_record for each row execute function refuse_it()`);
    await expect(test.erasures.erase(Customer, 1)).rejects.toThrow('no records today');
    await test.database.query('drop trigger refuse_it on deletion_record');
    expect([changes(before, await state()), await recorded()]).toEqual([[], 0]);
    expect(await test.rows('select outcome from erasure')).toEqual([{ outcome: null }]);
    expect(await test.erasures.run()).toMatchObject([{ outcome: 'completed' }]);
  });
});
