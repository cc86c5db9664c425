import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import {
  ActiveIndex,
  ActiveUnique,
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
  @Property({ type: 'string' })
  code!: string;

  @ActiveIndex()
  @Property({ type: 'number' })
  due!: number;
}

const ROWS = 60_000;

describe.each([50, 90])('of a table with %i %% deleted rows', (percent) => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Ticket]);
    // Whether a row is deleted has nothing to do with where it lies or when it is due.
    await test.database.query(
      `insert into ticket (id, code, due, deleted_at)
       select i, 'code ' || i, (i::bigint * 48271) % ${ROWS},
         case when (i::bigint * 7919) % 100 < ${percent} then now() - i * interval '1 second' end
       from generate_series(1, ${ROWS}) i`,
    );
    await test.database.query('vacuum analyze ticket');
  });

  afterAll(() => test.close());

  const tickets = () => test.orm.em.fork().getRepository(Ticket) as unknown as SoftDeleteRepository<Ticket>;

  /** The indexes that the statements of the repository are planned with. */
  async function indexesUsedBy(read: () => Promise<unknown>): Promise<string[]> {
    test.statements.length = 0;
    await read();
    const used = new Set<string>();
    for (const statement of test.statements) {
      const plan = JSON.stringify(await test.database.query(`explain (format json) ${statement}`));
      expect(plan).not.toContain('"Seq Scan"');
      for (const [, name] of plan.matchAll(/"Index Name":"(\w+)"/g)) {
        used.add(name!);
      }
    }
    return [...used];
  }

  it.each<[string, string, () => Promise<unknown>]>([
    ['findOne() by a unique value', 'ticket_code_unique', () => tickets().findOne({ code: 'code 77' })],
    ['find() of a range', 'ticket_due_index', () => tickets().find({ due: { $gte: 100, $lt: 200 } })],
    [
      'a page in the order of the index',
      'ticket_due_index',
      () => tickets().find({}, { orderBy: { due: 1 }, limit: 20 }),
    ],
    ['count() of a range', 'ticket_due_index', () => tickets().count({ due: { $lt: 2_000 } })],
    [
      'a page of deleted rows, the latest first',
      'ticket_deleted_at_id_index',
      () =>
        tickets()
          .onlyDeleted()
          .find({}, { orderBy: { deletedAt: -1 }, limit: 20 }),
    ],
  ])('%s reads the partial index', async (_, index, read) => {
    expect(await indexesUsedBy(read)).toEqual([index]);
  });
});
