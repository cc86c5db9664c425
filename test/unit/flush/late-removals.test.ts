import { ChangeSetType, helper } from '@mikro-orm/core';
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { createRemovals } from '../../../lib/flush/plan/create-removals.js';
import { planLateRemovals, turnDeletes } from '../../../lib/flush/plan/late-removals.js';
import { SoftDeleteCatalog } from '../../../lib/metadata/soft-delete-catalog.js';

const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
const Book = softDeletable(
  defineEntity({
    name: 'Book',
    properties: {
      id: p.integer().primary(),
      title: p.string(),
      version: p.integer().version(),
      isbn: p.string().concurrencyCheck(),
      deletedAt: deletedAt(),
    },
  }),
);
const Plain = defineEntity({ name: 'Plain', properties: { id: p.integer().primary() } });

describe('removals that listeners have asked for', () => {
  const orm = new MikroORM({ dbName: 'none', entities: [Book, Plain], extensions: [softDelete()] });
  const catalog = SoftDeleteCatalog.of(orm.em as never);
  const [entry] = catalog.all() as [any];

  function start() {
    const em = orm.em.fork();
    const uow = em.getUnitOfWork();
    const load = (entity: unknown, data: object): any => em.merge(entity as never, data as never);
    const book = (id: number, deleted: Date | null = null) =>
      load(Book, { id, title: 'a', version: 3, isbn: `i${id}`, deletedAt: deleted });
    const ask = (entity: object, type = ChangeSetType.DELETE) => uow.computeChangeSet(entity, type);
    const changes = () =>
      new Map(uow.getChangeSets().map((changeSet) => [changeSet.entity as object, changeSet as any]));
    return { em, uow, load, book, ask, changes };
  }

  it('are planned, but for those that are planned already and for plain rows', () => {
    const { uow, load, book, ask } = start();
    const [known, early, late, plain] = [book(1), book(2), book(3), load(Plain, { id: 1 })];
    ask(known);
    ask(early, ChangeSetType.DELETE_EARLY);
    ask(late);
    ask(plain);
    const { removals } = planLateRemovals(uow, catalog, createRemovals(orm, [[known, entry]]));
    expect(new Set(removals.map(({ entity }) => entity))).toEqual(new Set([early, late]));
    expect(removals[0]!.entry).toBe(entry);
  });

  it('leave a row alone that is deleted already, and one that was never saved', () => {
    const { em, uow, book, ask, changes } = start();
    const deleted = book(1, new Date('2026-01-01'));
    const unsaved: any = em.create(Book, { id: 2, title: 'b', isbn: 'i' } as never, { persist: false });
    ask(deleted);
    ask(unsaved);
    expect(planLateRemovals(uow, catalog, []).removals).toEqual([]);
    for (const changeSet of changes().values()) {
      expect([changeSet.type, changeSet.payload]).toEqual([ChangeSetType.UPDATE, {}]);
      expect(changeSet.meta.hasOptimisticLock()).toBe(false);
    }
    expect(entry.meta.hasOptimisticLock?.()).not.toBe(false);
  });

  it('become updates before anything is inserted, whatever kind of deletion was asked for', () => {
    const { em, uow, book, ask, changes } = start();
    const [first, second, updated] = [book(1), book(2), book(3)];
    ask(first);
    ask(second, ChangeSetType.DELETE_EARLY);
    updated.title = 'changed';
    ask(updated, ChangeSetType.UPDATE_EARLY);
    const removals = createRemovals(
      orm,
      [first, second, updated].map((each) => [each, entry] as const),
    );
    turnDeletes(em as never, uow, removals);
    expect(removals.map(({ changeSet }) => changeSet)).toEqual(
      [first, second, updated].map((each) => changes().get(each)),
    );
    for (const [i, each] of [first, second].entries()) {
      const changeSet = changes().get(each);
      expect(changeSet.type).toBe(ChangeSetType.UPDATE_EARLY);
      expect(changeSet.originalEntity).toBe(helper(each).__originalEntityData);
      expect(changeSet.payload).toEqual({ deletedAt: expect.any(Date), isbn: `i${i + 1}` });
    }
    expect(changes().get(updated).payload).toEqual({ title: 'changed' });
  });
});
