import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import {
  ActiveIndex,
  ActiveUnique,
  activeView,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Ticket extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ActiveUnique()
  @Property({ type: 'number' })
  code!: number;

  @ActiveIndex()
  @Property({ type: 'number' })
  due!: number;
}

const ActiveTicket = activeView(Ticket);

const ROWS = 1_000_000;

describe.each([50, 90])('of a table of a million rows with %i %% deleted', (percent) => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Ticket, ActiveTicket]);
    const indexes = await test.database.query<{ name: string; definition: string }>(
      `select indexname as name, indexdef as definition from pg_indexes where tablename = 'ticket' and indexname <> 'ticket_pkey'`,
    );
    // Whether a row is deleted has nothing to do with where it lies or when it is due. Filled first, indexed after.
    await test.database.query(
      [
        'alter table ticket set unlogged',
        'alter table ticket drop constraint ticket_pkey',
        ...indexes.map(({ name }) => `drop index ${name}`),
        `insert into ticket (id, code, due, deleted_at)
         select i, i, (i::bigint * 48271) % ${ROWS},
           case when (i::bigint * 7919) % 100 < ${percent} then now() - i * interval '1 second' end
         from generate_series(1, ${ROWS}) i`,
        'alter table ticket add primary key (id)',
        ...indexes.map(({ definition }) => definition),
      ].join(';'),
    );
    await test.database.query('vacuum analyze ticket');
  });

  afterAll(() => test.close());

  const tickets = () => test.orm.em.fork().getRepository(Ticket) as unknown as SoftDeleteRepository<Ticket>;

  /** The plans of the statements that are sent, without the names that stand for the table in them. */
  async function plansOf(read: () => Promise<unknown>): Promise<string[]> {
    test.statements.length = 0;
    await read();
    const plans: string[] = [];
    for (const statement of test.statements) {
      const plan = await test.database.query(`explain (format json) ${statement}`);
      plans.push(
        JSON.stringify(plan)
          .replaceAll(/"Alias":"\w+"/g, '')
          .replaceAll(/\b[a-z]\d\./g, ''),
      );
    }
    return plans;
  }

  it.each<[string, string, () => Promise<unknown>]>([
    ['findOne() by a unique value', 'ticket_code_unique', () => tickets().findOne({ code: 77 })],
    ['find() of a range', 'ticket_due_index', () => tickets().find({ due: { $gte: 100, $lt: 200 } })],
    [
      'a page in the order of the index',
      'ticket_due_index',
      () => tickets().find({}, { orderBy: { due: 1 }, limit: 20 }),
    ],
    ['count() of a range', 'ticket_due_index', () => tickets().count({ due: { $lt: 20_000 } })],
    [
      'a page of deleted rows, the latest first',
      'ticket_deleted_at_id_index',
      () =>
        tickets()
          .onlyDeleted()
          .find({}, { orderBy: { deletedAt: -1 }, limit: 20 }),
    ],
  ])('%s reads the partial index', async (_, index, read) => {
    const plans = await plansOf(read);
    expect(plans).toHaveLength(1);
    // An index over all rows would be read as well, but each row would then be asked whether it is deleted.
    expect(plans[0]).not.toMatch(/"Seq Scan"|"Filter"/);
    expect([...plans[0]!.matchAll(/"Index Name":"(\w+)"/g)].map(([, name]) => name)).toEqual([index]);
  });

  it('a query through the active view is planned as the one through the filter', async () => {
    const conditions = [{ code: 77 }, { due: { $gte: 100, $lt: 200 } }, { id: { $lt: 50 } }, { due: { $lt: 20_000 } }];
    const em = test.orm.em.fork();
    for (const where of conditions) {
      const [filtered] = await plansOf(() => em.count(Ticket, where));
      expect(filtered).toContain('"Index Name"');
      expect(await plansOf(() => em.count(ActiveTicket, where))).toEqual([filtered]);
    }
    const page = { orderBy: { due: 1 }, limit: 20 } as const;
    expect(await plansOf(() => em.find(ActiveTicket, {}, page))).toEqual(
      await plansOf(() => em.find(Ticket, {}, page)),
    );
  });
});
