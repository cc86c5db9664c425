import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import { Scheduler } from './scheduler.js';

@SoftDeletable<Owner>({ relations: { leases: 'restrict' } })
@Entity({ repository: () => SoftDeleteRepository })
class Owner extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  status!: string;

  @OneToMany(() => Part, (part) => part.owner, { cascade: [Cascade.ALL] })
  parts = new Collection<Part>(this);

  @OneToMany(() => Lease, (lease) => lease.owner)
  leases = new Collection<Lease>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Part extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Owner)
  owner!: Rel<Owner>;

  @OneToMany(() => Screw, (screw) => screw.part, { cascade: [Cascade.ALL] })
  screws = new Collection<Screw>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Screw extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Part)
  part!: Rel<Part>;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Lease extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Owner)
  owner!: Rel<Owner>;
}

/** Nothing in the database keeps its names apart. */
@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Label extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;
}

/** 300 by default; set DELETION_INTERLEAVINGS for more, and DELETION_SEED to repeat a run from there. */
const INTERLEAVINGS = Number(process.env['DELETION_INTERLEAVINGS'] ?? 300);
const SEED = Number(process.env['DELETION_SEED'] ?? Date.now() % 1_000_000);

interface Row {
  table: 'owner' | 'part' | 'screw' | 'lease' | 'label';
  id: number;
  /** What it is behind. */
  behind: number;
  text: string;
  time: string | null;
}

interface Context {
  em: EntityManager;
  pick(count: number): number;
  /** A key for a new row, by which its session is known. */
  id(): number;
}

const START = `
  truncate owner, part, screw, lease, label;
  insert into owner (id, status, deleted_at) values
    (1, 'draft', null), (2, 'published', null), (3, 'draft', '2020-01-03'), (4, 'draft', '2020-01-04');
  insert into part (id, owner_id, deleted_at) values
    (1, 1, null), (2, 1, '2020-01-01'), (3, 2, null), (4, 3, '2020-01-03'), (5, 3, '2020-01-02');
  insert into screw (id, part_id, deleted_at) values
    (1, 1, null), (2, 2, '2020-01-01'), (3, 3, null), (4, 4, '2020-01-03'), (5, 1, null);
  insert into lease (id, owner_id, deleted_at) values (1, 2, '2020-01-05');
  insert into label (id, name, deleted_at) values (1, 'a', '2020-01-06'), (2, 'a', '2020-01-07')`;

const ROWS = `
  select 'owner' as table, id, 0 as behind, status as text, deleted_at::text as time from owner
  union all select 'part', id, owner_id, '', deleted_at::text from part
  union all select 'screw', id, part_id, '', deleted_at::text from screw
  union all select 'lease', id, owner_id, '', deleted_at::text from lease
  union all select 'label', id, 0, name, deleted_at::text from label`;

describe('interleavings of deletions', () => {
  let test: TestOrm;
  let scheduler: Scheduler;

  beforeAll(async () => {
    test = await createTestOrm([Owner, Part, Screw, Lease, Label], { debug: false, pool: { min: 1, max: 4 } });
    await test.database.query(`alter database ${test.database.name} set deadlock_timeout = '10ms'`);
    scheduler = new Scheduler(test.orm.em, test.database);
  });

  afterAll(() => test.close());

  const repo = (em: EntityManager, entity: new () => any) =>
    em.getRepository(entity as never) as unknown as SoftDeleteRepository<any>;
  const OPERATIONS: Record<string, (context: Context) => Promise<unknown>> = {
    'delete drafts': ({ em }) => repo(em, Owner).softDelete({ status: 'draft' }),
    'delete owner': ({ em, pick }) => repo(em, Owner).softDelete(1 + pick(2)),
    'delete owners of parts': ({ em }) => repo(em, Owner).softDelete({ parts: { $some: { id: { $lte: 3 } } } }),
    'delete part': ({ em, pick }) => repo(em, Part).softDelete(1 + pick(3)),
    'remove owner': async ({ em, pick }) => {
      const owner = await em.findOne(Owner, 1 + pick(2));
      if (owner) {
        await em.remove(owner).flush();
      }
    },
    'restore owner': ({ em, pick }) => repo(em, Owner).restore(3 + pick(2)),
    'restore owners': ({ em }) => repo(em, Owner).restore({ status: 'draft' }),
    'restore part': ({ em, pick }) => repo(em, Part).restore([2, 5][pick(2)]!),
    'restore part and owner': ({ em }) => repo(em, Part).restore(5, { withParents: true }),
    'remove deleted owners': ({ em }) => repo(em, Owner).hardDelete({ deletedAt: { $ne: null } }),
    'remove deleted parts': ({ em }) => repo(em, Part).hardDelete({ deletedAt: { $ne: null } }),
    'insert part': ({ em, pick, id }) =>
      em.execute('insert into part (id, owner_id) values (?, ?)', [id(), 1 + pick(4)]),
    'insert screw': ({ em, pick, id }) =>
      em.execute('insert into screw (id, part_id) values (?, ?)', [id(), 1 + pick(5)]),
    'insert lease': ({ em, pick, id }) =>
      em.execute('insert into lease (id, owner_id) values (?, ?)', [id(), 1 + pick(4)]),
    publish: ({ em }) => em.execute("update owner set status = 'published' where id in (1, 3)"),
    'restore or create': ({ em, pick, id }) => {
      const name = ['a', 'b'][pick(2)]!;
      return repo(em, Label).restoreOrCreate({ name }, { id: id(), name });
    },
  };
  const NAMES = Object.keys(OPERATIONS);
  const outcomes = new Map<string, number>();

  async function interleave(seed: number): Promise<string[]> {
    const random = mulberry32(seed);
    const pick = (count: number) => Math.floor(random() * count);
    await test.database.query(START);
    const faults: string[] = [];
    const history: string[] = [];
    /** When a row of a key, and a time of deletion, was there for the first time. */
    const since = new Map<string, number>();
    let commits = 0;
    let next = 100;
    const read = async () => (await test.database.query(ROWS)) as unknown as Row[];
    for (const { table, id, time } of await read()) {
      since.set(`${table} ${id}`, 0);
      if (time) {
        since.set(time, 0);
      }
    }

    const commit = async (em: EntityManager, operations: readonly string[]) => {
      // What is locked by now is as it was when the operations decided.
      const before = new Map((await read()).map((row) => [`${row.table} ${row.id}`, row]));
      await em.commit();
      commits++;
      const after = new Map((await read()).map((row) => [`${row.table} ${row.id}`, row]));
      const units = new Set<string>();
      for (const [name, row] of after) {
        since.set(name, since.get(name) ?? commits);
        if (row.time && !since.has(row.time)) {
          units.add(row.time);
        }
        const previous = before.get(name);
        const isDeletedNow = row.time !== null && previous?.time === null;
        if (
          isDeletedNow &&
          operations.join() === 'delete drafts' &&
          row.table === 'owner' &&
          previous.text !== 'draft'
        ) {
          faults.push(`${name} was deleted as a draft and is ${previous.text}`);
        }
        const isAlone = operations.includes('restore part and owner');
        if (previous?.time && !row.time && row.table === 'owner' && !isAlone) {
          for (const part of after.values()) {
            if (part.table === 'part' && part.behind === row.id && part.time === previous.time) {
              faults.push(`part ${part.id} stayed behind when ${name} was restored`);
            }
          }
        }
      }
      units.forEach((time) => since.set(time, commits));
      if (units.size > operations.length) {
        faults.push(`${operations.join(', ')} made ${units.size} units`);
      }
      for (const [name, row] of before) {
        const only = operations.length === 1 && operations[0]!.startsWith('remove deleted');
        if (only && !after.has(name) && row.time === null && name.startsWith(operations[0]!.slice(15, 19))) {
          faults.push(`${name} was active and is removed`);
        }
      }
    };

    const sessions = Array.from({ length: 2 + pick(2) }, (_unused, session) => {
      const operations = Array.from({ length: 1 + Math.floor(pick(4) / 3) }, () => NAMES[pick(NAMES.length)]!);
      const choices = Array.from({ length: 8 }, () => random());
      const isKept = random() < 0.85;
      return async () => {
        const em = test.orm.em.fork();
        let drawn = 0;
        const context: Context = {
          em,
          pick: (count) => Math.floor(choices[drawn++ % choices.length]! * count),
          id: () => next++,
        };
        await em.begin();
        try {
          for (const operation of operations) {
            history.push(`${session}: ${operation}`);
            await OPERATIONS[operation]!(context);
          }
          await scheduler.step();
          if (isKept) {
            await commit(em, operations);
          } else {
            await em.rollback();
          }
          history.push(`${session}: ${isKept ? 'committed' : 'rolled back'}`);
          count(isKept ? 'committed' : 'rolled back');
        } catch (error) {
          const { code, name, message } = error as { code?: string; name: string; message: string };
          history.push(`${session}: ${message}`);
          count(`${name} ${code}`);
          if (!['40P01', '23503', 'DELETION_RESTRICTED', 'RESTORE_CONFLICT'].includes(code ?? '')) {
            faults.push(`${name} ${code}: ${message}`);
          }
          await em.rollback();
        }
      };
    });
    const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    await scheduler.run(sessions, pick);
    faults.push(...forbidden(await read(), since));
    return faults.length > 0 ? [...faults, ...history] : [];
  }

  it(`leave no forbidden state: ${INTERLEAVINGS} from seed ${SEED}`, async () => {
    const start = performance.now();
    for (let i = 0; i < INTERLEAVINGS; i++) {
      const faults = await interleave(SEED + i);
      if (faults.length > 0) {
        throw new Error(`DELETION_SEED=${SEED + i} DELETION_INTERLEAVINGS=1:\n${faults.join('\n')}`);
      }
    }
    process.stderr.write(
      `${INTERLEAVINGS} interleavings from seed ${SEED} in ${Math.round((performance.now() - start) / 1000)} s: ` +
        `${JSON.stringify(Object.fromEntries(outcomes))}\n`,
    );
    expect(outcomes.get('committed')).toBeGreaterThan(INTERLEAVINGS / 2);
  }, 3_600_000);
});

/** Active rows behind deleted ones that were there before these were deleted, and two active rows of one name. */
function forbidden(rows: readonly Row[], since: ReadonlyMap<string, number>): string[] {
  const parents = { part: 'owner', screw: 'part', lease: 'owner' } as const;
  const faults: string[] = [];
  for (const row of rows) {
    if (row.table === 'owner' || row.table === 'label') {
      continue;
    }
    const parent = rows.find(({ table, id }) => table === parents[row.table as 'part'] && id === row.behind);
    const deleted = parent?.time && (since.get(parent.time) ?? 0);
    // Rows of the start are as old as the deletions of the start.
    const inserted = row.id >= 100 ? (since.get(`${row.table} ${row.id}`) ?? 0) : 0;
    if (typeof deleted === 'number' && row.time === null && (row.id < 100 || inserted < deleted)) {
      faults.push(`${row.table} ${row.id} is active behind the deleted ${parent!.table} ${parent!.id}`);
    }
  }
  for (const [name, active] of Map.groupBy(
    rows.filter(({ table, time }) => table === 'label' && time === null),
    ({ text }) => text,
  )) {
    if (active.length > 1) {
      faults.push(`label ${name} is there ${active.length} times`);
    }
  }
  return faults;
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
