import { Cascade, Collection, PrimaryKeyProp, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { ActiveUnique, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable<Pair>({ relations: { parts: 'cascade', views: 'cascade' } })
@Entity()
@ActiveUnique({ properties: ['code'] })
class Pair extends SoftDeletableEntity {
  [PrimaryKeyProp]?: ['left', 'right'];

  @PrimaryKey({ type: 'number' })
  left!: number;

  @PrimaryKey({ type: 'string' })
  right!: string;

  @Property({ type: 'string' })
  code!: string;

  @OneToMany(() => Part, (part) => part.pair)
  parts = new Collection<Part>(this);

  @OneToMany(() => View, (view) => view.pair)
  views = new Collection<View>(this);
}

@SoftDeletable()
@Entity()
@ActiveUnique({ properties: ['code'] })
class Part extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  code!: string;

  @ManyToOne(() => Pair, { index: true })
  pair!: Rel<Pair>;
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class View {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Pair, { index: true })
  pair!: Rel<Pair>;
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Visit {
  [PrimaryKeyProp]?: ['left', 'right'];

  @PrimaryKey({ type: 'number' })
  left!: number;

  @PrimaryKey({ type: 'string' })
  right!: string;

  @OneToMany(() => Step, (step) => step.visit, { cascade: [Cascade.ALL] })
  steps = new Collection<Step>(this);
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Step {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Visit, { index: true })
  visit!: Rel<Visit>;
}

interface Plan {
  readonly 'Node Type': string;
  readonly 'Plan Rows': number;
  readonly 'Relation Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Plans?: readonly Plan[];
}

const TABLES = ['step', 'visit', 'view', 'part', 'pair'];
const ROWS = 2_000;

/** What stands between a loop and the rows that it reads. */
const PASSES_ON = new Set([
  'Aggregate',
  'Hash',
  'HashAggregate',
  'Materialize',
  'Memoize',
  'Subquery Scan',
  'Append',
  'Limit',
  'Result',
]);

/** Whether a plan reads all of a list, or of a table, once more for each row of another. */
function readsAgain(plan: Plan): boolean {
  const inner = plan['Node Type'] === 'Nested Loop' ? plan.Plans![1]! : undefined;
  return (inner !== undefined && readsAll(inner)) || (plan.Plans ?? []).some(readsAgain);
}

function readsAll(plan: Plan): boolean {
  const type = plan['Node Type'];
  if (PASSES_ON.has(type)) {
    return (plan.Plans ?? []).some(readsAll);
  }
  if (type === 'Nested Loop') {
    return readsAll(plan.Plans![0]!);
  }
  if (type === 'Function Scan') {
    // A list of keys; those of tables are short.
    return plan['Plan Rows'] > 100;
  }
  const condition = plan['Index Cond'] ?? '';
  // Of the archive's index, the part alone is all rows of a table.
  const isPart = !!plan['Relation Name']?.startsWith('deletion_archive') && !condition.includes('key');
  const isAll = type === 'Seq Scan' || (type.includes('Index') && (condition === '' || isPart));
  return type === 'CTE Scan' || (isAll && !plan['Relation Name']!.startsWith('pg_'));
}

/** How many lists a plan puts into hash tables. */
function hashTables(plan: Plan): number {
  return new Set(JSON.stringify(plan).match(/hashed SubPlan \d+/g)).size;
}

describe('where statistics know nothing of the rows, no statement goes through all of them for each', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Pair, Part, View, Visit, Step, ...complianceEntities()]);
    const archive = await test.database.query(
      `select p.relid::regclass::text as name from pg_partition_tree('deletion_archive') as p where p.isleaf`,
    );
    for (const table of [...TABLES, ...archive.map(({ name }) => name)]) {
      await test.database.query(`alter table ${table} set (autovacuum_enabled = off)`);
    }
  });
  afterAll(() => test.close());

  const fill = () =>
    test.database.query(`
      truncate ${TABLES.join(', ')};
      begin; set local session_replication_role = replica; delete from deletion_archive; commit;
      insert into pair ("left", "right", code) select n, 'r' || n, 'c' || n from generate_series(1, ${ROWS}) as n;
      insert into part (id, code, pair_left, pair_right) select n, 'c' || n, n, 'r' || n from generate_series(1, ${ROWS}) as n;
      insert into view (id, pair_left, pair_right) select n, n, 'r' || n from generate_series(1, ${ROWS}) as n;
      insert into visit ("left", "right") select n, 'r' || n from generate_series(1, ${ROWS}) as n;
      insert into step (id, visit_left, visit_right) select n, n, 'r' || n from generate_series(1, ${ROWS}) as n`);
  const analyze = () =>
    test.database.query([...TABLES, 'deletion_archive'].map((table) => `analyze ${table}`).join('; '));

  /** The statements of some work with their plans, as they are made once it is done. */
  async function planned(work: () => Promise<unknown>): Promise<{ sql: string; plan: Plan }[]> {
    test.statements.length = 0;
    await work();
    const found = [];
    for (const sql of test.statements.filter((each) => /^(with|select|update|delete|insert)/.test(each))) {
      const [row] = await test.database.query(`explain (format json) ${sql}`);
      found.push({ sql: sql.slice(0, 500), plan: row['QUERY PLAN'][0].Plan });
    }
    return found;
  }

  const repository = (entity: new () => object) => test.orm.em.fork().getRepository(entity) as any;

  it('as they were when all rows were deleted', async () => {
    await fill();
    await test.database.query(`update pair set deleted_at = now(); update part set deleted_at = now()`);
    await analyze();
    await fill();
    const statements = await planned(() => repository(Pair).softDelete({}, { dryRun: true }));
    const updates = statements.filter(({ sql }) => sql.includes('"soft-delete:locked"'));
    expect(updates).toHaveLength(1);
    expect(updates.filter(({ plan }) => readsAgain(plan))).toEqual([]);
  });

  it.each([
    ['Visit', Visit],
    ['Step', Step],
  ] as const)('as they were before any row was archived: %s', async (_name, entity) => {
    await fill();
    await analyze();
    await repository(entity).softDelete({});
    const statements = await planned(() => repository(entity).restore({}, { dryRun: true }));
    expect(statements.filter(({ plan }) => readsAgain(plan))).toEqual([]);
    expect(await repository(entity).restore({})).toMatchObject({ affected: { [entity.name]: ROWS } });
  });

  it('and what soft-deleted rows took into the archive is found by a hash table', async () => {
    await fill();
    await analyze();
    await repository(Pair).softDelete({});
    const statements = await planned(() => repository(Pair).restore({}, { dryRun: true }));
    const owned = statements.filter(({ sql }) => sql.startsWith('select a."part"'));
    expect(owned.length).toBeGreaterThan(0);
    expect(owned.filter(({ plan }) => hashTables(plan) === 0)).toEqual([]);
    expect(await repository(Pair).restore({})).toMatchObject({ affected: { Pair: ROWS, Part: ROWS, View: ROWS } });
  });

  it('and archived parents that come back as well are found by a hash table', async () => {
    await fill();
    await analyze();
    await repository(Visit).softDelete({});
    const statements = await planned(() => repository(Visit).restore({}, { dryRun: true }));
    const missing = statements.filter(({ sql }) => sql.startsWith('select a."key"'));
    // The rows, their parents, and the parents' keys.
    expect(missing.map(({ plan }) => hashTables(plan))).toEqual([3]);
  });
});
