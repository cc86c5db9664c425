import { Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { runInScope, SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { hasNestedCursors } from '../../support/orm-features.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable()
@Entity()
class Folder extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany(() => Sheet, (sheet) => sheet.folder)
  sheets = new Collection<Sheet>(this);
}

@SoftDeletable({ property: 'removed' })
@Entity()
class Sheet {
  @PrimaryKey({ type: 'string' })
  shelf!: string;

  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @ManyToOne(() => Folder)
  folder!: Rel<Folder>;

  @Property({ type: 'datetime', columnType: 'timestamp', nullable: true })
  removed?: Date | null;
}

const uuid = (id: number) => `ABCDEF00-0000-4000-8000-00000000000${id}`;

/** The microseconds of one millisecond, and two that are equal, as one unit has them. */
const TIMES = ['.123456', '.123456', '.123457', '.123999', '.123000', '.124000'];

describe('cursors that order by the time of deletion', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Folder, Sheet]);
    for (const [i, time] of TIMES.entries()) {
      const at = `timestamptz '2026-03-04 05:06:07${time}+00'`;
      await test.database.query(
        `insert into folder (id, deleted_at) values (${i}, ${at}); ` +
          `insert into sheet (shelf, id, folder_id, removed) values ('a"b', '${uuid(i)}', ${i}, ${at} at time zone 'UTC')`,
      );
    }
    await test.database.query(`insert into folder (id) values (8), (9)`);
  });

  afterAll(() => test.close());

  /** Every page, and how many were asked for. */
  async function walk(
    entity: new () => any,
    scope: 'with' | 'only',
    size: object,
    options: object,
    next: 'endCursor' | 'startCursor' | 'from' | 'cursor' = 'endCursor',
  ): Promise<unknown[]> {
    const found: unknown[] = [];
    const isBackward = next === 'startCursor';
    let at: unknown;
    for (let pages = 0; pages < 20; pages++) {
      const view = new SoftDeleteRepository<any>(test.orm.em.fork(), entity).scope(scope);
      const page = (await view.findByCursor({
        ...size,
        ...options,
        [isBackward ? 'before' : 'after']: at,
      } as never)) as any;
      const ids = page.items.map((item: any) => item.id);
      found.push(...(isBackward ? ids.toReversed() : ids));
      if (!(isBackward ? page.hasPrevPage : page.hasNextPage)) {
        break;
      }
      at = next === 'from' ? page.from(page.items.at(-1)) : next === 'cursor' ? page : page[next];
    }
    return found;
  }

  const descending = [5, 3, 2, 0, 1, 4];

  it.each(['endCursor', 'from', 'cursor'] as const)('reads every row once, by %s', async (next) => {
    const orderBy = { deletedAt: 'desc', id: 'asc' };
    await expect(walk(Folder, 'only', { first: 1 }, { orderBy }, next)).resolves.toEqual(descending);
    await expect(walk(Folder, 'only', { first: 2 }, { orderBy }, next)).resolves.toEqual(descending);
  });

  it('reads every row once in ascending order, and backward', async () => {
    const ascending = [4, 0, 1, 2, 3, 5];
    const orderBy = [{ deletedAt: 'asc' }, { id: 'asc' }];
    await expect(walk(Folder, 'only', { first: 1 }, { orderBy })).resolves.toEqual(ascending);
    await expect(walk(Folder, 'only', { last: 1 }, { orderBy }, 'startCursor')).resolves.toEqual(
      ascending.toReversed(),
    );
  });

  (hasNestedCursors ? it : it.skip)('reads every row once with rows that have no time', async () => {
    const orderBy = [{ deletedAt: 'asc' }, { id: 'asc' }];
    const found = walk(Folder, 'with', { first: 1 }, { orderBy });
    await expect(found).resolves.toEqual([4, 0, 1, 2, 3, 5, 8, 9]);
  });

  (hasNestedCursors ? it : it.skip)('reads every row once by the time of what a row refers to', async () => {
    const options = { populate: ['folder'], orderBy: [{ folder: { deletedAt: 'desc', id: 'asc' } }] };
    const inOrder = descending.map((i) => uuid(i).toLowerCase());
    await expect(walk(Sheet, 'only', { first: 1 }, options)).resolves.toEqual(inOrder);
  });

  it('reads every row once by a column without time zone, with a composite key', async () => {
    const inOrder = descending.map((i) => uuid(i).toLowerCase());
    await expect(walk(Sheet, 'only', { first: 1 }, { orderBy: { removed: 'desc', id: 'asc' } })).resolves.toEqual(
      inOrder,
    );
  });

  it('reads every row once through the entity manager, in a scope and inside a transaction', async () => {
    const found: number[] = [];
    await test.orm.em.fork().transactional(async (em) => {
      await em.execute('insert into folder (id, deleted_at) values (7, ?)', ['2026-03-04 05:06:07.123458+00']);
      await runInScope(em, 'only', async () => {
        let after: string | undefined;
        for (;;) {
          const page = await em.findByCursor(Folder, { first: 1, orderBy: { deletedAt: 'desc', id: 'asc' }, after });
          found.push(...page.items.map(({ id }) => id));
          after = page.endCursor ?? undefined;
          if (!page.hasNextPage || found.length > 20) {
            break;
          }
        }
      });
      await em.execute('delete from folder where id = 7');
    });
    expect(found).toEqual([5, 3, 7, 2, 0, 1, 4]);
  });

  it('takes cursors of the ORM, times to the millisecond and what is no cursor as the ORM does', async () => {
    const view = new SoftDeleteRepository(test.orm.em.fork(), Folder).onlyDeleted();
    const page = (after: unknown) =>
      view.findByCursor({ first: 1, orderBy: { deletedAt: 'desc', id: 'asc' }, after } as never);
    const encode = (...values: unknown[]) => Buffer.from(JSON.stringify(values)).toString('base64url');

    await expect(page(encode('2026-03-04T05:06:07.124Z', 5))).resolves.toMatchObject({ items: [{ id: 3 }] });
    await expect(page({ deletedAt: new Date('2026-03-04T05:06:07.124Z'), id: 5 })).resolves.toMatchObject({
      items: [{ id: 3 }],
    });
    await expect(page(encode('2026-02-31 05:06:07.123456+00', 5))).resolves.toMatchObject({ items: [] });
  });

  it('are exact where a condition by the time that an entity holds is not', async () => {
    const view = new SoftDeleteRepository(test.orm.em.fork(), Folder).onlyDeleted();
    const { deletedAt } = await view.findOneOrFail({ id: 0 });
    await expect(view.find({ deletedAt })).resolves.toMatchObject([{ id: 4 }]);
  });

  it('asks nothing more for pages in another order', async () => {
    test.statements.length = 0;
    const view = new SoftDeleteRepository(test.orm.em.fork(), Folder).onlyDeleted();
    await view.findByCursor({ first: 1, orderBy: { id: 'asc' }, includeCount: false });
    expect(test.statements).toHaveLength(1);
    await view.findByCursor({ first: 1, orderBy: { deletedAt: 'asc' }, includeCount: false });
    expect(test.statements).toHaveLength(3);
  });
});
